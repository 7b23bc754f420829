// The rows of suppression alone: boxes, scores and classes in, kept indices out, without a limit.

import { nms, type SemanticsPreset } from 'kedge';
import { naiveNms } from './peers/naive.js';
import { ortBatchedNms, ortNms, ortNote } from './peers/ort.js';
import { openTfjs, type TfjsBackend, tfjsNms } from './peers/tfjs.js';
import type { Contestant, Race } from './race.js';
import type { Goal, Place } from './result.js';
import { type BoxWorkload, clusteredBoxes, uniformBoxes } from './workloads.js';

const IOU = 0.5;

interface Peers {
	readonly numClasses?: number;
	readonly ort: Goal;
	readonly naive?: Goal;
	/** With what it is held against; without, tfjs does not take part. */
	readonly tfjsWasm?: Goal;
	readonly tfjsCpu?: Goal;
}

const answer = (indices: ArrayLike<number>) => ({ indices });

/** By how much classes are moved apart so that no two meet. */
const stepOf = (boxes: Float32Array) => Math.ceil(boxes.reduce((a, b) => Math.max(a, b)) - boxes.reduce((a, b) => Math.min(a, b))) + 1;

function nmsRace(name: string, what: string, load: () => BoxWorkload, { numClasses = 1, ...peers }: Peers): Race {
	const make = async (place: Place): Promise<Contestant[]> => {
		const workload = load();
		const { boxes, scores, classIds } = workload;
		const options = numClasses > 1 ? { iouThreshold: IOU, classIds } : { iouThreshold: IOU };
		const reference = (semantics: SemanticsPreset) => () => answer(nms(boxes, scores, { ...options, semantics }));
		const contestants: Contestant[] = [{ name: 'kedge, CPU', run: () => nms(boxes, scores, options), answer }];
		if (peers.naive) contestants.push({ name: 'naive loop', run: () => naiveNms(boxes, scores, IOU), answer, ...peers.naive });
		const run = await (numClasses > 1 ? ortBatchedNms(boxes, scores, classIds, numClasses, IOU) : ortNms(boxes, scores, IOU));
		contestants.push({ name: 'onnxruntime-web, wasm', run, answer, reference: reference('onnx'), note: await ortNote(), ...peers.ort });
		const withTfjs = async (backend: TfjsBackend, goal: Goal) => {
			const runtime = await openTfjs(backend, place);
			const note = [runtime.note, numClasses > 1 ? 'classes moved apart' : ''].filter(Boolean).join(', ');
			const classes = numClasses > 1 ? { ids: Int32Array.from(classIds), step: stepOf(boxes) } : undefined;
			const tfjsRun = () => tfjsNms(runtime, boxes, scores, IOU, classes);
			contestants.push({ name: `tfjs, ${backend}`, run: tfjsRun, answer, reference: reference('tfjs'), turn: runtime.use, note, ...goal });
		};
		if (peers.tfjsWasm) await withTfjs('wasm', peers.tfjsWasm);
		if (peers.tfjsCpu) await withTfjs('cpu', peers.tfjsCpu);
		return contestants;
	};
	return { name, what: `${what}, IoU ${IOU}, no limit`, frames: 1, make };
}

export const NMS_RACES: readonly Race[] = [
	nmsRace('nms 5k clustered', '5000 boxes around 417 objects, 1 class', () => clusteredBoxes(5000, 1, 1), {
		ort: { gate: 3, target: 8 },
		tfjsWasm: { gate: 3, target: 8 },
		tfjsCpu: {},
		naive: { gate: 8, target: 22 },
	}),
	nmsRace('nms 5k classes', '5000 boxes around 417 objects, 80 classes', () => clusteredBoxes(5000, 80, 2), {
		numClasses: 80,
		ort: { gate: 1.5, target: 3 },
		tfjsWasm: { gate: 8, target: 18 },
	}),
	nmsRace('nms 25k uniform', '25,000 boxes of which most survive, 1 class', () => uniformBoxes(25_000, 3), { ort: { gate: 30, target: 100 } }),
];
