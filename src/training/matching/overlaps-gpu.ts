// The overlaps of overlaps.ts on the GPU: two kernels, one submit, the same bits.

import { floatBits } from '../../numbers.js';
import type { Dispatch, GpuJob, JobBuffer } from '../../pipeline.js';
import { type Overlaps, pairsOf, type TiesWanted } from './overlaps.js';

/** Workgroups of a dispatch: more would only load the ground truths more often. */
const MAX_WORKGROUPS = 1024;

/** Anchors that are bound together. */
interface Part {
	readonly maxIou: JobBuffer;
	readonly argmax: JobBuffer;
	readonly tied: JobBuffer;
}

/** As `overlapsOf`, for at least one anchor and one ground truth. Anchors beyond what a binding holds are done in parts. */
export async function overlapsOnGpu(
	job: GpuJob,
	anchors: Float32Array,
	groundTruths: Float32Array,
	ties?: TiesWanted,
	anchorsPerPart = Math.floor(job.maxBindingBytes / 16),
): Promise<Overlaps> {
	const { overlapMaximaShader, overlapTiesShader, WORKGROUP } = await import('../../../shaders/training/overlaps.wgsl.js');
	const { keep, minimum }: TiesWanted = ties ?? { keep: 'first', minimum: Infinity };
	const numAnchors = anchors.length / 4;
	const numGroundTruths = groundTruths.length / 4;
	const maxima = await job.compile({
		name: 'matching.maxima',
		code: overlapMaximaShader(),
		bindings: [
			[0, 'uniform', 'params'],
			[1, 'read', 'anchors'],
			[2, 'read', 'ground_truths'],
			[3, 'read_write', 'max_iou'],
			[4, 'read_write', 'argmax'],
			[5, 'read_write', 'best'],
		],
	});
	const equals = await job.compile({
		name: `matching.ties.${keep}`,
		code: overlapTiesShader(keep),
		bindings: [
			[0, 'uniform', 'params'],
			[1, 'read', 'anchors'],
			[2, 'read', 'ground_truths'],
			[3, 'read', 'max_iou'],
			[4, 'read', 'best'],
			[5, 'read_write', 'best_anchor'],
			[6, 'read_write', 'tied'],
		],
	});
	const shared = {
		ground_truths: job.buffer('groundTruths', groundTruths),
		best: job.buffer('best', numGroundTruths * 4),
		best_anchor: job.buffer('bestAnchor', new Uint32Array(numGroundTruths).fill(0xffffffff)),
	};
	const parts: Part[] = [];
	const first: Dispatch[] = [];
	const second: Dispatch[] = [];
	for (let from = 0; from < numAnchors; from += anchorsPerPart) {
		const count = Math.min(anchorsPerPart, numAnchors - from);
		const buffers = {
			...shared,
			params: job.buffer('params', new Uint32Array([count, numGroundTruths, from, floatBits(minimum), 0, 0, 0, 0])),
			anchors: job.buffer('anchors', anchors.subarray(4 * from, 4 * (from + count))),
			max_iou: job.buffer('maxIou', count * 4),
			argmax: job.buffer('argmax', count * 4),
			tied: job.buffer('tied', count * 4),
		};
		const workgroups = Math.min(MAX_WORKGROUPS, Math.ceil(count / WORKGROUP));
		first.push({ kernel: maxima, buffers, workgroups });
		second.push({ kernel: equals, buffers, workgroups });
		parts.push({ maxIou: buffers.max_iou, argmax: buffers.argmax, tied: buffers.tied });
	}
	const wanted = [shared.best, shared.best_anchor, ...parts.flatMap(({ maxIou, argmax, tied }) => (ties ? [maxIou, argmax, tied] : [maxIou, argmax]))];
	const [best, bestAnchor, ...columns] = await job.run([...first, ...second], wanted);
	const each = ties ? 3 : 2;
	const column = (k: number) => columns.filter((_, i) => i % each === k);
	return {
		maxIou: new Float32Array(joined(column(0))),
		argmax: new Int32Array(joined(column(1))),
		best: new Float32Array(best),
		bestAnchor: new Int32Array(bestAnchor),
		tied: ties && new Int32Array(joined(column(2))),
		at: pairsOf(anchors, groundTruths),
	};
}

/** Buffers one after the other. */
function joined(parts: readonly ArrayBuffer[]): ArrayBuffer {
	if (parts.length === 1) return parts[0];
	const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
	let at = 0;
	for (const part of parts) {
		all.set(new Uint8Array(part), at);
		at += part.byteLength;
	}
	return all.buffer;
}
