// The row of a RetinaNet head: 120,087 anchors with 91 logits each, 43 MB of which nearly all is noise.

import { createPostprocessor, retinanet } from 'kedge';
import { detectionsAnswer } from './answer.js';
import { retinanetLoop, retinanetLoopAnswer } from './peers/retinanet-loop.js';
import type { Contestant, Race } from './race.js';
import { RETINANET, retinanetFrame } from './retinanet-workload.js';

const SCORE = 0.05;
const IOU = 0.5;
const MAX_DETECTIONS = 100;

export const RETINANET_RACES: readonly Race[] = [
	{
		name: 'retinanet 120k',
		what: `logits [1, 120087, 91] of torchvision at 800 x 800, every class above ${SCORE}, 1000 of a level at most, IoU ${IOU}, ${MAX_DETECTIONS} detections at most`,
		frames: 1,
		// a sigmoid in single precision, one in double
		scoreTolerance: 1e-6,
		make: async (): Promise<Contestant[]> => {
			const { size, numClasses, numAnchors } = RETINANET;
			const head = retinanet({ numClasses, inputSize: [size, size], outputs: 'concatenated' });
			const anchors = head.anchors as Float32Array;
			const frame = retinanetFrame(anchors, 1);
			const postprocessor = await createPostprocessor({ head, backend: 'cpu', scoreThreshold: SCORE, iouThreshold: IOU, maxDetections: MAX_DETECTIONS });
			const outputs = {
				classes: { data: frame.logits, dims: [1, numAnchors, numClasses] },
				boxes: { data: frame.deltas, dims: [1, numAnchors, 4] },
			};
			return [
				{ name: 'kedge, CPU', run: () => postprocessor.run(outputs), answer: detectionsAnswer },
				{ name: 'naive loop', run: () => retinanetLoop(frame, anchors, SCORE, IOU, MAX_DETECTIONS), answer: retinanetLoopAnswer, gate: 5, target: 10 },
			];
		},
	},
];
