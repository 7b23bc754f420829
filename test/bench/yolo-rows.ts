// The rows of a YOLOv8 head: best class above 0.25 as an application does it, every class above 0.001 as an evaluation does.

import { createPostprocessor, type SemanticsPreset, yolov8 } from 'kedge';
import { type Answer, detectionsAnswer } from './answer.js';
import { loopAnswer, loopInPlace, loopTransposed } from './peers/loop.js';
import { ortAnswer, ortNote, ortYolov8 } from './peers/ort.js';
import { openTfjs, type Tfjs, tfjsAnswer, tfjsYolov8 } from './peers/tfjs.js';
import { tutorial, tutorialAnswer } from './peers/tutorial.js';
import type { Contestant, Race } from './race.js';
import type { Goal, Place } from './result.js';
import { YOLO, yolov8Frame } from './workloads.js';

const FRAMES = 4;
const MAX_DETECTIONS = 300;
const IOU = 0.45;

type Frames = readonly Float32Array[];

async function postprocessor(scoreThreshold: number, multiLabel: boolean, semantics: SemanticsPreset) {
	const head = yolov8({ numClasses: YOLO.numClasses });
	return createPostprocessor({ head, backend: 'cpu', scoreThreshold, iouThreshold: IOU, maxDetections: MAX_DETECTIONS, multiLabel, semantics });
}

async function kedge(frames: Frames, scoreThreshold: number, multiLabel: boolean): Promise<Contestant> {
	const one = await postprocessor(scoreThreshold, multiLabel, 'default');
	return { name: 'kedge, CPU', run: (i) => one.run({ data: frames[i], dims: YOLO.dims }), answer: detectionsAnswer };
}

/** What kedge finds by the rules of a peer. */
async function reference(frames: Frames, scoreThreshold: number, multiLabel: boolean, semantics: SemanticsPreset): Promise<(i: number) => Promise<Answer>> {
	const one = await postprocessor(scoreThreshold, multiLabel, semantics);
	return async (i) => detectionsAnswer(await one.run({ data: frames[i], dims: YOLO.dims }));
}

async function ort(frames: Frames, scoreThreshold: number, multiLabel: boolean, goal: Goal): Promise<Contestant> {
	return {
		...{ name: 'onnxruntime-web, wasm', answer: ortAnswer, ...goal },
		run: await ortYolov8(frames, scoreThreshold, IOU, MAX_DETECTIONS),
		reference: await reference(frames, scoreThreshold, multiLabel, 'onnx'),
		note: await ortNote(),
	};
}

async function tfjs(frames: Frames, scoreThreshold: number, runtime: Tfjs, form: 'rows' | 'planes', goal: Goal = {}): Promise<Contestant> {
	return {
		...{ name: `tfjs, ${runtime.backend}, ${form}`, answer: tfjsAnswer, turn: runtime.use, note: runtime.note, ...goal },
		run: (i) => tfjsYolov8(runtime, form, frames[i], scoreThreshold, IOU, MAX_DETECTIONS),
		reference: await reference(frames, scoreThreshold, false, 'tfjs'),
	};
}

function yoloRace(scoreThreshold: number, multiLabel: boolean, what: string, peers: (frames: Frames, place: Place) => Promise<Contestant[]>): Race {
	const make = async (place: Place) => {
		const frames = Array.from({ length: FRAMES }, (_, i) => yolov8Frame(1 + i));
		return [await kedge(frames, scoreThreshold, multiLabel), ...(await peers(frames, place))];
	};
	return { name: `yolov8 ${scoreThreshold}`, what: `[1, 84, 8400], ${what}, ${MAX_DETECTIONS} detections at most`, frames: FRAMES, make };
}

export const YOLO_RACES: readonly Race[] = [
	yoloRace(0.25, false, '30 objects, 64 candidates, arg-max', async (frames, place) => {
		const wasm = await openTfjs('wasm', place);
		const given = [0.25, IOU, MAX_DETECTIONS] as const;
		return [
			{ name: 'tutorial code', run: (i) => tutorial(frames[i], ...given), answer: tutorialAnswer, gate: 15, target: 40 },
			{ name: 'loop demo, transposing', run: (i) => loopTransposed(frames[i], ...given), answer: loopAnswer, gate: 3, target: 6 },
			{ name: 'loop demo, in place', run: (i) => loopInPlace(frames[i], ...given), answer: loopAnswer },
			await ort(frames, 0.25, false, { gate: 1.2, target: 2 }),
			await tfjs(frames, 0.25, wasm, 'rows', { gate: 10, target: 30 }),
			await tfjs(frames, 0.25, wasm, 'planes'),
			await tfjs(frames, 0.25, await openTfjs('cpu', place), 'rows'),
		];
	}),
	yoloRace(0.001, true, 'about 8500 candidates, multi-label', async (frames) => [await ort(frames, 0.001, true, { gate: 1.3, target: 2.5 })]),
];

/** A row of its own: on a software adapter a call takes seconds, and its threads disturb whoever comes after it. */
export const TFJS_WEBGPU_RACE: Race = {
	...yoloRace(0.25, false, 'tfjs on WebGPU, whose time says nothing of a GPU on a software adapter', async (frames, place) => [
		await tfjs(frames, 0.25, await openTfjs('webgpu', place), 'planes'),
	]),
	name: 'gpu tfjs',
};
