// The rows of the bench: a workload, kedge first, then its peers, each with the least ratio that must be reached (gate).

import { createPostprocessor, nms, yolov8 } from 'kedge';
import { detectionsAnswer } from './answer.js';
import { gpuFactsRow } from './gpu-facts.js';
import { loopAnswer, loopInPlace, loopTransposed } from './peers/loop.js';
import { naiveNms } from './peers/naive.js';
import { ortAnswer, ortBatchedNms, ortNms, ortYolov8 } from './peers/ort.js';
import { tutorial, tutorialAnswer } from './peers/tutorial.js';
import { type Contestant, type Race, raceRow } from './race.js';
import type { Row } from './result.js';
import { TRAINING_ROWS } from './training-rows.js';
import { clusteredBoxes, uniformBoxes, YOLO, yolov8Frame } from './workloads.js';

const FRAMES = 4;
const MAX_DETECTIONS = 300;
const YOLO_IOU = 0.45;
const NMS_IOU = 0.5;

async function kedgeYolov8(frames: readonly Float32Array[], scoreThreshold: number, multiLabel: boolean): Promise<Contestant> {
	const head = yolov8({ numClasses: YOLO.numClasses });
	const options = { head, backend: 'cpu', scoreThreshold, iouThreshold: YOLO_IOU, maxDetections: MAX_DETECTIONS, multiLabel } as const;
	const postprocessor = await createPostprocessor(options);
	return {
		name: 'kedge, CPU',
		run: (i) => postprocessor.run({ data: frames[i], dims: YOLO.dims }),
		answer: detectionsAnswer,
	};
}

function yoloRow(scoreThreshold: number, multiLabel: boolean, what: string, peers: (frames: Float32Array[]) => Promise<Contestant[]>): Race {
	const make = async () => {
		const frames = Array.from({ length: FRAMES }, (_, i) => yolov8Frame(1 + i));
		return [await kedgeYolov8(frames, scoreThreshold, multiLabel), ...(await peers(frames))];
	};
	return { name: `yolov8 ${scoreThreshold}`, what: `[1, 84, 8400], ${what}, ${MAX_DETECTIONS} detections at most`, frames: FRAMES, make };
}

interface NmsPeers {
	ort: number;
	naive?: number;
	numClasses?: number;
}

function nmsRow(name: string, what: string, load: () => ReturnType<typeof uniformBoxes>, { ort, naive, numClasses = 1 }: NmsPeers): Race {
	const make = async (): Promise<Contestant[]> => {
		const { boxes, scores, classIds } = load();
		const options = numClasses > 1 ? { iouThreshold: NMS_IOU, classIds } : { iouThreshold: NMS_IOU };
		const peer = numClasses > 1 ? ortBatchedNms(boxes, scores, classIds, numClasses, NMS_IOU) : ortNms(boxes, scores, NMS_IOU);
		const answer = (indices: ArrayLike<number>) => ({ indices });
		const all: Contestant[] = [{ name: 'kedge, CPU', run: () => nms(boxes, scores, options), answer }];
		if (naive) all.push({ name: 'naive loop', run: () => naiveNms(boxes, scores, NMS_IOU), answer, gate: naive });
		return [...all, { name: 'onnxruntime-web, wasm', run: await peer, answer, gate: ort }];
	};
	return { name, what: `${what}, IoU ${NMS_IOU}, no limit`, frames: 1, make };
}

const RACES: readonly Race[] = [
	yoloRow(0.25, false, '30 objects, 64 candidates, arg-max', async (frames) => {
		const given = [0.25, YOLO_IOU, MAX_DETECTIONS] as const;
		return [
			{ name: 'tutorial code', run: (i) => tutorial(frames[i], ...given), answer: tutorialAnswer, gate: 15 },
			{ name: 'loop demo, transposing', run: (i) => loopTransposed(frames[i], ...given), answer: loopAnswer, gate: 3 },
			{ name: 'loop demo, in place', run: (i) => loopInPlace(frames[i], ...given), answer: loopAnswer },
			{ name: 'onnxruntime-web, wasm', run: await ortYolov8(frames, ...given), answer: ortAnswer, gate: 1.2 },
		];
	}),
	yoloRow(0.001, true, 'about 8500 candidates, multi-label', async (frames) => [
		{ name: 'onnxruntime-web, wasm', run: await ortYolov8(frames, 0.001, YOLO_IOU, MAX_DETECTIONS), answer: ortAnswer, gate: 1.3 },
	]),
	nmsRow('nms 5k clustered', '5000 boxes around 417 objects, 1 class', () => clusteredBoxes(5000, 1, 1), { ort: 3, naive: 8 }),
	nmsRow('nms 5k classes', '5000 boxes around 417 objects, 80 classes', () => clusteredBoxes(5000, 80, 2), { ort: 1.5, numClasses: 80 }),
	nmsRow('nms 25k uniform', '25,000 boxes of which most survive, 1 class', () => uniformBoxes(25_000, 3), { ort: 30 }),
	...TRAINING_ROWS,
];

export const ROWS: readonly Row[] = [...RACES.map(raceRow), gpuFactsRow];
