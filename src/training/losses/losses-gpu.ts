// A loss on the GPU: one kernel for losses and gradients, then the levels of the sum. Loaded when a GPU is first wanted.

import { refuse } from '../../checks.js';
import type { Dispatch, GpuJob, JobBuffer, Kernel } from '../../pipeline.js';
import { type Loss, type LossTask, reduced, scaleOf } from './loss.js';
import { SUM_BLOCK } from './sum.js';

const WORKGROUP = 64;
const LOSS_BINDINGS: Kernel['bindings'] = [
	[0, 'uniform', 'params'],
	[1, 'read', 'predictions'],
	[2, 'read', 'targets'],
	[3, 'read', 'weights'],
	[4, 'read', 'factors'],
	[5, 'read_write', 'losses'],
	[6, 'read_write', 'gradients'],
];
const SUM_BINDINGS: Kernel['bindings'] = [
	[0, 'uniform', 'params'],
	[1, 'read', 'values'],
	[2, 'read_write', 'sums'],
];

/** The answer of `runLoss`, bit for bit, for a task that is not empty. */
export async function lossOnGpu(where: string, job: GpuJob, task: LossTask): Promise<Loss> {
	const { kind, count, width, predictions, targets, weights, factors, reduction } = task;
	const room = Math.floor(job.maxBindingBytes / 4);
	if (predictions.length > room)
		refuse(RangeError, where, 'predictions', `must be at most ${room}, what the GPU binds at once`, predictions.length, 'give them in parts');
	const [{ lossesShader }, { sumShader }] = await Promise.all([
		import('../../../shaders/training/losses.wgsl.js'),
		import('../../../shaders/training/sum.wgsl.js'),
	]);
	const losses = job.buffer('losses', count * 4);
	const gradients = job.buffer('gradients', count * width * 4);
	const inputs = { predictions, targets, weights, factors };
	const buffers = Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, job.buffer(name, values)]));
	const kernel = await job.compile({ name: `losses.${kind}`, code: lossesShader(kind, WORKGROUP), bindings: LOSS_BINDINGS });
	const dispatches: Dispatch[] = [
		{ kernel, buffers: { ...buffers, params: job.buffer('params', paramsOf(task)), losses, gradients }, workgroups: Math.ceil(count / WORKGROUP) },
	];
	let values: JobBuffer = losses;
	if (reduction !== 'none') {
		const summing = await job.compile({ name: 'losses.sum', code: sumShader(SUM_BLOCK), bindings: SUM_BINDINGS });
		for (let n = count; values === losses || n > 1; n = Math.ceil(n / SUM_BLOCK)) {
			const sums = job.buffer('sums', Math.ceil(n / SUM_BLOCK) * 4);
			const params = job.buffer('sum-params', Uint32Array.of(n, 0, 0, 0));
			dispatches.push({ kernel: summing, buffers: { params, values, sums }, workgroups: Math.ceil(n / SUM_BLOCK) });
			values = sums;
		}
	}
	const [total, lossBytes, gradientBytes] = await job.run(dispatches, [values, losses, gradients]);
	const loss = reduced(task, reduction === 'none' ? 0 : new Float32Array(total)[0]);
	return { loss, losses: new Float32Array(lossBytes), gradients: new Float32Array(gradientBytes) };
}

/** LossParams of losses.wgsl. */
function paramsOf(task: LossTask): Uint32Array {
	const words = new Uint32Array(24);
	words.set([task.count, task.width, task.weights.length, task.factors.length]);
	const floats = new Float32Array(words.buffer);
	floats[4] = scaleOf(task);
	floats.set(task.constants, 8);
	return words;
}
