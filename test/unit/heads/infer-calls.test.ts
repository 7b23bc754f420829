// The text of a candidate's call makes the candidate's head, when it is run with what kedge exports.

import { assert, test } from 'vitest';
import * as kedge from '../../../src/index.js';
import { type Head, inferHead } from '../../../src/index.js';

/** Runs a call as a module that imports kedge would. */
function run(call: string): Head {
	const names = Object.keys(kedge);
	return new Function(...names, `return ${call}`)(...names.map((name) => (kedge as Record<string, unknown>)[name]));
}

/** All that a head is but its functions, which are the codec's: its kind, constants and variants tell them. */
const facts = (head: Head) => JSON.stringify({ ...head, anchors: undefined });
const bytes = ({ anchors }: Head) => (anchors ? Buffer.from(anchors.buffer, anchors.byteOffset, anchors.byteLength) : Buffer.alloc(0));

const square = (sides: readonly number[], ...channels: readonly number[]) => channels.flatMap((c) => sides.map((n) => [1, c, n, n]));
const SHAPES: readonly (readonly (readonly number[])[])[] = [
	[[1, 84, 84]],
	[[1, 56, 8400]],
	[[1, 20, 8400]],
	[[1, 116, 8400]],
	[[1, 8400, 85]],
	[[1, 25200, 57]],
	[[1, 25200, 117]],
	[[1, 102000, 85]],
	[[1, 84, 34000]],
	[[1, 300, 6]],
	[[1, 300, 7]],
	[[1, 300, 38]],
	[[1, 300, 57]],
	[[100, 6]],
	[[100, 7]],
	[[1, 125, 13, 13]],
	[[1, 60, 13, 13]],
	[[1, 896, 17]],
	square([8, 4, 2], 144),
	square([8, 4, 2], 255),
	square([8, 4, 2, 1], 84),
	square([26, 13], 255),
	square([8, 4, 2], 64, 80),
	square([8, 4, 2], 4, 80),
	square([8, 4, 2], 64, 1, 51),
	square([8, 4, 2], 2, 8, 20),
	square([8, 4, 2], 1, 1, 4, 10),
	square([16, 8, 4, 2, 1], 720, 36),
	square([16, 8, 4, 2, 1], 80, 4, 1),
	square([16, 8, 4, 2, 1], 80, 4),
	square([32, 16, 8, 4, 2], 3, 12),
	square([10], 15, 60),
	square([32], 80, 2, 2),
	square([32], 1, 4),
	square([32], 2, 4),
	...[21, 91]
		.map((n) => [8732, 3234, 1917].map((anchors) => [anchors, n]))
		.flatMap((list) =>
			list.map(([a, n]) => [
				[1, a, 4],
				[1, a, n],
			]),
		),
	[
		[1, 19206, 4],
		[1, 19206, 80],
	],
	[
		[1, 10647, 1, 4],
		[1, 10647, 80],
	],
	[
		[1, 300, 80],
		[1, 300, 4],
	],
	[
		[1, 100, 92],
		[1, 100, 4],
	],
	[
		[100, 2],
		[100, 4],
	],
	[
		[100, 81],
		[100, 320],
	],
	[
		[1, 4420, 2],
		[1, 4420, 4],
	],
	[
		[1, 2016, 18],
		[1, 2016, 1],
	],
	[
		[10, 4],
		[10, 10],
		[10, 2],
	],
	[
		[1, 16800, 4],
		[1, 16800, 2],
		[1, 16800, 10],
	],
];

test('every call makes its head, and no two candidates are one', () => {
	const names = new Set<string>();
	for (const shapes of SHAPES) {
		const inferred = inferHead(shapes);
		const candidates = inferred.head ? [inferred] : inferred.candidates;
		assert.isAbove(candidates.length, 0, JSON.stringify(shapes));
		assert.equal(new Set(candidates.map((c) => c.call)).size, candidates.length);
		for (const { name, head, call } of candidates) {
			const made = run(call);
			assert.isTrue(call.startsWith(`${name}(`), call);
			assert.equal(facts(made), facts(head), call);
			assert.isTrue(bytes(made).equals(bytes(head)), call);
			// a head that was inferred is one that can be described
			assert.doesNotThrow(() => kedge.defineHead(head), call);
			names.add(name);
		}
	}
	const heads = [
		'yolov2',
		'yolov3',
		'yolov4',
		'yolov5',
		'yolov6',
		'yolov8',
		'yolov8Maps',
		'yolov10',
		'yolox',
		'yoloPose',
		'yoloSeg',
		'yoloObb',
		'ssd',
		'retinanet',
	];
	const others = ['efficientdet', 'fcos', 'fovea', 'rpn', 'fastRcnn', 'centernet', 'densebox', 'detr', 'rtDetr', 'scrfd', 'yunet', 'retinaFace', 'ultraFace'];
	assert.sameMembers([...names], [...heads, ...others, 'blazeFace', 'blazePalm', 'mtcnnPNet', 'mtcnnRNet', 'mtcnnONet']);
});
