// One head on the GPU. run(): write uniforms and inputs, encode the steps in one pass, submit once, map once.
// A ring of slots lets the next frame be submitted while the last one is mapped; after warm-up a run makes no GPU object.

import type { DecodeVariant } from '../../shaders/decode.wgsl.js';
import type { CallParams, CpuParts, Encoded, GpuPipeline, Kept, PipelineOptions } from '../backend.js';
import { KedgeError } from '../errors.js';
import type { Head, Level } from '../heads/head.js';
import { readKept, resultWords } from '../kept.js';
import {
	CANDIDATE,
	COUNTERS,
	HEADER,
	HEADER_WORDS,
	LEVEL,
	NUM_COUNTERS,
	PARAMS,
	type Params,
	RANGE,
	ROW,
	ROW_WORDS,
	SIZES,
	type Sizes,
	stateWords,
	writeStruct,
} from '../layout.js';
import { BITMASK_LIMIT, type Capacity, type FrameTransform, planCapacity, planLevel, planParams, planSteps, STAGES, type Step } from '../plan.js';
import type { BoundTensor } from '../tensors.js';
import { type Device, platformError } from './device.js';
import { nudge } from './nudge.js';
import { type BoundRange, createBuffer, FIRST_CANDIDATES, FIRST_ROWS, firstBytes, MAX_TIMESTAMPS, Ring, Slot, STEP_BYTES } from './slot.js';
import { compileStage, MAP_MODE_READ, type Stage, type StageSpec, USAGE } from './stage.js';
import { decodeSpec, type KernelName, kernelOf, kernelSpecs, workgroupsOf } from './stages.js';
import { copyOnCpu, halves, readBuffer, readParts, readTensorOn, timesOf, typeKey, unmap, upload } from './transfer.js';

/** Results of `encode` that are valid at once. */
const ENCODE_RING = 3;

/** The word among the counters of a hybrid readback that brings the serial number; no stage uses it. */
const SERIAL_COUNTER = NUM_COUNTERS - 1;

/** What a pipeline may be told beyond the public options. */
export interface GpuPipelineOptions extends PipelineOptions {
	readonly hybrid?: boolean;
	readonly sizes?: Sizes;
	/** Class ids come in the objectness tensor's place: nms(). */
	readonly givenClasses?: boolean;
	/** Rounds capacities up to powers of two, for heads whose number of anchors changes. */
	readonly growing?: boolean;
	readonly cpu?: CpuParts;
}

/** A run whose uniforms and inputs are on their way. */
interface Prepared extends Run {
	readonly slot: Slot;
	readonly steps: readonly Step[];
	/** The steps that the GPU does, and a bind group for each. */
	readonly onGpu: readonly Step[];
	readonly groups: readonly GPUBindGroup[];
	readonly params: Params;
	readonly ranges: readonly BoundRange[];
}

export class HeadPipeline implements GpuPipeline {
	readonly #device: Device;
	readonly #options: GpuPipelineOptions;
	readonly #sizes: Sizes;
	readonly #bitmask: boolean;
	/** What never changes: anchors, and the class filter where there is one. */
	readonly #constants: Record<string, BoundRange> = {};
	readonly #compiled = new Map<string, ReadonlyMap<KernelName, Stage>>();
	readonly #ring: Ring;
	readonly #encodeSlots: (Slot | undefined)[] = [];
	#nextEncode = 0;
	#serial = 0;
	/** Runs that still use the buffers, aborted ones too. */
	#running = 0;
	#disposed = false;

	constructor(device: Device, options: GpuPipelineOptions) {
		this.#device = device;
		this.#options = options;
		this.#sizes = options.sizes ?? SIZES;
		this.#bitmask = options.suppression === 'bitmask';
		this.#ring = new Ring((capacity) => new Slot(device, capacity, this.#sizes, this.#bitmask, device.gpu.features.has('timestamp-query')));
	}

	/** Compiles what float32 tensors need; other types are compiled when they first come. */
	async start(): Promise<this> {
		const { head, classFilter } = this.#options;
		const constants = this.#device.scoped('createPostprocessor', () => {
			this.#constant('anchors', head.anchors ?? new Float32Array(4));
			if (classFilter) this.#constant('class_filter', classFilter);
		});
		try {
			await Promise.all([constants, this.#stages(head.tensors.map(() => false))]);
			return this;
		} catch (error) {
			this.dispose();
			throw error;
		}
	}

	async run(tensors: readonly BoundTensor[], batch: number, call: CallParams, head = this.#options.head): Promise<Kept[]> {
		this.#assertUsable();
		call.signal?.throwIfAborted();
		this.#running++;
		const work = this.#enqueue(tensors, batch, call, head).finally(() => {
			this.#running--;
			if (this.#disposed) this.#free();
		});
		return this.#device.race(work, call.signal);
	}

	/** Waits for shaders and for a place in the ring where it must; otherwise the work is submitted before this returns. */
	async #enqueue(tensors: readonly BoundTensor[], batch: number, call: CallParams, head: Head): Promise<Kept[]> {
		const started = performance.now();
		const capacity = this.#capacity(head, batch, call);
		let stages = this.#compiled.get(typeKey(halves(tensors)));
		let place = stages && this.#ring.take();
		let inputs = tensors;
		if (!stages || place === undefined) {
			// The caller may change his arrays as soon as we wait.
			inputs = tensors.map(copyOnCpu);
			stages ??= await this.#stages(halves(tensors));
			call.signal?.throwIfAborted();
			place = this.#ring.take() ?? (await this.#ring.wait((turn) => this.#device.race(turn, call.signal)));
		}
		const taken = place;
		const run = { capacity, stages, tensors: inputs, batch, call, head, started };
		return this.#runIn(taken, run).finally(() => this.#ring.release(taken));
	}

	encode(encoder: GPUCommandEncoder, tensors: readonly BoundTensor[], batch: number, call: CallParams, frame?: FrameTransform): Encoded {
		this.#assertUsable();
		const { head } = this.#options;
		const stages = this.#compiled.get(typeKey(halves(tensors)));
		if (!stages) throw new RangeError('encode: tensors need shaders that are not compiled yet; got float16; await one run() with such tensors first');
		const capacity = this.#capacity(head, batch, call);
		const run = { capacity, stages, tensors, batch, call, head, started: 0 };
		const prepared = this.#prepareEncode(run, frame);
		const { slot } = prepared;
		try {
			this.#write(prepared);
			this.#encodeSteps(encoder, prepared);
		} catch (error) {
			throw platformError('encode', error);
		}
		const { rows } = slot.capacity;
		return {
			buffer: slot.get('output'),
			layout: {
				numImages: batch,
				imageStride: resultWords(rows) * 4,
				rowOffset: HEADER_WORDS * 4,
				rowStride: ROW_WORDS * 4,
				maxRows: rows,
				header: byteOffsets(HEADER.words),
				row: byteOffsets(ROW.words),
				wgsl: `${HEADER.wgsl}\n${ROW.wgsl}`,
			},
		};
	}

	/**
	 * The next slot of encode(), made ready. Nobody waits for what WebGPU says of new buffers and bind groups: the caller
	 * hears of invalid ones when he finishes his encoder. What is broken is not used for a later encode(). Only what is made
	 * stands inside the scope: faults of writing and recording belong to the caller's own.
	 */
	#prepareEncode(run: Run, frame?: FrameTransform): Prepared {
		const place = this.#nextEncode++ % ENCODE_RING;
		let prepared: Prepared | undefined;
		let thrown: unknown;
		const drop = () => {
			this.#encodeSlots[place]?.destroy();
			this.#encodeSlots[place] = undefined;
		};
		const made = this.#device.scoped('encode', () => {
			try {
				if (!this.#encodeSlots[place]?.holds(run.capacity)) {
					drop();
					this.#encodeSlots[place] = new Slot(this.#device, run.capacity, this.#sizes, this.#bitmask, false);
				}
				prepared = this.#prepare(this.#encodeSlots[place] as Slot, run, frame);
			} catch (error) {
				drop();
				thrown = error;
			}
		});
		made.catch(drop);
		if (!prepared) throw platformError('encode', thrown);
		return prepared;
	}

	/** Running calls finish first. */
	dispose(): void {
		this.#disposed = true;
		if (this.#running === 0) this.#free();
	}

	#free(): void {
		this.#ring.dispose();
		for (const slot of this.#encodeSlots) slot?.destroy();
		for (const { buffer } of Object.values(this.#constants)) buffer.destroy();
	}

	#assertUsable(): void {
		if (this.#disposed) throw new KedgeError('DISPOSED', 'run: the postprocessor was used after dispose()');
		this.#device.assertAlive();
	}

	#capacity(head: Head, batch: number, call: CallParams): Capacity {
		const capacity = planCapacity(head, this.#options.multiLabel, batch, call);
		if (this.#bitmask && Math.min(capacity.candidates, call.maxCandidates) > BITMASK_LIMIT) {
			throw new RangeError(
				`createPostprocessor: suppression 'bitmask' holds ${BITMASK_LIMIT} candidates at most; got up to ${Math.min(capacity.candidates, call.maxCandidates)}; set maxCandidates: ${BITMASK_LIMIT} or use 'blocked'`,
			);
		}
		if (!this.#options.growing) return capacity;
		const grown = (n: number) => 2 ** Math.ceil(Math.log2(Math.max(256, n)));
		return { batch, candidates: grown(capacity.candidates), rows: grown(capacity.rows) };
	}

	/** Compiles the kernels for tensors of these types. */
	async #stages(half: readonly boolean[]): Promise<ReadonlyMap<KernelName, Stage>> {
		const key = typeKey(half);
		const ready = this.#compiled.get(key);
		if (ready) return ready;
		const { head, multiLabel, classFilter, givenClasses = false } = this.#options;
		const level = head.levels[0];
		const variant: DecodeVariant = {
			head,
			multiLabel,
			classFilter: classFilter !== undefined,
			givenClasses,
			half: { box: half[level.box.tensor], classes: half[level.classes.tensor], extra: level.objectness ? half[level.objectness.tensor] : false },
			sizes: this.#sizes,
		};
		const others = kernelSpecs(this.#sizes);
		const specs: [KernelName, StageSpec][] = [
			['decode', decodeSpec(variant)],
			...this.#otherKernels().map((name) => [name, others[name]] as [KernelName, StageSpec]),
		];
		const compiled = await Promise.all(specs.map(async ([name, spec]) => [name, await compileStage(this.#device, spec)] as const));
		const stages = new Map(compiled);
		this.#compiled.set(key, stages);
		return stages;
	}

	/** The kernels after decode that runs of this pipeline may need. Compiling takes its time: suppression more than all others. */
	#otherKernels(): Exclude<KernelName, 'decode'>[] {
		const { head, multiLabel, hybrid, growing } = this.#options;
		if (hybrid) return multiLabel ? ['bins'] : [];
		if (this.#bitmask) return ['bins', 'scatter', 'rank', 'overlaps', 'sweep'];
		const mayBeLong = growing || multiLabel || head.numAnchors > this.#sizes.head;
		return ['bins', 'scatter', 'rank', 'suppress', ...(mayBeLong ? (['prefilter'] as const) : [])];
	}

	/** A buffer that never changes. */
	#constant(name: string, data: Float32Array | Uint32Array): void {
		const buffer = createBuffer(this.#device, name, data.byteLength, USAGE.STORAGE | USAGE.COPY_DST);
		this.#constants[name] = { buffer, offset: 0, size: Math.max(16, data.byteLength), skip: 0 };
		this.#device.gpu.queue.writeBuffer(buffer, 0, data as Uint32Array<ArrayBuffer>);
	}

	/** Whatever the run needs that may have to be made: buffers large enough, bind groups. */
	#prepare(slot: Slot, run: Run, frame?: FrameTransform): Prepared {
		const { head, tensors, batch, call } = run;
		const capacity = { ...slot.capacity, batch };
		const params = planParams(head, this.#options.multiLabel, capacity, call, this.#sizes, frame, ++this.#serial >>> 0);
		const steps = planSteps(head, this.#options.multiLabel, capacity, call, this.#sizes, this.#bitmask);
		const ranges = tensors.map((bound, i) => this.#range(slot, bound, i));
		slot.growUniform(steps.length);
		const onGpu = this.#gpuSteps(steps);
		const groups = onGpu.map((step) =>
			slot.group(run.stages.get(kernelOf(step)) as Stage, step.stage === 'decode' ? this.#decodeInputs(ranges, head.levels[step.level]) : {}),
		);
		return { ...run, slot, capacity, params, steps, ranges, onGpu, groups };
	}

	/** Uniforms, and tensors in CPU memory, on their way to the slot. */
	#write({ slot, head, tensors, params, steps, ranges }: Prepared): void {
		const { queue } = this.#device.gpu;
		tensors.forEach(({ tensor }, i) => tensor.location === 'cpu' && upload(queue, ranges[i].buffer, tensor.data));
		const u32 = slot.uniform;
		const f32 = new Float32Array(u32.buffer);
		writeStruct(PARAMS, params, u32, f32);
		steps.forEach((step, i) => {
			const at = ((i + 1) * STEP_BYTES) / 4;
			if (step.stage === 'decode')
				writeStruct(
					LEVEL,
					planLevel(head.levels[step.level], tensors, step.phase, (t) => ranges[t].skip),
					u32,
					f32,
					at,
				);
			else if (step.stage === 'bins') u32[at + LEVEL.words.phase] = step.phase;
			else if (step.stage === 'suppress' && 'range' in step) writeStruct(RANGE, step.range, u32, f32, at);
		});
		queue.writeBuffer(slot.get('uniform'), 0, u32 as Uint32Array<ArrayBuffer>, 0, ((steps.length + 1) * STEP_BYTES) / 4);
	}

	/** What the shader binds for a tensor; room for an array. */
	#range(slot: Slot, bound: BoundTensor, i: number): BoundRange {
		const { tensor, strides } = bound;
		const elementBytes = tensor.type === 'float16' ? 2 : 4;
		const bytes = strides.numElements * elementBytes;
		if (tensor.location === 'cpu') {
			return { buffer: slot.input(i, bytes), offset: 0, size: Math.max(16, Math.ceil(bytes / 4) * 4), skip: 0 };
		}
		const offset = Math.floor(tensor.offset / 256) * 256;
		const size = Math.ceil((tensor.offset - offset + bytes) / 4) * 4;
		const limit = this.#device.gpu.limits.maxStorageBufferBindingSize;
		if (size > limit)
			throw new RangeError(
				`run: outputs[${i}] needs a binding of ${size} bytes; the device's limit is ${limit}; ask for a device with a larger maxStorageBufferBindingSize`,
			);
		return { buffer: tensor.buffer, offset, size, skip: (tensor.offset - offset) / elementBytes };
	}

	/** Appends the steps, in one pass, or with timings in one pass a stage. Returns the stages that were timed. */
	#encodeSteps(encoder: GPUCommandEncoder, run: Prepared, timed = false): string[] {
		const { slot } = run;
		encoder.clearBuffer(slot.get('state'));
		const timedStages: string[] = [];
		let pass: GPUComputePassEncoder | undefined;
		let current = '';
		run.onGpu.forEach((step, i) => {
			if (!pass || (timed && step.stage !== current)) {
				pass?.end();
				current = step.stage;
				const at = timedStages.length * 2;
				const querySet = timed && at + 1 < MAX_TIMESTAMPS ? slot.querySet : undefined;
				if (querySet) timedStages.push(step.stage);
				pass = encoder.beginComputePass({
					label: `kedge.${timed ? step.stage : 'run'}`,
					...(querySet && { timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } }),
				});
			}
			this.#dispatch(pass, run, step, run.groups[i]);
		});
		pass?.end();
		if (timedStages.length > 0) {
			encoder.resolveQuerySet(slot.querySet as GPUQuerySet, 0, timedStages.length * 2, slot.get('timestamps'), 0);
		}
		return timedStages;
	}

	#dispatch(pass: GPUComputePassEncoder, run: Prepared, step: Step, group: GPUBindGroup): void {
		const { head, capacity } = run;
		const stage = run.stages.get(kernelOf(step)) as Stage;
		const numAnchors = step.stage === 'decode' ? head.levels[step.level].numAnchors : 0;
		const [x, y] = workgroupsOf(step, numAnchors, capacity.candidates, this.#options.multiLabel, this.#sizes);
		pass.setPipeline(stage.pipeline);
		if (stage.hasStep) pass.setBindGroup(0, group, [(run.steps.indexOf(step) + 1) * STEP_BYTES]);
		else pass.setBindGroup(0, group);
		pass.dispatchWorkgroups(x, y, run.batch);
	}

	#decodeInputs(ranges: readonly BoundRange[], level: Level): Record<string, BoundRange> {
		return {
			box: ranges[level.box.tensor],
			classes: ranges[level.classes.tensor],
			...(level.objectness && { extra: ranges[level.objectness.tensor] }),
			...this.#constants,
		};
	}

	/** One run in a place of the ring, from uniforms to results. */
	async #runIn(place: number, run: Run): Promise<Kept[]> {
		const { call } = run;
		const { gpuStages } = this.#options;
		const hybrid = this.#options.hybrid === true;
		let prepared!: Prepared;
		let timed: string[] = [];
		let mapped: Promise<void> | undefined;
		let sound = false;
		const submitted = this.#device.scoped('run', () => {
			const slot = this.#ring.slot(place, run.capacity);
			prepared = this.#prepare(slot, run);
			this.#write(prepared);
			const encoder = this.#device.gpu.createCommandEncoder({ label: 'kedge.run' });
			const wantTimes = call.timings === true && slot.querySet !== undefined;
			timed = this.#encodeSteps(encoder, prepared, wantTimes);
			if (gpuStages === undefined) this.#copyFirst(encoder, prepared, hybrid, timed.length);
			this.#device.gpu.queue.submit([encoder.finish()]);
			if (gpuStages === undefined) {
				mapped = slot.get('staging').mapAsync(MAP_MODE_READ);
				mapped.catch(() => undefined);
			}
		});
		submitted.catch(() => undefined);
		try {
			if (mapped && this.#options.latency === 'low') nudge(this.#device.gpu, mapped).catch(() => undefined);
			await submitted;
			if (mapped) await this.#device.race(mapped);
			const kept = await (!mapped ? this.#finishOnTwins(prepared) : hybrid ? this.#readCandidates(prepared) : this.#readRows(prepared, timed));
			sound = true;
			return kept;
		} catch (error) {
			throw platformError('run', error);
		} finally {
			await unmap(prepared?.slot.get('staging'), mapped);
			// What went wrong may have left buffers or bind groups invalid: the next run makes new ones.
			if (!sound) this.#ring.discard(place);
		}
	}

	/** The steps that the GPU does: all, decode and the cut for hybrid, or those of the first n stages. */
	#gpuSteps(steps: readonly Step[]): readonly Step[] {
		const { hybrid, gpuStages, multiLabel } = this.#options;
		if (hybrid) return steps.filter((step) => step.stage === 'decode' || (multiLabel && step.stage === 'bins'));
		if (gpuStages === undefined) return steps;
		const first = steps.findIndex((step) => STAGES.indexOf(step.stage) >= gpuStages);
		return first < 0 ? steps : steps.slice(0, first);
	}

	/** Copies headers and first rows (or counters and first candidates) of every image, and the timestamps, to the staging buffer. */
	#copyFirst(encoder: GPUCommandEncoder, run: Prepared, hybrid: boolean, numTimed: number): void {
		const { slot, batch } = run;
		const { head, body } = firstBytes(slot.capacity, hybrid);
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
	#mappedWords(run: Prepared, hybrid: boolean, numTimed: number): Uint32Array {
		const { head, body } = firstBytes(run.slot.capacity, hybrid);
		return new Uint32Array(run.slot.get('staging').getMappedRange(0, run.batch * (head + body) + numTimed * 16));
	}

	async #readRows(run: Prepared, timed: readonly string[]): Promise<Kept[]> {
		const { slot, batch, params } = run;
		const { rows } = slot.capacity;
		const first = Math.min(rows, FIRST_ROWS);
		const u32 = this.#mappedWords(run, false, timed.length);
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
		const u32 = this.#mappedWords(run, true, 0);
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
				const kept = await cpu.suppressCandidates(rows, appended[image], this.#options.head, this.#options.multiLabel, call);
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
			),
		);
	}

	/** The stage switch: reads everything back and does the rest of the steps on the twins. */
	async #finishOnTwins(run: Prepared): Promise<Kept[]> {
		const { slot, steps, batch } = run;
		const cpu = this.#options.cpu as CpuParts;
		const names = ['state', 'candidates', 'binned', 'sorted', 'kept', 'output'] as const;
		const contents: Record<string, ArrayBuffer> = {};
		for (const name of names) contents[name] = await readBuffer(this.#device, slot.get(name));
		const tensors = await Promise.all(run.tensors.map((bound) => readTensorOn(this.#device, bound)));
		const done = run.onGpu.length;
		const { givenClasses, classFilter } = this.#options;
		const memory = { sizes: this.#sizes, capacity: slot.capacity, contents };
		const kept = await cpu.runTwins({ head: run.head, params: run.params, tensors, classFilter, givenClasses }, memory, steps.slice(done));
		return kept.slice(0, batch);
	}
}

/** What a run is given. */
interface Run {
	readonly capacity: Capacity;
	readonly stages: ReadonlyMap<KernelName, Stage>;
	readonly tensors: readonly BoundTensor[];
	readonly batch: number;
	readonly call: CallParams;
	readonly head: Head;
	/** performance.now() when it was asked for. */
	readonly started: number;
}

function notWritten(): KedgeError {
	return new KedgeError('GPU_VALIDATION', 'run: the GPU did not write the result of this call');
}

/** Byte offsets from word offsets. */
function byteOffsets(words: Readonly<Record<string, number>>): Record<string, number> {
	return Object.fromEntries(Object.entries(words).map(([name, word]) => [name, word * 4]));
}
