// What a Device does around the platform's promises: races that leave nothing behind, losses, errors of any kind,
// devices that are dead at birth. Real devices are tested in test/gpu/life.gpu.ts and injection.gpu.ts.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { KedgeError } from '../../../src/errors.js';
import { adoptDevice, checkWebGPU, Device, openDevice } from '../../../src/gpu/device.js';

/** The part of a GPUDevice that a Device itself uses. */
class StandIn {
	scopes: string[] = [];
	destroyed = 0;
	lose!: (info: { reason: string; message: string }) => void;
	readonly lost = new Promise<{ reason: string; message: string }>((resolve) => {
		this.lose = resolve;
	});
	readonly limits = {};
	readonly features = new Set<string>();
	errors: Record<string, { message: string } | Error | null> = {};

	pushErrorScope(filter: string): void {
		this.scopes.push(filter);
	}
	popErrorScope(): Promise<unknown> {
		const error = this.errors[this.scopes.pop() as string] ?? null;
		if (error instanceof Error) throw error;
		return Promise.resolve(error);
	}
	destroy(): void {
		this.destroyed++;
		this.lose({ reason: 'destroyed', message: '' });
	}
}

function open(owned = true): { device: Device; gpu: StandIn } {
	const gpu = new StandIn();
	return { device: new Device(gpu as unknown as GPUDevice, owned, { software: false, adapter: '' }), gpu };
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 0));
const operationError = Object.assign(new Error('mapping failed'), { name: 'OperationError' });

describe('race', () => {
	it('keeps nothing of work that is over, though the device lives', async () => {
		const { device } = open();
		const done = await (async () => new WeakRef(await device.race(Promise.resolve({ large: new Float32Array(1000) }))))();
		const failed = await (async () => new WeakRef(await device.race(Promise.reject(new KedgeError('SHADER', 'refused'))).catch((error: object) => error)))();
		setFlagsFromString('--expose-gc');
		const collect = runInNewContext('gc') as () => void;
		await tick();
		collect();
		expect([done.deref(), failed.deref()]).toEqual([undefined, undefined]);
		device.assertAlive();
	});

	it('rejects with DEVICE_LOST as soon as the device is lost, and from then on', async () => {
		const { device, gpu } = open();
		const pending = [device.race(new Promise(() => undefined)), device.race(new Promise(() => undefined))];
		gpu.lose({ reason: 'unknown', message: 'the driver restarted' });
		for (const call of pending) await expect(call).rejects.toMatchObject({ code: 'DEVICE_LOST', message: expect.stringContaining('the driver restarted') });
		await expect(device.race(Promise.resolve(1))).rejects.toMatchObject({ code: 'DEVICE_LOST' });
		await expect(device.scoped('run', () => 1)).rejects.toMatchObject({ code: 'DEVICE_LOST' });
		expect(gpu.scopes).toEqual([]);
	});

	it('a result that comes with the loss is not trusted', async () => {
		const { device, gpu } = open();
		gpu.lose({ reason: 'unknown', message: '' });
		await expect(device.race(new Promise((resolve) => setTimeout(resolve, 0, 1)))).rejects.toMatchObject({ code: 'DEVICE_LOST' });
	});

	it('what the platform rejects with just before it tells of the loss counts as the loss', async () => {
		const { device, gpu } = open();
		const call = device.race(Promise.reject(operationError));
		setTimeout(() => gpu.lose({ reason: 'unknown', message: 'late news' }), 5);
		await expect(call).rejects.toMatchObject({ code: 'DEVICE_LOST', cause: operationError });
	});

	it('what the platform rejects with becomes an error of ours', async () => {
		const { device } = open();
		await expect(device.race(Promise.reject(operationError))).rejects.toMatchObject({
			name: 'KedgeError',
			code: 'GPU_VALIDATION',
			message: 'run: WebGPU failed: OperationError: mapping failed',
			cause: operationError,
		});
		const ours = new RangeError('too large');
		await expect(device.race(Promise.reject(ours))).rejects.toBe(ours);
	});

	it('stops with the reason of the signal, whatever it is', async () => {
		const { device } = open();
		const controller = new AbortController();
		const call = device.race(new Promise(() => undefined), controller.signal);
		controller.abort('enough');
		await expect(call).rejects.toBe('enough');
		await expect(device.race(Promise.resolve(1), controller.signal)).rejects.toBe('enough');
	});

	it('rejects with DISPOSED when its own device is disposed of', async () => {
		const { device, gpu } = open();
		const call = device.race(new Promise(() => undefined));
		device.dispose();
		await expect(call).rejects.toMatchObject({ code: 'DISPOSED' });
		expect(() => device.assertAlive()).toThrow(KedgeError);
		expect(gpu.destroyed).toBe(1);
	});

	it('goes on when a device that was given is let go', async () => {
		const { device, gpu } = open(false);
		const call = device.race(tick().then(() => 1));
		device.dispose();
		expect(await call).toBe(1);
		expect(gpu.destroyed).toBe(0);
	});
});

describe('scoped', () => {
	it('tells out of memory with the bytes asked for, before anything else', async () => {
		const { device, gpu } = open();
		gpu.errors = { 'out-of-memory': { message: 'full' }, validation: { message: 'invalid buffer' } };
		const body = () => {
			device.bytesAsked += 4096;
			throw operationError;
		};
		await expect(device.scoped('run', body)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', message: expect.stringMatching(/4096 bytes/) });
	});

	const faults: readonly (readonly [string, () => number, StandIn['errors'], string])[] = [
		[
			'the body throws',
			() => {
				throw operationError;
			},
			{},
			'run: WebGPU failed: OperationError: mapping failed',
		],
		['WebGPU refuses', () => 1, { validation: { message: 'no such buffer' } }, 'run: WebGPU refused the work: no such buffer'],
		['a scope throws', () => 1, { validation: operationError }, 'run: WebGPU failed: OperationError: mapping failed'],
	];
	it.each(faults)('balances its scopes: %s', async (_, body, errors, message) => {
		const { device, gpu } = open();
		gpu.errors = errors;
		await expect(device.scoped('run', body)).rejects.toMatchObject({ code: 'GPU_VALIDATION', message });
		expect(gpu.scopes).toEqual([]);
	});
});

describe('opening', () => {
	/** A GPU whose adapters give these devices, one after another; an Error rejects. */
	function gpuOf(...devices: (StandIn | Error)[]) {
		const asked: (string[] | undefined)[] = [];
		const requestAdapter = async () => ({
			limits: {},
			features: new Set(['timestamp-query']),
			info: { vendor: 'stand-in' },
			requestDevice: async (descriptor?: { requiredFeatures?: string[] }) => {
				asked.push(descriptor?.requiredFeatures);
				const next = devices.shift();
				if (!next || next instanceof Error) throw next ?? new Error('none left');
				return next;
			},
		});
		return { gpu: { requestAdapter } as unknown as GPU, asked };
	}

	it('asks again without features when a device is refused or dead at birth', async () => {
		const dead = new StandIn();
		dead.destroy();
		for (const first of [new Error('no such feature'), dead]) {
			const alive = new StandIn();
			const { gpu, asked } = gpuOf(first, alive);
			expect((await openDevice(gpu)).gpu).toBe(alive);
			expect(asked).toEqual([['timestamp-query'], []]);
		}
	});

	it('gives up after two, and says why', async () => {
		const { gpu, asked } = gpuOf(new Error('blocked'), new Error('still blocked'), new StandIn());
		await expect(openDevice(gpu)).rejects.toMatchObject({ code: 'NO_WEBGPU', message: expect.stringMatching(/gave no device: .*still blocked/) });
		expect(asked.length).toBe(2);
	});

	it('the check never throws, and leaves no device open', async () => {
		const thrower = {
			requestAdapter() {
				throw new Error('disabled');
			},
		} as unknown as GPU;
		expect(await checkWebGPU(thrower)).toEqual({ available: false, reason: 'no-adapter', software: false, adapter: '' });
		expect(await checkWebGPU(gpuOf(new Error('blocked')).gpu)).toEqual({ available: false, reason: 'no-device', software: false, adapter: 'stand-in' });
		const device = new StandIn();
		expect(await checkWebGPU(gpuOf(device).gpu)).toEqual({ available: true, software: false, adapter: 'stand-in' });
		expect(device.destroyed).toBe(1);
	});

	it('knows a device that was given once only', () => {
		const gpu = new StandIn() as unknown as GPUDevice;
		expect(adoptDevice(gpu)).toBe(adoptDevice(gpu));
		expect(adoptDevice(gpu).owned).toBe(false);
	});
});
