// A head that fits: the call that makes it, the head, and the proof that every output finds its place in it.

import { YOLOV2_TINY_VOC_ANCHORS, YOLOV2_VOC_ANCHORS, YOLOV5_P6_ANCHORS, YOLOV7_ANCHORS } from '../../anchors/yolo.js';
import { fitsSpec } from '../../bind.js';
import { blazeFace, blazePalm } from '../blazeface.js';
import { centernet } from '../centernet.js';
import { densebox } from '../densebox.js';
import { detr, rtDetr } from '../detr.js';
import { efficientdet } from '../efficientdet.js';
import { scrfd, yunet } from '../faces.js';
import { fastRcnn } from '../fast-rcnn.js';
import { fcos } from '../fcos.js';
import { fovea } from '../fovea.js';
import type { Head, TensorSpec } from '../head.js';
import { mtcnnONet, mtcnnPNet, mtcnnRNet } from '../mtcnn.js';
import { retinaFace, ultraFace } from '../retinaface.js';
import { retinanet } from '../retinanet.js';
import { rpn } from '../rpn.js';
import { ssd } from '../ssd.js';
import { yoloObb } from '../yolo-obb.js';
import { yoloPose } from '../yolo-pose.js';
import { yoloSeg } from '../yolo-seg.js';
import { yolov2 } from '../yolov2.js';
import { yolov3, yolov4 } from '../yolov3.js';
import { yolov5 } from '../yolov5.js';
import { yolov6 } from '../yolov6.js';
import { yolov8 } from '../yolov8.js';
import { yolov8Maps } from '../yolov8-maps.js';
import { yolov10 } from '../yolov10.js';
import { yolox } from '../yolox.js';
import type { Facts, Task } from './facts.js';
import { LARGEST } from './guess.js';
import type { Dims, Output } from './outputs.js';

/** The heads that have names of their own. */
const FACTORIES = {
	...{ yolov2, yolov3, yolov4, yolov5, yolov6, yolov8, yolov8Maps, yolov10, yolox, yoloPose, yoloSeg, yoloObb },
	...{ ssd, retinanet, efficientdet, fcos, fovea, rpn, fastRcnn, centernet, densebox, detr, rtDetr },
	...{ scrfd, yunet, retinaFace, ultraFace, blazeFace, blazePalm, mtcnnPNet, mtcnnRNet, mtcnnONet },
};
/** The name of a factory. */
export type HeadName = keyof typeof FACTORIES;
/** What heads find that find more than boxes, where a detector may have the same shape. */
const TASKS: Readonly<Partial<Record<HeadName, Task>>> = { yoloPose: 'pose', yoloSeg: 'segment', yoloObb: 'obb' };
/** What the option `outputs` is where it is not said. */
const KINDS: Readonly<Partial<Record<HeadName, string>>> = {
	...{
		yolov3: 'raw',
		yolov4: 'raw',
		yolox: 'raw',
		yolov5: 'concatenated',
		yolov6: 'concatenated',
		yolov8: 'concatenated',
		yolov8Maps: 'raw',
		yolov10: 'end-to-end',
	},
	...{ yoloPose: 'concatenated', yoloSeg: 'concatenated', yoloObb: 'concatenated', rtDetr: 'separate', blazeFace: 'separate' },
};
/** Models by whose name no head is called, and the heads that read them. */
const KIN: Readonly<Record<string, readonly string[]>> = {
	yolov7: ['yolov7'],
	yolov8Maps: ['yolov8'],
	...{ yolov9: ['yolov8', 'yoloSeg'], yolo11: ['yolov8', 'yoloPose', 'yoloSeg', 'yoloObb'], yolo12: ['yolov8', 'yoloPose', 'yoloSeg', 'yoloObb'] },
	yolo26: ['yolov10', 'yolov8', 'yoloPose', 'yoloSeg', 'yoloObb'],
};

/** The words for the hint `family`: names of heads, and of models that have no head of their own. */
export const FAMILIES: readonly string[] = [...new Set([...Object.keys(FACTORIES), ...Object.keys(KIN)])];

/** The families that a hint means. */
export function familiesOf(word: string): readonly string[] {
	return KIN[word] ?? [word];
}

/** A head that fits. */
export interface HeadCandidate {
	/** The function that makes it: 'yolov8', 'ssd', ... */
	readonly name: string;
	readonly head: Head;
	/** The call that makes it, as source text. */
	readonly call: string;
}

/** What is said of a head that fits, beside itself. */
export interface Remarks {
	/** The family, where it is not the head's name: 'yolov7'. */
	readonly family?: string;
	/** The framework that it is as in. */
	readonly style?: string;
	/** Listed only where nothing else fits. */
	readonly remote?: boolean;
	/** What speaks for it, in a list: 'YOLOv8-pose has ...'. */
	readonly because?: string;
	/** What was taken for granted. */
	readonly assumed?: readonly string[];
	/** What must be told before it can be chosen, though it be alone. */
	readonly doubt?: string;
	/** Outputs that the head does not read. Default 0. */
	readonly spare?: number;
	/** Tensors of the head that are no outputs of the network, by name. */
	readonly own?: string;
}

/** A candidate and what is known of it. */
export interface Fit extends HeadCandidate, Remarks {
	readonly family: string;
	readonly task: Task;
	/** The option `outputs`, said or not; undefined for heads without it. */
	readonly kind: unknown;
	readonly options: Readonly<Record<string, unknown>>;
}

/** The head of these options as a list of one, or none where facts or outputs contradict it. */
export function propose(facts: Facts, name: HeadName, options: Readonly<Record<string, unknown>>, remarks: Remarks = {}): Fit[] {
	const size = options.inputSize as readonly number[] | undefined;
	if (!facts.inputSize && size?.some((n) => n > LARGEST)) return [];
	const head = make(name, options);
	if (!head || !proves(head, facts, remarks)) return [];
	const task = TASKS[name] ?? 'detect';
	const kind = options.outputs ?? KINDS[name];
	const call = `${name}(${Object.keys(options).length > 0 ? source(options) : ''})`;
	return [{ family: name, ...remarks, name, head, call, task, kind, options }];
}

// Options that a factory refuses make no head: what was guessed is none.
function make(name: HeadName, options: Readonly<Record<string, unknown>>): Head | undefined {
	try {
		return (FACTORIES[name] as (options: unknown) => Head)(options);
	} catch (error) {
		if ((error as { code?: unknown }).code === 'INVALID_ARGUMENT') return undefined;
		throw error;
	}
}

function proves(head: Head, { outputs, numClasses, inputSize }: Facts, { spare = 0, own }: Remarks): boolean {
	if (numClasses !== undefined && head.score.classes !== 'level' && head.numClasses !== numClasses) return false;
	if (inputSize?.some((n, i) => n !== head.inputSize[i])) return false;
	const needed = head.tensors.filter((t) => t.name !== own);
	return countPlaced(head, needed, outputs) === needed.length && outputs.length - countPlaced(head, head.tensors, outputs) <= spare;
}

/** Whole numbers are ids, or must be dequantized first: no head reads them. */
export function isWhole(type: string | undefined): boolean {
	return type !== undefined && /^(u?int|bool)/.test(type);
}

/** How many of these tensors find an output of their own: a greatest matching, by augmenting paths. */
function countPlaced(head: Head, tensors: readonly TensorSpec[], outputs: readonly Output[]): number {
	const taken: number[] = [];
	const place = (tensor: number, seen: Set<number>): boolean =>
		outputs.some(({ dims, type }, i) => {
			if (seen.has(i) || isWhole(type) || !fitsSpec(tensors[tensor], head, dims)) return false;
			seen.add(i);
			if (taken[i] !== undefined && !place(taken[i], seen)) return false;
			taken[i] = tensor;
			return true;
		});
	return tensors.filter((_, tensor) => place(tensor, new Set())).length;
}

/** True when an output fits two places of the head, so that only names or order tell them apart. */
export function isAlike(head: Head, outputs: readonly Output[]): boolean {
	return outputs.some(({ dims }) => head.tensors.filter((spec) => fitsSpec(spec, head, dims)).length > 1);
}

/** Names that exporters give without regard to what a tensor holds. */
const GENERIC = /^(outputs?_?\d*|Identity(_\d+)?(:0)?|StatefulPartitionedCall.*|PartitionedCall.*|\d+|boxes|scores|logits|labels)$/;

/** True when every tensor of the head goes by a name of its own; `telling`: by one that says more than 'output'. */
export function isNamed(head: Head, outputs: readonly Output[], telling: boolean): boolean {
	const names = outputs.map(({ name }) => name);
	return head.tensors.every((t) => [t.name, ...(t.aliases ?? [])].some((name) => names.includes(name) && !(telling && GENERIC.test(name))));
}

/** Tables that calls name. */
const TABLES = { YOLOV2_VOC_ANCHORS, YOLOV2_TINY_VOC_ANCHORS, YOLOV5_P6_ANCHORS, YOLOV7_ANCHORS };

/** Options as one would write them. */
function source(value: unknown): string {
	const table = Object.entries(TABLES).find(([, rows]) => rows === value);
	if (table) return table[0];
	if (Array.isArray(value)) return `[${value.map(source).join(', ')}]`;
	if (typeof value === 'object' && value !== null)
		return `{ ${Object.entries(value)
			.map(([key, v]) => `${key}: ${source(v)}`)
			.join(', ')} }`;
	return typeof value === 'string' ? `'${value}'` : String(value);
}

/** Elements of a tensor. */
export function sizeOf(dims: Dims): number {
	return dims.reduce((a, b) => a * b, 1);
}
