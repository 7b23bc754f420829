// The buffers of one run in flight. A pipeline keeps a small ring of slots; each has its own buffers, so that a run may
// read more of its result after the next one was submitted. Bind groups are kept by input buffer: runtimes reuse theirs.

import { KedgeError } from '../errors.js';
import { CANDIDATE, HEADER_WORDS, LEVEL, NUM_COUNTERS, PARAMS, type Sizes } from '../layout.js';
import { type Capacity, planBytes } from '../plan.js';
import type { BoundTensor } from '../tensors.js';
import type { Device } from './device.js';
import type { RunPlan } from './run.js';
import { type Stage, USAGE } from './stage.js';

/** Uniforms with a dynamic offset stand this far apart: WebGPU's default alignment. */
export const STEP_BYTES = 256;
/** Rows that the first readback takes along; a longer result is fetched with a second one. */
export const FIRST_ROWS = 1024;
/** Candidates that a hybrid run reads at first: 96 KB. */
export const FIRST_CANDIDATES = 3072;
/** Timestamps a run may take: two a pass, and multi-label takes up to 20 passes to narrow its cut. */
export const MAX_TIMESTAMPS = 64;

/** The part of a buffer that a shader sees, and the elements to skip in it: bindings begin at multiples of 256 bytes. */
export interface BoundRange {
	readonly buffer: GPUBuffer;
	readonly offset: number;
	readonly size: number;
	readonly skip: number;
}

type BufferName = 'uniform' | 'state' | 'candidates' | 'binned' | 'sorted' | 'kept' | 'dead' | 'output' | 'overlaps' | 'staging' | 'more' | 'timestamps';

const numberOf = new WeakMap<GPUBuffer, number>();
let numBuffers = 0;
function bufferNumber(buffer: GPUBuffer): number {
	const known = numberOf.get(buffer);
	if (known !== undefined) return known;
	numBuffers++;
	numberOf.set(buffer, numBuffers);
	return numBuffers;
}

/** Input bind groups kept per slot: runtimes cycle through a handful of buffers. */
const MAX_GROUPS = 64;

/** What a slot is for. */
export interface SlotOptions {
	readonly sizes: Sizes;
	/** Room for the full bitmask. */
	readonly bitmask?: boolean;
	/** Stages may be timed; needs the feature 'timestamp-query'. */
	readonly timestamps?: boolean;
	/** What its runs read back at first: rows of the result, or for hybrid ones candidates; undefined: nothing. */
	readonly reads?: 'rows' | 'candidates';
}

export class Slot {
	readonly capacity: Capacity;
	readonly buffers = new Map<BufferName, GPUBuffer>();
	/** Buffers for tensors that come from CPU memory, by tensor number. */
	readonly inputs: GPUBuffer[] = [];
	readonly querySet: GPUQuerySet | undefined;
	/** The runs that were made ready here, by their tensors; those of a frame loop are the same ones again and again. */
	plans = new WeakMap<readonly BoundTensor[], RunPlan>();
	/** Whose uniform is in the buffer. */
	written: RunPlan | undefined;
	readonly #device: Device;
	readonly #groups = new Map<string, GPUBindGroup>();

	constructor(device: Device, capacity: Capacity, { sizes, bitmask = false, timestamps = false, reads }: SlotOptions) {
		this.#device = device;
		this.capacity = capacity;
		try {
			const bytes = planBytes(capacity, sizes, bitmask);
			const all = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;
			for (const name of ['state', 'candidates', 'binned', 'sorted', 'kept', 'dead', 'output'] as const) this.make(name, bytes[name], all);
			if (bitmask) this.make('overlaps', bytes.overlaps, USAGE.STORAGE);
			if (reads) this.make('staging', stagingBytes(capacity, reads), USAGE.MAP_READ | USAGE.COPY_DST);
			this.growUniform(STEP_BYTES / 4);
			if (timestamps) {
				this.querySet = device.gpu.createQuerySet({ type: 'timestamp', count: MAX_TIMESTAMPS });
				this.make('timestamps', MAX_TIMESTAMPS * 8, USAGE.QUERY_RESOLVE | USAGE.COPY_SRC);
			}
		} catch (error) {
			this.destroy(); // what could be made is freed when the rest cannot
			throw error;
		}
	}

	/** Makes or replaces a buffer. */
	make(name: BufferName, size: number, usage: number): GPUBuffer {
		this.buffers.get(name)?.destroy();
		const buffer = createBuffer(this.#device, name, size, usage);
		this.buffers.set(name, buffer);
		this.#forget();
		return buffer;
	}

	/** What binds a buffer that is no more. */
	#forget(): void {
		this.#groups.clear();
		this.plans = new WeakMap();
		this.written = undefined;
	}

	get(name: BufferName): GPUBuffer {
		return this.buffers.get(name) as GPUBuffer;
	}

	/** Room for a second readback of this many bytes; kept, since a long result is seldom alone. */
	more(bytes: number): GPUBuffer {
		const kept = this.buffers.get('more');
		return kept && kept.size >= bytes ? kept : this.make('more', 2 ** Math.ceil(Math.log2(bytes)), USAGE.MAP_READ | USAGE.COPY_DST);
	}

	/** Room for a uniform of this many words. */
	growUniform(words: number): void {
		if (words * 4 <= (this.buffers.get('uniform')?.size ?? 0)) return;
		this.make('uniform', words * 4, USAGE.UNIFORM | USAGE.COPY_DST | USAGE.COPY_SRC);
	}

	/** A buffer for an input tensor in CPU memory, at least this large. */
	input(i: number, bytes: number): GPUBuffer {
		const old = this.inputs[i];
		if (old && old.size >= bytes) return old;
		old?.destroy();
		this.#forget();
		this.inputs[i] = createBuffer(this.#device, `input${i}`, bytes, USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC);
		return this.inputs[i];
	}

	/** The bind group of a stage; `inputs` are the ranges of the tensors and of what belongs to the pipeline. */
	group(stage: Stage, inputs: Readonly<Record<string, BoundRange>>): GPUBindGroup {
		const used = stage.spec.bindings.filter(([, , name]) => inputs[name]);
		const key = stage.spec.name + used.map(([, , name]) => `|${bufferNumber(inputs[name].buffer)}:${inputs[name].offset}:${inputs[name].size}`).join('');
		let group = this.#groups.get(key);
		if (!group) {
			const entries = stage.spec.bindings.map(([binding, , name]) => ({ binding, resource: this.#resource(name, inputs) }));
			group = this.#device.gpu.createBindGroup({ label: `kedge.${stage.spec.name}`, layout: stage.layout, entries });
			if (this.#groups.size >= MAX_GROUPS) this.#groups.clear();
			this.#groups.set(key, group);
		}
		return group;
	}

	#resource(name: string, inputs: Readonly<Record<string, BoundRange>>): GPUBufferBinding {
		const range = inputs[name];
		if (range) return { buffer: range.buffer, offset: range.offset, size: range.size };
		if (name === 'params') return { buffer: this.get('uniform'), size: PARAMS.byteSize };
		if (name === 'step') return { buffer: this.get('uniform'), size: LEVEL.byteSize };
		// where levels are cut one by one, the merged list takes the place of the candidates
		if (name === 'list') return { buffer: this.get(this.capacity.slots > 1 ? 'candidates' : 'sorted') };
		return { buffer: this.get(name as BufferName) };
	}

	/** True when a run of this capacity fits. */
	holds(capacity: Capacity): boolean {
		return this.capacity.batch >= capacity.batch && this.capacity.candidates >= capacity.candidates && this.capacity.rows >= capacity.rows;
	}

	destroy(): void {
		for (const buffer of [...this.buffers.values(), ...this.inputs]) buffer?.destroy();
		this.querySet?.destroy();
		this.#groups.clear();
	}
}

/** Bytes in the first readback of a run: header and rows of an image, or counters and candidates of a slot. */
export function firstBytes(capacity: Capacity, hybrid: boolean, maxDetections = FIRST_ROWS): { head: number; body: number } {
	if (hybrid) return { head: NUM_COUNTERS * 4, body: Math.min(capacity.candidates, FIRST_CANDIDATES) * CANDIDATE.byteSize };
	return { head: HEADER_WORDS * 4, body: Math.min(capacity.rows, FIRST_ROWS, maxDetections) * capacity.rowWords * 4 };
}

/** Large enough for the first readback, and the timestamps. */
function stagingBytes(capacity: Capacity, reads: 'rows' | 'candidates'): number {
	const hybrid = reads === 'candidates';
	const { head, body } = firstBytes(capacity, hybrid);
	return capacity.batch * (hybrid ? capacity.slots : 1) * (head + body) + MAX_TIMESTAMPS * 8;
}

/** Runs in flight at once; a further one waits its turn. */
const RING = 3;

/** Places for runs in flight. A place is taken, used with a slot that is large enough, and released. */
export class Ring {
	readonly #make: (capacity: Capacity) => Slot;
	readonly #slots: (Slot | undefined)[] = Array(RING).fill(undefined);
	readonly #busy: boolean[] = Array(RING).fill(false);
	/** Who waits for a place; each is handed one. */
	readonly #waiting: ((place: number) => void)[] = [];
	#disposed = false;

	constructor(make: (capacity: Capacity) => Slot) {
		this.#make = make;
	}

	/** A free place, if there is one and nobody waits. The place last made is preferred to making another. */
	take(): number | undefined {
		if (this.#waiting.length > 0) return undefined;
		const free = this.#busy.map((busy, i) => (busy ? -1 : i)).filter((i) => i >= 0);
		const place = free.find((i) => this.#slots[i]) ?? free[0];
		if (place !== undefined) this.#busy[place] = true;
		return place;
	}

	/** Waits for a place; `race` ends the waiting early by rejecting. */
	async wait(race: (turn: Promise<number>) => Promise<number>): Promise<number> {
		let hand!: (place: number) => void;
		const turn = new Promise<number>((resolve) => {
			hand = resolve;
		});
		this.#waiting.push(hand);
		try {
			return await race(turn);
		} catch (error) {
			const at = this.#waiting.indexOf(hand);
			if (at >= 0) this.#waiting.splice(at, 1);
			else turn.then((place) => this.release(place));
			throw error;
		}
	}

	/** The slot of a taken place, if there is one that is large enough. */
	ready(place: number, capacity: Capacity): Slot | undefined {
		const slot = this.#slots[place];
		return slot?.holds(capacity) ? slot : undefined;
	}

	/** The slot of a taken place, large enough for this capacity. */
	slot(place: number, capacity: Capacity): Slot {
		const ready = this.ready(place, capacity);
		if (ready) return ready;
		this.#slots[place]?.destroy();
		this.#slots[place] = undefined;
		const slot = this.#make(capacity);
		this.#slots[place] = slot;
		return slot;
	}

	/** Gives up the slot of a taken place after a failure: its buffers may be invalid. */
	discard(place: number): void {
		this.#slots[place]?.destroy();
		this.#slots[place] = undefined;
	}

	release(place: number): void {
		const next = this.#waiting.shift();
		if (next) return next(place);
		this.#busy[place] = false;
		if (this.#disposed) this.#slots[place]?.destroy();
	}

	/** Destroys what is idle now, and what is busy when it is released. */
	dispose(): void {
		this.#disposed = true;
		this.#slots.forEach((slot, i) => {
			if (!this.#busy[i]) slot?.destroy();
		});
	}
}

/** A buffer within the device's limits; throws a RangeError before WebGPU would refuse it. */
export function createBuffer(device: Device, what: string, bytes: number, usage: number): GPUBuffer {
	const { maxBufferSize, maxStorageBufferBindingSize } = device.gpu.limits;
	const limit = usage & USAGE.STORAGE ? Math.min(maxBufferSize, maxStorageBufferBindingSize) : maxBufferSize;
	const size = Math.max(16, Math.ceil(bytes / 16) * 16);
	if (size > limit) {
		throw new RangeError(
			`kedge.${what} needs ${size} bytes, the device's limit is ${limit}; take fewer boxes or anchors in one call, a smaller batch, or a device with larger limits`,
		);
	}
	device.bytesAsked += size;
	try {
		return device.gpu.createBuffer({ label: `kedge.${what}`, size, usage });
	} catch (error) {
		throw new KedgeError('OUT_OF_MEMORY', `kedge.${what}: the GPU could not make a buffer of ${size} bytes`, { cause: error });
	}
}
