// What is known of a model: its outputs, and what hints, metadata and the names of outputs say. Readings look at nothing
// else. Hints win over metadata, metadata over names.

import { checkBoolean, checkWord, readOptions, refuse } from '../../checks.js';
import { checkClasses, checkInput } from '../common.js';
import { MAKERS, readMetadata } from './metadata.js';
import { type Output, readOutputs } from './outputs.js';

/** What a model finds. */
export type Task = 'detect' | 'segment' | 'pose' | 'obb';
const TASKS: readonly Task[] = ['detect', 'segment', 'pose', 'obb'];

/** Whose anchors and rules, for families that several frameworks have. */
export type InferStyle = 'torchvision' | 'detectron2' | 'mmdet' | 'caffe' | 'keras-retinanet' | 'tensorflow';
const STYLES: readonly InferStyle[] = ['torchvision', 'detectron2', 'mmdet', 'caffe', 'keras-retinanet', 'tensorflow'];

/** What else is known of a model. */
export interface InferHints {
	/** Network input, [height, width]. */
	inputSize?: readonly [number, number];
	/** Object classes. */
	numClasses?: number;
	/** Class names; their number is the number of classes. */
	names?: readonly string[];
	/** Whose SSD, RetinaNet and the like: shapes cannot tell. */
	style?: InferStyle;
	/** What the model finds: boxes, masks, keypoints or turned boxes. */
	task?: Task;
	/** The family, by the name of its head ('yolox'), or 'yolov7', 'yolov9', 'yolo11', 'yolo12', 'yolo26'. */
	family?: string;
	/** The option `outputs` of the head ('raw', 'decoded', 'end-to-end', ...), where two kinds have one shape. */
	outputs?: string;
	/** Whether coordinates are fractions of the input, where exports differ in it. */
	normalized?: boolean;
	/** The metadata of an Ultralytics export (task, imgsz, names, kpt_shape, ...), or the config.json of a transformers model (model_type, id2label). */
	metadata?: Readonly<Record<string, unknown>>;
}

/** All that readings may look at. */
export interface Facts {
	readonly outputs: readonly Output[];
	readonly inputSize?: readonly [number, number];
	readonly numClasses?: number;
	readonly style?: string;
	readonly task?: Task;
	readonly family?: string;
	/** The option `outputs`. */
	readonly kind?: string;
	readonly normalized?: boolean;
	/** Keypoints and the numbers of each, as metadata says. */
	readonly keypoints?: readonly [number, number];
	/** Families that the metadata's maker has; undefined when nothing says so. */
	readonly families?: readonly string[];
	/** A task that no head is built for ('classify'). */
	readonly foreignTask?: unknown;
}

/** Shapes and hints as facts. Throws a TypeError or RangeError for those that are none. */
export function readFacts(shapes: unknown, hints: unknown, families: readonly string[]): Facts {
	const given = readHints(hints, families);
	const outputs = readOutputs(shapes);
	const { task, ...told } = readMetadata(given.metadata ?? {});
	const isTask = TASKS.includes(task as Task);
	return {
		outputs,
		inputSize: given.inputSize ?? told.inputSize,
		numClasses: given.numClasses ?? given.names?.length ?? told.numClasses,
		style: given.style ?? styleByName(outputs),
		task: given.task ?? (isTask ? (task as Task) : undefined),
		family: given.family ?? told.family,
		kind: given.outputs,
		normalized: given.normalized,
		keypoints: told.keypoints,
		families: told.maker && MAKERS[told.maker],
		foreignTask: isTask || given.task ? undefined : task,
	};
}

/** Names that one framework alone gives. */
function styleByName(outputs: readonly Output[]): string | undefined {
	return outputs.some(({ name = '' }) => /^(cls_logits|bbox_regression)/.test(name)) ? 'torchvision' : undefined;
}

const KNOWN = ['inputSize', 'numClasses', 'names', 'style', 'task', 'family', 'outputs', 'normalized', 'metadata'] as const;

/** Hints by name, each of its kind; the metadata comes from a file, and what it says that is none counts as not said. */
function readHints(hints: unknown, families: readonly string[]): InferHints {
	const read = readOptions('inferHead', 'hints', hints, KNOWN);
	const { inputSize, numClasses, names, style, task, family, outputs, normalized, metadata } = read;
	if (inputSize !== undefined) checkInput('inferHead', inputSize);
	if (numClasses !== undefined) checkClasses('inferHead', numClasses);
	if (names !== undefined) {
		if (!Array.isArray(names) || names.length === 0 || !names.every((n) => typeof n === 'string'))
			refuse(TypeError, 'inferHead', 'names', 'must be an array of strings with one entry at least', names);
		if (numClasses !== undefined && names.length !== numClasses)
			refuse(RangeError, 'inferHead', 'names', `must be as many as numClasses, ${numClasses}`, names.length);
	}
	if (style !== undefined) checkWord('inferHead', 'style', style, STYLES);
	if (task !== undefined) checkWord('inferHead', 'task', task, TASKS);
	if (family !== undefined) checkWord('inferHead', 'family', family, families);
	if (outputs !== undefined && typeof outputs !== 'string') refuse(TypeError, 'inferHead', 'outputs', 'must be a string', outputs);
	if (normalized !== undefined) checkBoolean('inferHead', 'normalized', normalized);
	if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)))
		refuse(TypeError, 'inferHead', 'metadata', 'must be an object', metadata);
	return read as InferHints;
}
