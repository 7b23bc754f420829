// The GPU suite's own rules: every file is listed, and the session reports what goes wrong instead of passing it over.
// A stand-in for the device makes each fault happen.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GpuSession } from '../support/gpu-session.js';
import type { GpuContext, GpuTest } from '../support/gpu-suite.js';

const folder = new URL('../gpu/', import.meta.url);

describe('test/gpu/all.ts', () => {
	it('lists every file of GPU tests', () => {
		const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.gpu.ts'));
		const listed = [...readFileSync(new URL('all.ts', folder), 'utf8').matchAll(/^import '\.\/(.+)\.js';$/gm)].map(([, name]) => `${name}.ts`);
		expect(files.length).toBeGreaterThan(0);
		expect(listed.sort()).toEqual(files.sort());
	});

	it('has no test file that no runner would load', () => {
		const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
		expect(names.filter((name) => /\.(test|spec)\.ts$/.test(name))).toEqual([]);
	});
});

/** As much of a GPUDevice as the session touches. */
class FakeDevice extends EventTarget {
	scopeError: { message: string } | null = null;
	lose: (info: unknown) => void = () => undefined;
	readonly lost = new Promise((resolve) => {
		this.lose = resolve;
	});
	readonly queue = { onSubmittedWorkDone: async () => undefined };
	pushErrorScope(): void {}
	async popErrorScope() {
		return this.scopeError;
	}
}

function fakeSession() {
	const devices: FakeDevice[] = [];
	const requestDevice = async () => {
		const device = new FakeDevice();
		devices.push(device);
		return device;
	};
	const gpu = { requestAdapter: async () => ({ requestDevice, info: { description: 'fake' } }) };
	return { devices, session: new GpuSession('dawn', gpu as unknown as GPU) };
}

function testOf(body: (context: GpuContext) => Promise<void>, timeout = 1000): GpuTest {
	return { name: 'a test', body, timeout };
}

describe('GpuSession', () => {
	it('passes a test that returns, on one shared device', async () => {
		const { session, devices } = fakeSession();
		for (let i = 0; i < 3; i++) expect(await session.run(testOf(async () => undefined))).toMatchObject({ ok: true, error: undefined });
		expect(devices.length).toBe(1);
	});

	it('fails a test that throws', async () => {
		const { session } = fakeSession();
		const result = await session.run(
			testOf(async () => {
				throw new Error('seven is not eight');
			}),
		);
		expect(result.ok).toBe(false);
		expect(result.error).toContain('seven is not eight');
	});

	it('fails a test that hangs, by its limit, and gives the next a fresh device', async () => {
		const { session, devices } = fakeSession();
		const result = await session.run(testOf(() => new Promise(() => undefined), 20));
		expect(result.error).toContain('hung: no result after 20 ms');
		expect((await session.run(testOf(async () => undefined))).ok).toBe(true);
		expect(devices.length).toBe(2);
	});

	it('fails a test that leaves a validation error', async () => {
		const { session, devices } = fakeSession();
		const result = await session.run(
			testOf(async () => {
				devices[0].scopeError = { message: 'binding size is zero' };
			}),
		);
		expect(result.error).toContain('binding size is zero');
	});

	it('fails a test during which an uncaptured error came', async () => {
		const { session, devices } = fakeSession();
		const result = await session.run(
			testOf(async () => {
				devices[0].dispatchEvent(Object.assign(new Event('uncapturederror'), { error: new RangeError('too big') }));
			}),
		);
		expect(result.error).toContain('too big');
		expect((await session.run(testOf(async () => undefined))).ok).toBe(true);
	});

	it('fails a test during which a promise was rejected unheard', async () => {
		const { session } = fakeSession();
		const result = await session.run(testOf(async () => session.blame(new Error('nobody caught me'))));
		expect(result.error).toContain('nobody caught me');
	});

	it('replaces a lost device', async () => {
		const { session, devices } = fakeSession();
		await session.run(testOf(async () => devices[0].lose({ reason: 'destroyed' })));
		expect((await session.run(testOf(async () => undefined))).ok).toBe(true);
		expect(devices.length).toBe(2);
	});

	it('fails with the remedy where there is no adapter', async () => {
		const session = new GpuSession('naga', { requestAdapter: async () => null } as unknown as GPU);
		const result = await session.run(testOf(async () => undefined));
		expect(result.ok).toBe(false);
		expect(result.error).toMatch(/naga: requestAdapter\(\) gave null; install Chromium/);
	});
});
