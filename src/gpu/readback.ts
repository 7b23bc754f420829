// From the GPU to results: one map of headers and first rows (hybrid: counters and first candidates), a second one only
// when there is more. A result that does not carry the serial number of its call is none.

import { KedgeError } from '../errors.js';
import { readKept, resultWords } from '../kept.js';
import { CANDIDATE, COUNTERS, HEADER, HEADER_WORDS, NUM_COUNTERS, PARAMS, ROW_WORDS, type Sizes, stateWords } from '../layout.js';
import type { CpuParts, Kept } from '../pipeline.js';
import type { Device } from './device.js';
import type { GpuPipelineOptions, Prepared } from './run.js';
import { FIRST_CANDIDATES, FIRST_ROWS, firstBytes } from './slot.js';
import { readBuffer, readParts, readTensorOn, timesOf } from './transfer.js';

/** The word among the counters of a hybrid readback that brings the serial number; no stage uses it. */
const SERIAL_COUNTER = NUM_COUNTERS - 1;

export class Readback {
	readonly #device: Device;
	readonly #options: GpuPipelineOptions;
	readonly #sizes: Sizes;
	readonly #hybrid: boolean;

	constructor(device: Device, options: GpuPipelineOptions, sizes: Sizes) {
		this.#device = device;
		this.#options = options;
		this.#sizes = sizes;
		this.#hybrid = options.hybrid === true;
	}

	#firstBytes({ slot, params }: Prepared): { head: number; body: number } {
		return firstBytes(slot.capacity, this.#hybrid, params.max_detections);
	}

	/** Copies headers and first rows (or counters and first candidates) of every image, and the timestamps, to the staging buffer. */
	copyFirst(encoder: GPUCommandEncoder, run: Prepared, numTimed: number): void {
		const { slot, batch } = run;
		const hybrid = this.#hybrid;
		const { head, body } = this.#firstBytes(run);
		const staging = slot.get('staging');
		for (let image = 0; image < batch; image++) {
			const to = image * (head + body);
			if (hybrid) {
				encoder.copyBufferToBuffer(slot.get('state'), image * stateWords(this.#sizes) * 4, staging, to, head);
				encoder.copyBufferToBuffer(slot.get('candidates'), image * slot.capacity.candidates * CANDIDATE.byteSize, staging, to + head, body);
			} else {
				encoder.copyBufferToBuffer(slot.get('output'), image * resultWords(slot.capacity.rows) * 4, staging, to, head + body);
			}
		}
		// The serial number comes along as the last thing copied: proof that this is the result of this call.
		if (hybrid) encoder.copyBufferToBuffer(slot.get('uniform'), PARAMS.words.serial * 4, staging, SERIAL_COUNTER * 4, 4);
		if (numTimed > 0) encoder.copyBufferToBuffer(slot.get('timestamps'), 0, staging, batch * (head + body), numTimed * 16);
	}

	/** The mapped words of the first readback. */
	#mappedWords(run: Prepared, numTimed: number): Uint32Array {
		const { head, body } = this.#firstBytes(run);
		return new Uint32Array(run.slot.get('staging').getMappedRange(0, run.batch * (head + body) + numTimed * 16));
	}

	/** The results of a mapped run. */
	read(run: Prepared, timed: readonly string[]): Promise<Kept[]> {
		return this.#hybrid ? this.#readCandidates(run) : this.#readRows(run, timed);
	}

	async #readRows(run: Prepared, timed: readonly string[]): Promise<Kept[]> {
		const { slot, batch, params } = run;
		const { rows } = slot.capacity;
		const first = Math.min(rows, FIRST_ROWS, params.max_detections);
		const u32 = this.#mappedWords(run, timed.length);
		const counts = Array.from({ length: batch }, (_, image) => {
			const header = image * resultWords(first);
			if (u32[header + HEADER.words.serial] !== params.serial) throw notWritten();
			return u32[header + HEADER.words.count];
		});
		const timings = timesOf(timed, u32, batch * resultWords(first), run.started, run.call.timings);
		let words = u32;
		let stride = first;
		if (Math.max(...counts) > first) {
			stride = Math.max(...counts);
			words = await this.#readMore(
				run,
				counts.map((_, image) => ({ from: 'output', offset: image * resultWords(rows) * 4, bytes: resultWords(stride) * 4 })),
			);
		}
		const f32 = new Float32Array(words.buffer, words.byteOffset, words.length);
		const bytesRead = u32.byteLength + (words === u32 ? 0 : words.byteLength);
		return counts.map((_, image) => {
			const header = image * resultWords(stride);
			return { ...readKept(words, f32, header, header + HEADER_WORDS), bytesRead, timings };
		});
	}

	async #readCandidates(run: Prepared): Promise<Kept[]> {
		const { slot, batch, call } = run;
		const cpu = this.#options.cpu as CpuParts;
		const first = Math.min(slot.capacity.candidates, FIRST_CANDIDATES);
		const u32 = this.#mappedWords(run, 0);
		if (u32[SERIAL_COUNTER] !== run.params.serial) throw notWritten();
		const stride = NUM_COUNTERS + first * ROW_WORDS;
		const counters = Array.from({ length: batch }, (_, image) => u32.slice(image * stride, image * stride + NUM_COUNTERS));
		const appended = counters.map((c) => Math.min(c[COUNTERS.appended], slot.capacity.candidates));
		const gpuMs = performance.now() - run.started;
		let bytesRead = u32.byteLength;
		let more: Uint32Array | undefined;
		const most = Math.max(...appended);
		if (most > first) {
			const part = (image: number) => ({
				from: 'candidates' as const,
				offset: image * slot.capacity.candidates * CANDIDATE.byteSize,
				bytes: most * CANDIDATE.byteSize,
			});
			more = await this.#readMore(
				run,
				appended.map((_, image) => part(image)),
			);
			bytesRead += more.byteLength;
		}
		const parts = appended.map((count, image) => {
			const at = more ? image * most * ROW_WORDS : image * stride + NUM_COUNTERS;
			return (more ?? u32).slice(at, at + count * ROW_WORDS);
		});
		return Promise.all(
			parts.map(async (rows, image) => {
				const kept = await cpu.suppressCandidates(rows, appended[image], this.#options, call);
				const passed = counters[image][COUNTERS.passed];
				kept.numCandidates = passed;
				kept.truncated = Math.max(0, passed - call.maxCandidates);
				kept.rejected = counters[image][COUNTERS.rejected];
				kept.bytesRead = bytesRead;
				if (call.timings) kept.timings = { decode: gpuMs, ...kept.timings, total: performance.now() - run.started };
				return kept;
			}),
		);
	}

	/** A second readback, of what did not fit the first: parts laid end to end. The slot is still ours. */
	async #readMore(run: Prepared, parts: readonly { from: 'output' | 'candidates'; offset: number; bytes: number }[]): Promise<Uint32Array> {
		return new Uint32Array(
			await readParts(
				this.#device,
				parts.map(({ from, ...part }) => ({ source: run.slot.get(from), ...part })),
				(bytes) => run.slot.more(bytes),
			),
		);
	}

	/** The stage switch: reads everything back and does the rest of the steps on the twins. */
	async finishOnTwins(run: Prepared): Promise<Kept[]> {
		const { slot, steps, batch } = run;
		const cpu = this.#options.cpu as CpuParts;
		const names = ['state', 'candidates', 'binned', 'sorted', 'kept', 'output'] as const;
		const contents: Record<string, ArrayBuffer> = {};
		for (const name of names) contents[name] = await readBuffer(this.#device, slot.get(name));
		const tensors = await Promise.all(run.tensors.map((bound) => readTensorOn(this.#device, bound)));
		const done = run.onGpu.length;
		const { givenClasses, classFilter, overlap } = this.#options;
		const memory = { sizes: this.#sizes, capacity: slot.capacity, contents };
		const kept = await cpu.runTwins({ head: run.head, params: run.params, tensors, classFilter, overlap, givenClasses }, memory, steps.slice(done));
		return kept.slice(0, batch);
	}
}

function notWritten(): KedgeError {
	return new KedgeError('GPU_VALIDATION', 'run: the GPU did not write the result of this call');
}
