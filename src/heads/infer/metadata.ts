// What a model's file says of itself: the custom metadata of Ultralytics exports, whose values are Python text in ONNX
// (ultralytics, engine/exporter.py: task, imgsz, names, kpt_shape, head, description), and the config.json beside a
// transformers model (model_type, id2label). A value that is none of its kind counts as not said.

/** Facts in metadata. */
export interface Told {
	/** As the metadata has it: 'detect', 'pose', 'classify', ... */
	readonly task?: unknown;
	readonly inputSize?: readonly [number, number];
	readonly numClasses?: number;
	readonly keypoints?: readonly [number, number];
	readonly family?: string;
	readonly maker?: 'ultralytics';
}

/** The families that a maker's exports can be. */
export const MAKERS: Readonly<Record<'ultralytics', readonly string[]>> = {
	ultralytics: ['yolov8', 'yolov8Maps', 'yolov5', 'yolov3', 'yolov10', 'yoloPose', 'yoloSeg', 'yoloObb', 'rtDetr'],
};

/** model_type of transformers' detection models, by whether their logits are for a softmax with "no object" or for sigmoids. */
const TRANSFORMERS: Readonly<Record<string, string>> = {
	...Object.fromEntries(['detr', 'yolos', 'table-transformer'].map((type) => [type, 'detr'])),
	...Object.fromEntries(['rt_detr', 'rt_detr_v2', 'd_fine', 'deformable_detr', 'conditional_detr', 'rf_detr'].map((type) => [type, 'rtDetr'])),
};

/** Reads the facts that metadata holds. */
export function readMetadata(metadata: Readonly<Record<string, unknown>>): Told {
	const { task, imgsz, names, kpt_shape: points, model_type: type, id2label } = metadata;
	const byType = typeof type === 'string' ? TRANSFORMERS[type] : undefined;
	return {
		task: task === 'object-detection' ? 'detect' : task,
		inputSize: pairOf(imgsz),
		numClasses: countNames(names) ?? countNames(id2label),
		keypoints: pairOf(points),
		// a transformer among Ultralytics' models is told by its head, in older exports by its description
		family: byType ?? (/RTDETR/i.test(`${metadata.head} ${metadata.description}`) ? 'rtDetr' : undefined),
		maker: (task !== undefined && task !== 'object-detection') || metadata.author === 'Ultralytics' ? 'ultralytics' : undefined,
	};
}

function pairOf(text: unknown): readonly [number, number] | undefined {
	const numbers: unknown = typeof text === 'string' ? text.match(/\d+/g)?.map(Number) : text;
	const isPair = Array.isArray(numbers) && numbers.length === 2 && numbers.every((n) => Number.isInteger(n) && n > 0);
	return isPair ? [numbers[0], numbers[1]] : undefined;
}

// {0: 'person', 1: 'bicycle'}: Python text, or parsed already
function countNames(names: unknown): number | undefined {
	if (typeof names === 'string') return names.match(/[{,]\s*\d+\s*:/g)?.length;
	return typeof names === 'object' && names !== null ? Object.keys(names).length || undefined : undefined;
}
