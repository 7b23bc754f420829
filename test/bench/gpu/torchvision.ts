// torchvision's nms beside kedge's, on the same boxes, on the same machine: its CUDA kernel where there is CUDA (time between two
// events), else its CPU one. kedge's GPU time is the sum of its stages for boxes that lie on the GPU, as theirs do. Indices are
// compared before any time counts.

import { nms } from 'kedge';
import { differenceOf } from '../answer.js';
import { type Effort, measure, quantile } from '../measure.js';
import { type Line, lineOf, type Result, type Row, type Run, resultOf, type TorchvisionReport } from '../result.js';
import { type BoxWorkload, clusteredBoxes, uniformBoxes } from '../workloads.js';
import { boxScene, kedgeGpu } from './contestants.js';
import { type AdapterFacts, adapterLine, openGpu } from './device.js';

const NAME = 'gpu torchvision';
const WHAT = `torchvision's nms and batched_nms on the same boxes, no limit (asked for by --torchvision)`;
const IOU = 0.5;
const CLASSES = 80;
/** Boxes up to which the GPU of a software adapter is tried. */
const SOFTWARE_MOST = 10_000;

export interface TorchvisionResult extends Result {
	readonly kind: 'torchvision';
	readonly adapter: AdapterFacts;
	readonly torchvision?: Omit<TorchvisionReport, 'cases'>;
}

interface Case {
	readonly label: string;
	readonly work: BoxWorkload;
	readonly withClasses: boolean;
}

/**
 * With classes only many boxes: for few (4000 numbers on the CPU, 20,000 on CUDA) batched_nms moves the classes apart by adding to
 * coordinates, which rounds them and so finds other boxes than an nms that looks at the classes.
 */
function casesOf(quick: boolean): Case[] {
	const all = [
		...[1000, 4096, 10_000, 100_000].map((n) => ({ label: `${n} clustered`, work: clusteredBoxes(n, 1, 21), withClasses: false })),
		{ label: '10000 uniform', work: uniformBoxes(10_000, 22), withClasses: false },
		...[10_000, 100_000].map((n) => ({ label: `${n} clustered, ${CLASSES} classes`, work: clusteredBoxes(n, CLASSES, 23), withClasses: true })),
	];
	return quick ? all.filter(({ work }) => work.scores.length <= 10_000) : all;
}

/** Milliseconds of GPU time of all stages; undefined where the adapter has none, a sentence where it is not run. */
async function gpuTime(device: GPUDevice, { timestamps, software }: AdapterFacts, { work, withClasses }: Case, expected: ArrayLike<number>, quick: boolean) {
	const n = work.scores.length;
	if (!timestamps) return 'the adapter has no timestamp-query';
	if (software && n > SOFTWARE_MOST) return 'not run: a software adapter takes too long';
	const scene = boxScene(device, work, n, { scoreThreshold: 0, numClasses: withClasses ? CLASSES : 1 });
	const kedge = await kedgeGpu(device, scene);
	try {
		const difference = differenceOf({ indices: kedge.read((await kedge.run(true)) as never).answer.indices }, { indices: expected });
		if (difference) throw new Error(difference);
		const times: number[] = [];
		for (let round = 0; round < (quick ? 5 : 25); round++) {
			const { stages = {} } = kedge.read((await kedge.run(true)) as never);
			times.push(Object.values(stages).reduce((sum, ms) => sum + ms, 0));
		}
		return times;
	} finally {
		kedge.dispose();
		for (const { buffer } of scene.tensors) buffer.destroy();
	}
}

async function besideTorchvision({ quick, progress, torchvision }: Run): Promise<TorchvisionResult> {
	if (!torchvision) throw new Error('bench: the row gpu torchvision needs --torchvision');
	const { device, facts: adapter } = await openGpu();
	const cases = casesOf(quick);
	progress('torchvision');
	const given = cases.map(({ work: { boxes, scores, classIds }, withClasses }) => ({
		...{ boxes: [...boxes], scores: [...scores], iouThreshold: IOU },
		...(withClasses && { classIds: [...classIds] }),
	}));
	const { cases: theirs, ...about } = await torchvision(given);
	const effort: Effort = { rounds: quick ? 10 : 40, budget: quick ? 1000 : 3000, minRounds: 3, warmUp: 100, warmCalls: 3 };
	const differences: string[] = [];
	const lines: Line[] = [];
	for (const [i, one] of cases.entries()) {
		progress(one.label);
		const { boxes, scores, classIds } = one.work;
		const options = { iouThreshold: IOU, semantics: 'torchvision' as const, ...(one.withClasses && { classIds }) };
		const expected = nms(boxes, scores, options);
		const { indices, median, low, high, rounds } = theirs[i];
		const difference = differenceOf({ indices }, { indices: expected });
		if (difference) {
			differences.push(`${one.label}: torchvision: ${difference}`);
			continue;
		}
		const [cpu] = await measure([{ name: 'cpu', run: () => nms(boxes, scores, options) }], effort, () => undefined);
		lines.push(lineOf({ label: `${one.label}: kedge, CPU`, value: cpu.median, unit: 'ms', low: cpu.low, high: cpu.high, ratio: 1 }));
		lines.push(
			lineOf({
				label: `${one.label}: torchvision`,
				value: median,
				unit: 'ms',
				low,
				high,
				ratio: median / cpu.median,
				note: `${about.device}, ${rounds} rounds`,
			}),
		);
		try {
			const times = await gpuTime(device, adapter, one, expected, quick);
			const label = `${one.label}: kedge, GPU time`;
			if (typeof times === 'string') lines.push(lineOf({ label, value: Number.NaN, unit: 'ms', note: times }));
			else {
				const [first, middle, third] = [0.25, 0.5, 0.75].map((q) => quantile(times, q));
				const note = adapter.software ? 'software adapter' : undefined;
				lines.push(lineOf({ label, value: middle, unit: 'ms', low: first, high: third, ratio: middle / cpu.median, note }));
			}
		} catch (error) {
			differences.push(`${one.label}: kedge, GPU: ${error instanceof Error ? error.message : error}`);
		}
	}
	device.destroy();
	const versions = Object.entries(about.versions).flatMap(([name, version]) => (version ? [`${name} ${version}`] : []));
	const what = `${WHAT}; ${about.device}, ${versions.join(', ')}; ${adapterLine(adapter)}`;
	return resultOf({ kind: 'torchvision', name: NAME, what, adapter, torchvision: about, lines } as const, differences);
}

export const torchvisionRow: Row = { name: NAME, what: WHAT, gpu: true, option: 'torchvision', run: besideTorchvision };
