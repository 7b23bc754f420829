// The final rows of models without suppression, or with it inside, and the queries of detection transformers: a list of
// at most 1000. The row's length gives the task; how many classes there are it does not show. 100, 300 and 1000 rows and
// 100, 300 and 900 queries are published; another number is read only where a fact points at rows, there is no batch axis,
// or boxes and logits are apart, and believed only where nothing else fits.

import type { Facts } from './facts.js';
import { type Fit, type HeadName, propose, type Remarks } from './fit.js';
import { distinct, flatDims, SIZE_UNKNOWN, STAND_IN, unitsOf } from './guess.js';

/** Rows of published exports. */
const COUNTS = [100, 300, 1000];
const UNCOUNTED = "the rows do not show how many classes there are, for which COCO's 80 stand";
/** Queries of RT-DETR and Deformable DETR, of DINO; of DETR and YOLOS. */
const QUERIES: Readonly<Record<'rtDetr' | 'detr', readonly number[]>> = { rtDetr: [300, 900], detr: [100] };
const SIZED = 'the input size was assumed to be 640 x 640 (hints.inputSize says otherwise)';

/** The heads of rows [rows, numbers], one tensor, for segmentation with prototypes beside it. */
export function readRows(facts: Facts): Fit[] {
	const lists = facts.outputs.filter(({ dims }) => flatDims(dims));
	const spare = facts.outputs.length - 1;
	const hasPrototypes = spare === 1 && facts.outputs.some(({ dims }) => dims.length === 4);
	if (lists.length !== 1 || (spare > 0 && !hasPrototypes)) return [];
	const [rows, width] = flatDims(lists[0].dims) as readonly [number, number];
	if (rows < 1 || rows > 1000) return [];
	const isFlat = lists[0].dims.length === 2;
	const isPointed = facts.task !== undefined || facts.family !== undefined || facts.kind !== undefined;
	if (!COUNTS.includes(rows) && !isPointed && !isFlat && !hasPrototypes) return [];
	const inputSize = facts.inputSize ?? STAND_IN;
	const remarks: Remarks = { remote: !COUNTS.includes(rows), spare, assumed: facts.inputSize ? [] : [SIZED] };
	const of = (name: HeadName, more: Readonly<Record<string, unknown>> = {}, because?: string) => {
		const numClasses = facts.numClasses ?? 80;
		const doubt = facts.numClasses === undefined ? UNCOUNTED : undefined;
		const options = { numClasses, inputSize, ...more, ...(rows !== 300 && { maxRows: rows }) };
		return unitsOf(facts).flatMap((unit) => propose(facts, name, { ...options, ...unit }, { ...remarks, because, doubt }));
	};
	if (hasPrototypes) return width > 6 ? of('yoloSeg', { outputs: 'end-to-end', ...(width !== 38 && { numMasks: width - 6 }) }) : [];
	return [
		...(width === 6 ? of('yolov10', {}, 'the rows of YOLOv10 and YOLO26 are box, score, class id') : []),
		...(isFlat ? others(width, of) : []),
		...(width === 7 ? of('yoloObb', { outputs: 'end-to-end' }, 'the rows of YOLO26-obb end with an angle') : []),
		...(width === 38 ? of('yoloSeg', { outputs: 'end-to-end' }, 'the rows of YOLO26-seg end with 32 mask coefficients') : []),
		...poseRows(facts, width, remarks, rows),
		...queries(facts, rows, width, remarks),
	];
}

// Rows without a batch axis: other exports with suppression inside
function others(width: number, of: (name: HeadName, more: Readonly<Record<string, unknown>>, because: string) => Fit[]): Fit[] {
	if (width === 7) return of('yolov10', { columns: { box: 1, score: 6, classId: 5, count: 7 } }, "YOLOv7's rows for ONNX Runtime begin with the image");
	if (width === 6)
		return of('yolov10', { columns: { box: 2, score: 1, classId: 0, count: 6 } }, "PaddleDetection's rows begin with the class id and the score");
	return [];
}

function poseRows(facts: Facts, width: number, remarks: Remarks, rows: number): Fit[] {
	const pointed = facts.task === 'pose' || facts.family === 'yoloPose';
	const [count, dims] = facts.keypoints ?? [pointed ? (width - 6) / 3 : 17, 3];
	if (width !== 6 + count * dims || count < 1) return [];
	const numClasses = facts.numClasses ?? 1;
	const more = { ...(count !== 17 && { numKeypoints: count }), ...(dims !== 3 && { keypointDims: dims }), ...(rows !== 300 && { maxRows: rows }) };
	const because = `the rows of YOLO26-pose end with ${count} x ${dims} keypoints`;
	const assumed = [...(remarks.assumed ?? []), ...(facts.numClasses === undefined ? ['one class was assumed'] : [])];
	const inputSize = facts.inputSize ?? STAND_IN;
	return propose(facts, 'yoloPose', { numClasses, inputSize, outputs: 'end-to-end', ...more }, { ...remarks, because, assumed });
}

// Ultralytics' RT-DETR in one tensor
function queries(facts: Facts, rows: number, width: number, remarks: Remarks): Fit[] {
	if (width < 5 || facts.outputs.length > 1 || (rows !== 300 && facts.family !== 'rtDetr')) return [];
	const options = { numClasses: width - 4, inputSize: facts.inputSize ?? STAND_IN, outputs: 'concatenated', ...(rows !== 300 && { numQueries: rows }) };
	return propose(facts, 'rtDetr', options, { ...remarks, remote: width > 4 * rows, because: `Ultralytics' RT-DETR has 4 + ${width - 4} numbers per query` });
}

/** The heads of queries in two tensors: logits and boxes. */
export function readQueries(facts: Facts): Fit[] {
	const lists = facts.outputs.map(({ dims }) => flatDims(dims));
	if (lists.length !== 2 || !lists[0] || !lists[1]) return [];
	return [lists, [lists[1], lists[0]]].flatMap(([logits, boxes], turn) => {
		const [rows, channels] = logits as readonly [number, number];
		const [boxRows, four] = boxes as readonly [number, number];
		const isTwice = turn === 1 && distinct([channels, four]).length === 1;
		if (boxRows !== rows || four !== 4 || rows < 1 || rows > 1000 || isTwice) return [];
		return (['rtDetr', 'detr'] as const).flatMap((name) => {
			const published = QUERIES[name].includes(rows);
			const numClasses = name === 'detr' ? channels - 1 : channels;
			const numQueries = rows === QUERIES[name][0] ? {} : { numQueries: rows };
			// RT-DETR's inputs are 640 x 640 unless said otherwise; DETR's are of any size
			const byCount = `${rows} queries were taken for ${name === 'detr' ? "DETR's or YOLOS's" : 'those of RT-DETR and its kin'}, by their number`;
			const assumed = [...(published && !facts.family ? [byCount] : []), ...(facts.inputSize || name === 'detr' ? [] : [SIZED])];
			const doubt = facts.inputSize || name === 'rtDetr' ? undefined : SIZE_UNKNOWN;
			const because = name === 'detr' ? "DETR's logits have a last class for no object" : 'RT-DETR has a sigmoid per class';
			return propose(facts, name, { numClasses, inputSize: facts.inputSize ?? STAND_IN, ...numQueries }, { remote: !published, because, assumed, doubt });
		});
	});
}
