// The k-th WebGPU call fails, for every k: each kind of call in each way it can fail, k = 1, 2, ... until a run passes
// untouched. After each fault: every promise has settled, with a KedgeError or the right result; nothing is left that
// lives; error scopes are balanced; nobody saw an uncaught error; and the next call is right.

import { assert } from 'chai';
import { type Backend, createBackend } from '../../src/backend.js';
import { KedgeError } from '../../src/errors.js';
import { adoptDevice } from '../../src/gpu/device.js';
import type { OnLost } from '../../src/options.js';
import { type CallKind, type FaultMode, FaultyGpu } from '../support/fake-device.js';
import { gpuTest } from '../support/gpu-suite.js';
import { bufferOf, encoding, type Job, type Place, postprocessor, type Subject, settle, untilTrue } from '../support/subjects.js';

type Faults = readonly (readonly [CallKind, readonly FaultMode[]])[];

/** Every way in which each call of a run can fail. */
const ALL: Faults = [
	['createBuffer', ['throws', 'invalid', 'exhausted']],
	['createBindGroup', ['throws', 'invalid']],
	['createCommandEncoder', ['throws']],
	['writeBuffer', ['throws', 'invalid']],
	['submit', ['throws', 'invalid', 'ignored']],
	['mapAsync', ['throws', 'rejects', 'invalid']],
	['getMappedRange', ['throws']],
	['popErrorScope', ['throws', 'rejects', 'refused']],
];
/** One way each, for what shares its path with the jobs above. */
const ONE_EACH: Faults = [
	['createBuffer', ['exhausted']],
	['submit', ['invalid']],
	['mapAsync', ['rejects']],
	['getMappedRange', ['throws']],
	['popErrorScope', ['rejects']],
];
const READS: Faults = [['mapAsync', ['rejects']]];
const ENCODE: Faults = [
	['createBuffer', ['throws', 'invalid', 'exhausted']],
	['createBindGroup', ['throws', 'invalid']],
	['writeBuffer', ['throws', 'invalid']],
	['popErrorScope', ['rejects', 'refused']],
];
const COMPILE: Faults = [
	['createShaderModule', ['throws', 'invalid']],
	['createBindGroupLayout', ['throws', 'invalid']],
	['createComputePipelineAsync', ['throws', 'rejects', 'invalid']],
	['popErrorScope', ['rejects', 'refused']],
];

const OPEN: Faults = [
	['requestAdapter', ['null', 'throws', 'rejects']],
	['requestDevice', ['throws', 'rejects', 'lost']],
];
const LOST_IN_FLIGHT: Faults = [
	['submit', ['lost']],
	['mapAsync', ['lost']],
];
const LOSSES: Faults = [
	['createBuffer', ['lost']],
	['createBindGroup', ['lost']],
	['createCommandEncoder', ['lost']],
	['createShaderModule', ['lost']],
	['createBindGroupLayout', ['lost']],
	['createComputePipelineAsync', ['lost']],
	['writeBuffer', ['lost']],
	['popErrorScope', ['lost']],
	...LOST_IN_FLIGHT,
];

const webgpu = postprocessor({ backend: 'webgpu' });
const hybrid = postprocessor({ backend: 'hybrid' });
const boxIou = single(
	(backend) => backend.boxIou(new Float32Array([0, 0, 2, 2]), new Float32Array([0, 0, 2, 2, 1, 0, 3, 2, 5, 5, 6, 6])),
	[1, Math.fround(1 / 3), 0],
);
const nms = single(
	(backend) => backend.nms(new Float32Array([0, 0, 9, 9, 1, 0, 10, 9, 20, 20, 30, 30]), new Float32Array([0.5, 0.75, 0.25]), { iouThreshold: 0.5 }),
	[1, 2],
);

function single(work: (backend: Backend) => Promise<ArrayLike<number>>, expected: number[]): Job {
	return {
		expected: expected.join(' '),
		async open({ device, gpu, onLost }) {
			const backend = await createBackend('webgpu', { device, gpu, onLost });
			return { call: async () => Array.from(await work(backend)).join(' '), dispose: () => backend.dispose() };
		},
	};
}

/** What a call may reject with: an error of ours that names what happened. */
function assertNamed(error: unknown, what: string, codes: readonly string[]): void {
	assert.instanceOf(error, KedgeError, `${what}: ${error}`);
	const { code, message } = error as KedgeError;
	assert.include(codes, code, `${what}: ${message}`);
	assert.match(message, /\w+.* \w+/, `${what}: message`);
}

/** Opens, calls twice, disposes, with the fault armed; then the same without it. Returns whether the fault happened. */
async function withFault(fake: FaultyGpu, job: Job, place: Place, fault: { kind: CallKind; mode: FaultMode; nth: number }): Promise<boolean> {
	const what = `${fault.kind} ${fault.nth} ${fault.mode}`;
	const codes = fault.mode === 'lost' ? ['DEVICE_LOST', 'NO_WEBGPU'] : ['GPU_VALIDATION', 'OUT_OF_MEMORY', 'SHADER', 'NO_WEBGPU'];
	const before = { live: fake.numLive, devices: fake.numDevices };
	fake.arm(fault);
	let subject: Subject | undefined;
	const opened = await settle(job.open(place), `${what}: open`);
	if (opened.error) assertNamed(opened.error, what, codes);
	else subject = opened.value as Subject;
	for (let i = 1; subject && i <= 2; i++) {
		const { error, value } = await settle(subject.call(), `${what}: call ${i}`);
		if (error) assertNamed(error, what, codes);
		else assert.equal(value, job.expected, `${what}: call ${i}`);
	}
	const { fired } = fake;
	fake.arm();
	subject ??= await job.open(place);
	for (let i = 1; i <= 2; i++) assert.equal(await subject.call(), job.expected, `${what}: call ${i} after it`);
	subject.dispose();
	await untilTrue(
		() => fake.numLive === before.live && fake.numDevices === before.devices,
		() => `${what}: ${fake.numLive} buffers live instead of ${before.live}, ${fake.numDevices} devices instead of ${before.devices}`,
	);
	assert.equal(fake.numScopes, 0, `${what}: open error scopes`);
	return fired;
}

/** One kind of fault at every k. */
async function sweep(fake: FaultyGpu, job: Job, place: Place, kind: CallKind, mode: FaultMode, before: () => void = () => undefined): Promise<number> {
	for (let nth = 1; ; nth++) {
		before();
		const fired = await withFault(fake, job, place, { kind, mode, nth });
		if (!fired) return nth - 1;
		assert.isBelow(nth, 500, `${kind} ${mode}: still calls`);
	}
}

/** Errors that nobody caught arrive with the next turns. */
async function assertNoOffence(fake: FaultyGpu): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, 20));
	assert.deepEqual(fake.offences, []);
}

/** Every fault at every k, on one device that was given. */
async function sweepAll(gpu: GPU, job: Job, faults: Faults, compileAnew = false): Promise<void> {
	const fake = new FaultyGpu(gpu);
	const device = await fake.openDevice();
	try {
		const place = { device, quietly: fake.quietly, input: job.input && bufferOf(device, job.input) };
		// shaders are compiled here, and once only, unless faults of compiling are wanted
		const warm = await job.open(place);
		await warm.call();
		warm.dispose();
		for (const [kind, modes] of faults) {
			for (const mode of modes) {
				const times = await sweep(fake, job, place, kind, mode, () => compileAnew && adoptDevice(device).pipelines.clear());
				assert.isAbove(times, 0, `${kind} is never called`);
				await device.queue.onSubmittedWorkDone();
				await assertNoOffence(fake);
			}
		}
	} finally {
		fake.close();
	}
}

/** Every fault at every k, on devices that kedge opens for itself. */
async function sweepOwn(gpu: GPU, job: Job, faults: Faults, onLost: OnLost = 'recover'): Promise<void> {
	for (const [kind, modes] of faults) {
		for (const mode of modes) {
			const fake = new FaultyGpu(gpu);
			try {
				const times = await sweep(fake, job, { gpu: fake.gpu, onLost }, kind, mode);
				assert.isAbove(times, 0, `${kind} is never called`);
				await assertNoOffence(fake);
			} finally {
				fake.close();
			}
		}
	}
}

const MINUTES = 60_000;
gpuTest('injection: every call of a run fails once: webgpu', ({ gpu }) => sweepAll(gpu, webgpu, ALL), 4 * MINUTES);
gpuTest('injection: every call of a run fails once: hybrid', ({ gpu }) => sweepAll(gpu, hybrid, ALL), 4 * MINUTES);
gpuTest(
	'injection: every call of a run fails once: with a second readback',
	({ gpu }) => sweepAll(gpu, postprocessor({ backend: 'hybrid', many: true }), ONE_EACH),
	4 * MINUTES,
);
gpuTest(
	'injection: every call of a run fails once: one stage on the GPU',
	({ gpu }) => sweepAll(gpu, postprocessor({ backend: 'webgpu', onGpu: true, gpuStages: 1 }), READS),
	4 * MINUTES,
);
gpuTest('injection: every call of a run fails once: encode', ({ gpu }) => sweepAll(gpu, encoding(), ENCODE), 4 * MINUTES);
gpuTest(
	'injection: every call of a run fails once: boxIou',
	({ gpu }) =>
		sweepAll(
			gpu,
			boxIou,
			ALL.map(([kind, modes]) => [kind, modes.filter((mode) => mode !== 'ignored')]),
		),
	4 * MINUTES,
);
gpuTest('injection: every call of a run fails once: nms', ({ gpu }) => sweepAll(gpu, nms, ONE_EACH), 4 * MINUTES);
gpuTest('injection: every call of a compilation fails once', ({ gpu }) => sweepAll(gpu, hybrid, COMPILE, true), 4 * MINUTES);
gpuTest('injection: every call that opens a device fails once', ({ gpu }) => sweepOwn(gpu, hybrid, OPEN), 4 * MINUTES);
gpuTest('injection: the device is lost at every call of a hybrid run', ({ gpu }) => sweepOwn(gpu, hybrid, LOSSES, 'cpu'), 4 * MINUTES);
gpuTest('injection: the device is lost at every call of a webgpu run', ({ gpu }) => sweepOwn(gpu, webgpu, LOST_IN_FLIGHT), 4 * MINUTES);
gpuTest('injection: the device is lost at every call of boxIou', ({ gpu }) => sweepOwn(gpu, boxIou, LOST_IN_FLIGHT), 4 * MINUTES);
