// From the GPU to results: one map of headers and first rows (hybrid: counters and first candidates), a second one only
// when there is more. A result that does not carry the serial number of its call is none.

import { KedgeError } from '../errors.js';
import { extrasOf } from '../head-facts.js';
import { readKept, resultWords } from '../kept.js';
import { CANDIDATE, COUNTERS, HEADER, HEADER_WORDS, NUM_COUNTERS, PARAMS, ROW, ROW_WORDS, type Sizes, stateWords } from '../layout.js';
import type { CpuParts, Kept } from '../pipeline.js';
import type { Device } from './device.js';
import type { Recorder } from './recorder.js';
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

	readonly #recorder: Recorder;

	constructor(device: Device, options: GpuPipelineOptions, sizes: Sizes, recorder: Recorder) {
		this.#recorder = recorder;
		this.#device = device;
		this.#options = options;
		this.#sizes = sizes;
		this.#hybrid = options.hybrid === true;
	}

	#firstBytes({ slot, plan }: Prepared): { head: number; body: number } {
		return firstBytes(slot.capacity, this.#hybrid, plan.params.max_detections);
	}

	/** Images, or for hybrid runs their slots. */
	#numParts({ slot, batch }: Prepared): number {
		return this.#hybrid ? batch * slot.capacity.slots : batch;
	}

	#resultWords(rows: number): number {
		return resultWords(rows, this.#options.head);
	}

	/** Copies headers and first rows (or counters and first candidates) of every image, and the timestamps, to the staging buffer. Returns how many bytes. */
	copyFirst(encoder: GPUCommandEncoder, run: Prepared, numTimed: number): number {
		const { slot } = run;
		const hybrid = this.#hybrid;
		const { head, body } = this.#firstBytes(run);
		const staging = slot.get('staging');
		const numParts = this.#numParts(run);
		for (let image = 0; image < numParts; image++) {
			const to = image * (head + body);
			if (hybrid) {
				encoder.copyBufferToBuffer(slot.get('state'), image * stateWords(this.#sizes) * 4, staging, to, head);
				encoder.copyBufferToBuffer(slot.get('candidates'), image * slot.capacity.candidates * CANDIDATE.byteSize, staging, to + head, body);
			} else {
				encoder.copyBufferToBuffer(slot.get('output'), image * this.#resultWords(slot.capacity.rows) * 4, staging, to, head + body);
			}
		}
		// The serial number comes along as the last thing copied: proof that this is the result of this call.
		if (hybrid) encoder.copyBufferToBuffer(slot.get('uniform'), PARAMS.words.serial * 4, staging, SERIAL_COUNTER * 4, 4);
		if (numTimed > 0) encoder.copyBufferToBuffer(slot.get('timestamps'), 0, staging, numParts * (head + body), numTimed * 16);
		return numParts * (head + body) + numTimed * 16;
	}

	/** The mapped words of the first readback. */
	#mappedWords(run: Prepared, numTimed: number): Uint32Array {
		const { head, body } = this.#firstBytes(run);
		return new Uint32Array(run.slot.get('staging').getMappedRange(0, this.#numParts(run) * (head + body) + numTimed * 16));
	}

	/** The results of a mapped run. */
	read(run: Prepared, timed: readonly string[]): Promise<Kept[]> {
		return this.#hybrid ? this.#readCandidates(run) : this.#readRows(run, timed);
	}

	async #readRows(run: Prepared, timed: readonly string[]): Promise<Kept[]> {
		const { slot, batch, plan, serial } = run;
		const { rows } = slot.capacity;
		const first = Math.min(rows, FIRST_ROWS, plan.params.max_detections);
		const u32 = this.#mappedWords(run, timed.length);
		const counts = Array.from({ length: batch }, (_, image) => {
			const header = image * this.#resultWords(first);
			if (u32[header + HEADER.words.serial] !== serial) throw notWritten();
			return u32[header + HEADER.words.count];
		});
		const timings = timesOf(timed, u32, batch * this.#resultWords(first), run.started, run.call.timings);
		let words = u32;
		let stride = first;
		if (Math.max(...counts) > first) {
			stride = Math.max(...counts);
			words = await this.#readMore(
				run,
				counts.map((_, image) => ({ from: 'output', offset: image * this.#resultWords(rows) * 4, bytes: this.#resultWords(stride) * 4 })),
			);
		}
		const f32 = new Float32Array(words.buffer, words.byteOffset, words.length);
		const bytesRead = u32.byteLength + (words === u32 ? 0 : words.byteLength);
		return counts.map((_, image) => {
			const header = image * this.#resultWords(stride);
			return { ...readKept(words, f32, header, this.#options.head), bytesRead, timings };
		});
	}

	async #readCandidates(run: Prepared): Promise<Kept[]> {
		const { slot, batch, call } = run;
		const { candidates, slots } = slot.capacity;
		const cpu = this.#options.cpu as CpuParts;
		const first = Math.min(candidates, FIRST_CANDIDATES);
		const u32 = this.#mappedWords(run, 0);
		if (u32[SERIAL_COUNTER] !== run.serial) throw notWritten();
		const stride = NUM_COUNTERS + first * ROW_WORDS;
		const counters = Array.from({ length: batch * slots }, (_, part) => u32.slice(part * stride, part * stride + NUM_COUNTERS));
		const appended = counters.map((c) => Math.min(c[COUNTERS.appended], candidates));
		const gpuMs = performance.now() - run.started;
		let bytesRead = u32.byteLength;
		let more: Uint32Array | undefined;
		const most = Math.max(...appended);
		if (most > first) {
			const bytes = most * CANDIDATE.byteSize;
			more = await this.#readMore(
				run,
				appended.map((_, part) => ({ from: 'candidates', offset: part * candidates * CANDIDATE.byteSize, bytes })),
			);
			bytesRead += more.byteLength;
		}
		const parts = appended.map((count, part) => {
			const at = more ? part * most * ROW_WORDS : part * stride + NUM_COUNTERS;
			return (more ?? u32).slice(at, at + count * ROW_WORDS);
		});
		const kept = await Promise.all(
			Array.from({ length: batch }, async (_, image) => {
				const own = { begin: image * slots, end: (image + 1) * slots };
				const sum = (counter: number) => counters.slice(own.begin, own.end).reduce((total, c) => total + c[counter], 0);
				const rows = joined(parts.slice(own.begin, own.end));
				const cut = { words: rows, count: rows.length / ROW_WORDS, numCandidates: sum(COUNTERS.passed), rejected: sum(COUNTERS.rejected) };
				const kept = await cpu.suppressCandidates(cut, this.#options, call);
				kept.bytesRead = bytesRead;
				if (call.timings) kept.timings = { decode: gpuMs, ...kept.timings, total: performance.now() - run.started };
				return kept;
			}),
		);
		await this.#gatherExtras(run, kept);
		return kept;
	}

	/** Keypoints and mask coefficients of what the CPU kept: the GPU has the tensors, and is told the anchors. */
	async #gatherExtras(run: Prepared, kept: readonly Kept[]): Promise<void> {
		const { head } = this.#options;
		const steps = run.plan.steps.filter(({ stage }) => stage === 'gather');
		if (steps.length === 0 || kept.every(({ count }) => count === 0)) return;
		const { rowWords, rows } = run.slot.capacity;
		const image = this.#resultWords(rows);
		const words = new Uint32Array(run.batch * image);
		kept.forEach(({ count, indices }, i) => {
			words[i * image + HEADER.words.count] = count;
			for (let k = 0; k < count; k++) words[i * image + HEADER_WORDS + k * rowWords + ROW.words.index] = indices[k];
		});
		await this.#device.scoped('run', () => {
			const { queue } = this.#device.gpu;
			queue.writeBuffer(run.slot.get('output'), 0, words);
			const encoder = this.#device.gpu.createCommandEncoder({ label: 'kedge.gather' });
			this.#recorder.recordSteps(encoder, run, steps);
			queue.submit([encoder.finish()]);
		});
		const parts = kept.map(({ count }, i) => ({ from: 'output' as const, offset: i * image * 4, bytes: (HEADER_WORDS + Math.max(1, count) * rowWords) * 4 }));
		const read = await this.#readMore(run, parts);
		const f32 = new Float32Array(read.buffer, read.byteOffset, read.length);
		const { angle, total } = extrasOf(head);
		let at = 0;
		for (const [i, { count, extras }] of kept.entries()) {
			for (let k = 0; k < count; k++) {
				const row = at + HEADER_WORDS + k * rowWords + ROW_WORDS;
				extras?.set(f32.subarray(row + angle, row + total), k * total + angle);
			}
			at += parts[i].bytes / 4;
			kept[i].bytesRead += read.byteLength;
		}
	}

	/** A second readback, of what did not fit the first: parts laid end to end. The slot is still ours. */
	async #readMore(run: Prepared, parts: readonly { from: 'output' | 'candidates'; offset: number; bytes: number }[]): Promise<Uint32Array> {
		return new Uint32Array(
			await readParts(
				this.#device,
				parts.map(({ from, ...part }) => ({ source: run.slot.get(from), ...part })),
				{ take: (bytes) => run.slot.more(bytes), giveBack: () => undefined },
			),
		);
	}

	/** The stage switch: reads everything back and does the rest of the steps on the twins. */
	async finishOnTwins(run: Prepared): Promise<Kept[]> {
		const { slot, plan, batch } = run;
		const cpu = this.#options.cpu as CpuParts;
		const names = ['state', 'candidates', 'binned', 'sorted', 'kept', 'output'] as const;
		const contents: Record<string, ArrayBuffer> = {};
		for (const name of names) contents[name] = await readBuffer(this.#device, slot.get(name));
		const tensors = await Promise.all(run.tensors.map((bound) => readTensorOn(this.#device, bound)));
		const done = plan.commands.length;
		const { givenClasses, classFilter, overlap, soft } = this.#options;
		// the slot may have grown for a larger batch
		const memory = { sizes: this.#sizes, capacity: { ...slot.capacity, batch }, contents };
		const twins = { head: run.head, params: plan.params, tensors, classFilter, overlap, soft, givenClasses };
		return cpu.runTwins(twins, memory, plan.steps.slice(done));
	}
}

function notWritten(): KedgeError {
	return new KedgeError('GPU_VALIDATION', 'run: the GPU did not write the result of this call');
}

/** Lists laid end to end. */
function joined(parts: readonly Uint32Array[]): Uint32Array {
	if (parts.length === 1) return parts[0];
	const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		all.set(part, at);
		at += part.length;
	}
	return all;
}
