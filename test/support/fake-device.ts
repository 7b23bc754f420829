// A GPU whose k-th call fails. It is the real one with its methods watched, so what kedge gets are true WebGPU objects
// and every engine takes them; a fault makes one call throw, reject, return an invalid object, or lose the device.
// It also keeps the books that tests ask for: calls by kind, live buffers, open error scopes, errors nobody caught.

export type CallKind =
	| 'requestAdapter'
	| 'requestDevice'
	| 'createShaderModule'
	| 'createBindGroupLayout'
	| 'createComputePipelineAsync'
	| 'createBuffer'
	| 'createBindGroup'
	| 'createQuerySet'
	| 'createCommandEncoder'
	| 'pushErrorScope'
	| 'writeBuffer'
	| 'submit'
	| 'mapAsync'
	| 'getMappedRange'
	| 'popErrorScope';

/**
 * throws: at once · rejects: the promise · null: no adapter · invalid: an object or a command that WebGPU refuses, told to the
 * error scope · exhausted: an invalid buffer, told to the out-of-memory scope · ignored: nothing is done, and nobody is told ·
 * refused: an error scope that holds an error · lost: the device is destroyed at this call.
 */
export type FaultMode = 'throws' | 'rejects' | 'null' | 'invalid' | 'exhausted' | 'ignored' | 'refused' | 'lost';

export interface Fault {
	readonly kind: CallKind;
	readonly mode: FaultMode;
	/** The first call is 1. */
	readonly nth: number;
}

// biome-ignore lint/suspicious/noExplicitAny: methods of any signature pass through
type Method = (...args: any[]) => any;

/** What platforms throw: neither a TypeError nor a RangeError, so that kedge cannot pass it on as one of its own. */
function platformError(kind: CallKind): Error {
	const error = new Error(`injected: ${kind} failed`);
	error.name = 'OperationError';
	return error;
}

/** Bytes that writeBuffer takes of its data; typed arrays are counted in elements. */
function bytesOf(data: ArrayBuffer | Uint32Array, from = 0, size?: number): number {
	const unit = ArrayBuffer.isView(data) ? data.BYTES_PER_ELEMENT : 1;
	return size === undefined ? data.byteLength - from * unit : size * unit;
}

/** Puts a method of the same name in front of the object's own. */
function wrap<T extends object>(target: T, name: keyof T & string, make: (real: Method) => Method): Method {
	const real = (target[name] as Method).bind(target);
	Object.defineProperty(target, name, { value: make(real), configurable: true, writable: true });
	return real;
}

interface Scope {
	readonly filter: GPUErrorFilter;
	/** An error that this scope shall seem to have caught. */
	error?: GPUError;
}

interface WatchedDevice {
	readonly device: GPUDevice;
	/** Bytes of each live buffer, 0 for each live query set. */
	readonly live: Map<object, number>;
	readonly scopes: Scope[];
	/** The device's own methods. */
	readonly real: { destroy: Method; pushErrorScope: Method; popErrorScope: Method };
	gone: boolean;
}

export class FaultyGpu {
	/** Calls by kind since the last `arm`. */
	readonly calls = new Map<CallKind, number>();
	/** Misdeeds of the user of the devices: errors nobody caught, scopes popped too often, destroyed devices of others. */
	readonly offences: string[] = [];
	/** True once the fault has happened. */
	fired = false;
	/** Bytes of buffers that were mapped since the last `arm`. */
	bytesMapped = 0;
	/** Bytes that were written to buffers since then. */
	bytesWritten = 0;
	readonly #gpu: GPU;
	readonly #devices: WatchedDevice[] = [];
	readonly #adapters = new WeakSet<GPUAdapter>();
	#fault: Fault | undefined;
	#quiet = false;

	constructor(gpu: GPU) {
		this.#gpu = gpu;
	}

	/** What a library takes for `navigator.gpu`. */
	get gpu(): GPU {
		return { requestAdapter: () => this.#requestAdapter() } as unknown as GPU;
	}

	/** A device that the library does not own: destroying it is an offence. */
	async openDevice(): Promise<GPUDevice> {
		const adapter = (await this.#gpu.requestAdapter()) as GPUAdapter;
		const device = await adapter.requestDevice();
		this.#watch(device, false);
		return device;
	}

	/** Sets the fault, or none, and counts from zero. */
	arm(fault?: Fault): void {
		this.#fault = fault;
		this.fired = false;
		this.calls.clear();
		this.bytesMapped = 0;
		this.bytesWritten = 0;
	}

	count(kind: CallKind): number {
		return this.calls.get(kind) ?? 0;
	}

	get #alive(): WatchedDevice[] {
		return this.#devices.filter(({ gone }) => !gone);
	}

	/** Devices that nobody has destroyed. */
	get numDevices(): number {
		return this.#alive.length;
	}

	/** Buffers and query sets that live, on devices that live. */
	get numLive(): number {
		return this.#alive.reduce((sum, { live }) => sum + live.size, 0);
	}

	/** Bytes of the live buffers. */
	get liveBytes(): number {
		return this.#alive.reduce((sum, { live }) => sum + [...live.values()].reduce((a, b) => a + b, 0), 0);
	}

	/** Error scopes that are open. */
	get numScopes(): number {
		return this.#alive.reduce((sum, { scopes }) => sum + scopes.length, 0);
	}

	/** Destroys a device as its owner does, or fate. */
	lose(device: GPUDevice): void {
		this.#lose(this.#devices.find((d) => d.device === device) as WatchedDevice);
	}

	#lose(watched: WatchedDevice): void {
		watched.gone = true;
		watched.real.destroy();
	}

	/** Destroys the devices that are left and forgets all. */
	close(): void {
		for (const watched of this.#alive) this.#lose(watched);
		this.#devices.length = 0;
	}

	/** Makes calls that are neither counted nor fail. */
	readonly quietly = <T>(body: () => T): T => {
		this.#quiet = true;
		try {
			return body();
		} finally {
			this.#quiet = false;
		}
	};

	/** Counts a call; the fault's mode when this is the one. */
	#due(kind: CallKind): FaultMode | undefined {
		if (this.#quiet) return undefined;
		const nth = this.count(kind) + 1;
		this.calls.set(kind, nth);
		if (this.#fault?.kind !== kind || this.#fault.nth !== nth) return undefined;
		this.fired = true;
		if (this.#fault.mode === 'throws') throw platformError(kind);
		return this.#fault.mode;
	}

	#requestAdapter(): Promise<GPUAdapter | null> {
		const mode = this.#due('requestAdapter');
		if (mode === 'null') return Promise.resolve(null);
		if (mode === 'rejects') return Promise.reject(platformError('requestAdapter'));
		return this.#gpu.requestAdapter().then((adapter) => {
			if (adapter && !this.#adapters.has(adapter)) {
				this.#adapters.add(adapter);
				wrap(adapter, 'requestDevice', (real) => (descriptor) => this.#requestDevice(real, descriptor));
			}
			return adapter;
		});
	}

	#requestDevice(real: Method, descriptor: GPUDeviceDescriptor | undefined): Promise<GPUDevice> {
		const mode = this.#due('requestDevice');
		if (mode === 'rejects') return Promise.reject(platformError('requestDevice'));
		return real(descriptor).then((device: GPUDevice) => {
			const watched = this.#watch(device, true);
			if (mode === 'lost') this.#lose(watched);
			return device;
		});
	}

	#watch(device: GPUDevice, libraryOwns: boolean): WatchedDevice {
		const live = new Map<object, number>();
		const scopes: Scope[] = [];
		device.addEventListener('uncapturederror', (event) => {
			event.preventDefault();
			this.offences.push(`uncaptured ${event.error.constructor.name}: ${event.error.message}`);
		});
		const destroy = wrap(device, 'destroy', (real) => () => {
			if (!libraryOwns) this.offences.push('destroy() of a device that was given');
			watched.gone = true;
			real();
		});
		const pushErrorScope = wrap(device, 'pushErrorScope', (real) => (filter: GPUErrorFilter) => {
			this.#due('pushErrorScope');
			scopes.push({ filter });
			real(filter);
		});
		const popErrorScope = wrap(device, 'popErrorScope', (real) => () => this.#popErrorScope(watched, real));
		const watched: WatchedDevice = { device, live, scopes, real: { destroy, pushErrorScope, popErrorScope }, gone: false };
		this.#devices.push(watched);
		this.#watchObjects(watched);
		this.#watchBuffers(watched);
		this.#watchQueue(watched);
		return watched;
	}

	#popErrorScope(watched: WatchedDevice, real: Method): Promise<GPUError | null> {
		const scope = watched.scopes.pop();
		if (!scope) this.offences.push('popErrorScope() without a scope');
		const popped: Promise<GPUError | null> = real();
		popped.catch(() => undefined);
		const mode = this.#due('popErrorScope');
		if (mode === 'rejects') return Promise.reject(platformError('popErrorScope'));
		if (mode === 'refused') return popped.then(() => fakeError(scope?.filter));
		if (mode === 'lost') this.#lose(watched);
		return popped.then((error) => scope?.error ?? error);
	}

	/** Makers of objects: when one is to fail, WebGPU gets a descriptor that it refuses. */
	#watchObjects(watched: WatchedDevice): void {
		const make = (kind: CallKind & keyof GPUDevice, spoil: Method) =>
			wrap(watched.device, kind, (real) => (descriptor) => {
				const mode = this.#due(kind);
				if (mode === 'rejects') return Promise.reject(platformError(kind));
				if (mode === 'lost') this.#lose(watched);
				return real(mode === 'invalid' ? spoil(descriptor) : descriptor);
			});
		make('createShaderModule', (d: GPUShaderModuleDescriptor) => ({ ...d, code: 'fn broken(' }));
		make('createBindGroupLayout', (d: GPUBindGroupLayoutDescriptor) => ({ ...d, entries: [...d.entries, ...d.entries] }));
		make('createComputePipelineAsync', (d: GPUComputePipelineDescriptor) => ({ ...d, compute: { ...d.compute, entryPoint: 'absent' } }));
		make('createBindGroup', (d: GPUBindGroupDescriptor) => ({ ...d, entries: [] }));
		make('createCommandEncoder', (d) => d);
	}

	#watchBuffers(watched: WatchedDevice): void {
		const { device, live } = watched;
		wrap(device, 'createQuerySet', (real) => (descriptor: GPUQuerySetDescriptor) => {
			const mode = this.#due('createQuerySet');
			if (mode === 'lost') this.#lose(watched);
			const querySet = real(mode === 'invalid' ? { ...descriptor, count: 8192 } : descriptor);
			track(live, querySet, 0);
			return querySet;
		});
		wrap(device, 'createBuffer', (real) => (descriptor: GPUBufferDescriptor) => {
			const mode = this.#due('createBuffer');
			if (mode === 'lost') this.#lose(watched);
			const tooLarge = { ...descriptor, size: device.limits.maxBufferSize + 16 };
			const buffer = mode === 'exhausted' ? this.#exhausted(watched, () => real(tooLarge)) : real(mode === 'invalid' ? tooLarge : descriptor);
			track(live, buffer, descriptor.size);
			this.#watchMaps(watched, buffer);
			return buffer;
		});
	}

	/** An invalid buffer of which only the innermost out-of-memory scope hears. */
	#exhausted({ real, scopes }: WatchedDevice, make: () => GPUBuffer): GPUBuffer {
		real.pushErrorScope('validation');
		const buffer = make();
		real.popErrorScope().catch(() => undefined);
		const scope = [...scopes].reverse().find(({ filter }) => filter === 'out-of-memory');
		if (scope) scope.error = fakeError('out-of-memory');
		else this.offences.push('uncaptured out-of-memory error');
		return buffer;
	}

	#watchMaps(watched: WatchedDevice, buffer: GPUBuffer): void {
		wrap(buffer, 'mapAsync', (real) => (...args) => {
			const mode = this.#due('mapAsync');
			if (mode === 'rejects') return Promise.reject(platformError('mapAsync'));
			const mapped = mode === 'invalid' ? real(GPUMapMode.WRITE) : real(...args);
			if (mode === 'lost') this.#lose(watched);
			return mapped;
		});
		wrap(buffer, 'getMappedRange', (real) => (...args) => {
			this.#due('getMappedRange');
			const range: ArrayBuffer = real(...args);
			this.bytesMapped += range.byteLength;
			return range;
		});
	}

	#watchQueue(watched: WatchedDevice): void {
		const { queue } = watched.device;
		wrap(queue, 'writeBuffer', (real) => (buffer: GPUBuffer, ...rest) => {
			const mode = this.#due('writeBuffer');
			this.bytesWritten += bytesOf(rest[1], rest[2], rest[3]);
			if (mode === 'lost') this.#lose(watched);
			return mode === 'invalid' ? real(buffer, buffer.size, new Uint32Array(4)) : real(buffer, ...rest);
		});
		wrap(queue, 'submit', (real) => (commands: GPUCommandBuffer[]) => {
			const mode = this.#due('submit');
			if (mode === 'ignored') return;
			// A command buffer may be submitted once only.
			if (mode === 'invalid') {
				const used = watched.device.createCommandEncoder().finish();
				real([used]);
				return real([used, ...commands]);
			}
			real(commands);
			if (mode === 'lost') this.#lose(watched);
		});
	}
}

/** Keeps an object in the list until it is destroyed. */
function track(live: Map<object, number>, object: GPUBuffer | GPUQuerySet, bytes: number): void {
	live.set(object, bytes);
	wrap(object, 'destroy', (real) => () => {
		live.delete(object);
		real();
	});
}

function fakeError(filter: GPUErrorFilter | undefined): GPUError {
	return filter === 'out-of-memory' ? new GPUOutOfMemoryError('injected: out of memory') : new GPUValidationError('injected: refused');
}
