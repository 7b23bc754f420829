// The demo's network: no training, every weight set by hand. It finds blobs of four colours and puts them out as a
// YOLOv8 head, [1, 4 + 4, anchors] with probabilities, anchors at strides 8, 16 and 32.
//
//   picture -> 3x3 blur and colour differences -> opponent colours -> mask per class, 0 or 1
//   mask * coordinate -> max pooling inside the mask, again and again -> how far the blob reaches on each side
//   per anchor: box = reach on four sides; score = centredness of the anchor in the box x share of the cell covered
//
// Max pooling that never leaves the mask makes every cell of a connected blob know the blob's outermost pixel: a
// bounding box by convolution-sized steps. Cells grow with the stride, so that a few steps reach far.

import { SHAPE_NAMES } from '../scene.js';
import { OnnxGraph } from './onnx.js';

/** How far a level looks and which blobs it answers for, in pixels of a 320-pixel input. */
interface BlobLevel {
	/** Input pixels per anchor. */
	stride: number;
	/** Input pixels per cell of the maps that reach out. */
	cell: number;
	/** Steps of max pooling at this cell size. */
	steps: number;
	/** Longest side of a blob this level answers for. */
	from: number;
	to: number;
}

const LEVELS: readonly BlobLevel[] = [
	{ stride: 8, cell: 4, steps: 9, from: 9, to: 60 },
	{ stride: 16, cell: 8, steps: 6, from: 32, to: 140 },
	{ stride: 32, cell: 16, steps: 8, from: 90, to: 400 },
];

/** Colour of class against the strongest other colour, 0 to 1, above which a pixel belongs to the class. */
const THRESHOLD = 0.22;
/** Off-centre anchors see the box moved by this share of their offset, so that candidates of one blob differ a little. */
const PULL = 0.12;
const NUM_CLASSES = SHAPE_NAMES.length;

/**
 * Builds the network.
 * @param size Side of the square input in pixels; a multiple of 32. Input 'images' is [1, 3, size, size], RGB from 0 to 1.
 * @returns The bytes of an ONNX file whose output 'output0' is [1, 8, size² * 21 / 1024].
 */
export function blobNetwork(size: number): Uint8Array {
	if (!Number.isInteger(size) || size < 32 || size % 32 !== 0) throw new RangeError(`blobNetwork: size must be a multiple of 32; got ${size}`);
	const g = new OnnxGraph();
	const mask = classMasks(g, g.input('images', [1, 3, size, size]));
	let reach = outlines(g, mask, size);
	const outputs = LEVELS.map((level, i) => {
		if (i > 0) reach = g.op('MaxPool', [reach], { kernel_shape: [2, 2], strides: [2, 2] });
		reach = spread(g, reach, mask, level);
		return anchors(g, reach, mask, level, size);
	});
	const numAnchors = LEVELS.reduce((sum, { stride }) => sum + (size / stride) ** 2, 0);
	g.output('output0', g.op('Concat', outputs, { axis: 2 }), [1, 4 + NUM_CLASSES, numAnchors]);
	return g.encode('blobs', { names: `{${SHAPE_NAMES.map((name, i) => `${i}: '${name}'`).join(', ')}}`, imgsz: `[${size}, ${size}]`, stride: '32' });
}

/** [1, classes, size, size], 1 where the blurred pixel is red, yellow, green or blue enough. */
function classMasks(g: OnnxGraph, image: string): string {
	// Blurred R, G, B and the positive parts of B-G, R-B, G-R: what max and min of two colours are made of.
	const mix = [
		[1, 0, 0],
		[0, 1, 0],
		[0, 0, 1],
		[0, -1, 1],
		[1, 0, -1],
		[-1, 1, 0],
	];
	const blur = [1, 2, 1, 2, 4, 2, 1, 2, 1].map((v) => v / 16);
	const first = g.constant(
		mix.flatMap((colours) => colours.flatMap((c) => blur.map((b) => c * b))),
		[6, 3, 3, 3],
	);
	const colours = g.op('Relu', [g.op('Conv', [image, first], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })]);
	//  R - max(G, B) = R - G - (B-G)+     G - max(B, R) = G - B - (R-B)+
	//  B - max(R, G) = B - R - (G-R)+     min(R, G) - B = G - (G-R)+ - B
	const second = g.constant([1, -1, 0, -1, 0, 0, /**/ 0, 1, -1, 0, 0, -1, /**/ 0, 1, -1, 0, -1, 0, /**/ -1, 0, 1, 0, 0, -1], [NUM_CLASSES, 6, 1, 1]);
	const opponent = g.op('Conv', [colours, second], { kernel_shape: [1, 1] });
	return g.op('Cast', [g.op('Greater', [opponent, g.constant([THRESHOLD])])], { to: 1 });
}

/**
 * [1, 4 * classes, size / 4, size / 4]: the outermost coloured pixel of each 4x4 cell, as a distance that grows to the
 * left, top, right and bottom (in this order), 0 without colour. One step of pooling takes in the blob's ragged edge.
 */
function outlines(g: OnnxGraph, mask: string, size: number): string {
	const rising = Array.from({ length: size }, (_, i) => i + 1);
	const falling = [...rising].reverse();
	const sides = [
		g.constant(falling, [1, 1, 1, size]),
		g.constant(falling, [1, 1, size, 1]),
		g.constant(rising, [1, 1, 1, size]),
		g.constant(rising, [1, 1, size, 1]),
	];
	const cells = sides.map((side) => g.op('MaxPool', [g.op('Mul', [mask, side])], { kernel_shape: [4, 4], strides: [4, 4] }));
	return g.op('Concat', cells, { axis: 1 });
}

/** Carries the outlines through the cells that the mask covers by more than half, 3x3 at a time. */
function spread(g: OnnxGraph, reach: string, mask: string, { cell, steps }: BlobLevel): string {
	const covered = g.op('AveragePool', [mask], { kernel_shape: [cell, cell], strides: [cell, cell] });
	const core = g.op('Cast', [g.op('Greater', [covered, g.constant([0.5])])], { to: 1 });
	const gate = g.op('Concat', [core, core, core, core], { axis: 1 });
	for (let step = 0; step < steps; step++) {
		reach = g.op('Mul', [gate, g.op('MaxPool', [reach], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })]);
	}
	return reach;
}

/** [1, 4 + classes, (size / stride)²]: box (cx, cy, w, h in pixels) and class scores of one level. */
function anchors(g: OnnxGraph, reach: string, mask: string, { stride, cell, steps, from, to }: BlobLevel, size: number): string {
	const grid = size / stride;
	// What the four cells around each anchor's centre know.
	const first = stride / cell / 2 - 1;
	const centred = first === 0 ? reach : g.op('Slice', [reach, g.integers([first, first]), g.integers([size, size]), g.integers([2, 3])]);
	const sampled = g.op('MaxPool', [centred], { kernel_shape: [2, 2], strides: [stride / cell, stride / cell] });
	const [left, top, right, bottom] = quarters(g, sampled);
	// Distances from the anchor's centre to the four sides; at least half a pixel, so that ratios stay finite.
	const middle = Array.from({ length: grid }, (_, i) => (i + 0.5) * stride);
	const x = g.constant(middle, [1, 1, 1, grid]);
	const y = g.constant(middle, [1, 1, grid, 1]);
	const opposite = (axis: string) => g.op('Sub', [g.constant([size]), axis]);
	const distance = (edge: string, axis: string) => g.op('Max', [g.op('Sub', [edge, axis]), g.constant([0.5])]);
	const l = distance(left, opposite(x));
	const t = distance(top, opposite(y));
	const r = distance(right, x);
	const b = distance(bottom, y);
	const width = g.op('Add', [l, r]);
	const height = g.op('Add', [t, b]);
	// A side further away than the pooling reached is not known: such anchors, and blobs of other levels, score 0.
	const known = below(g, g.op('Max', [l, t, r, b]), reachOf(cell, steps));
	const fits = g.op('Mul', [below(g, g.op('Max', [width, height]), to), above(g, g.op('Max', [width, height]), from)]);
	const centred2d = g.op('Mul', [ratio(g, l, r), ratio(g, t, b)]);
	const covered = g.op('AveragePool', [mask], { kernel_shape: [stride, stride], strides: [stride, stride] });
	const quality = g.op('Sqrt', [g.op('Mul', [centred2d, covered])]);
	const scores = g.op('Mul', [g.op('Mul', [quality, g.constant([0.98])]), g.op('Mul', [known, fits])]);
	// The box of the best class: others are multiplied away.
	const best = g.op('ReduceMax', [scores], { axes: [1], keepdims: 1 });
	const chosen = g.op('Cast', [g.op('Equal', [scores, best])], { to: 1 });
	const count = g.op('ReduceSum', [chosen, g.integers([1])], { keepdims: 1 });
	const pick = (values: string) => g.op('Div', [g.op('ReduceSum', [g.op('Mul', [values, chosen]), g.integers([1])], { keepdims: 1 }), count]);
	const centre = (axis: string, low: string, high: string) => g.op('Add', [axis, g.op('Mul', [g.op('Sub', [high, low]), g.constant([0.5 - PULL / 2])])]);
	const parts = [pick(centre(x, l, r)), pick(centre(y, t, b)), pick(width), pick(height), scores];
	return g.op('Reshape', [g.op('Concat', parts, { axis: 1 }), g.integers([1, 4 + NUM_CLASSES, grid * grid])]);
}

/** Pixels that pooling has surely covered when a level is read: all steps of this level and of those before it. */
function reachOf(cell: number, steps: number): number {
	const before = LEVELS.filter((level) => level.cell < cell).reduce((sum, level) => sum + level.cell * level.steps, 0);
	return before + cell * steps - cell;
}

/** Splits [1, 4 n, h, w] along its channels. */
function quarters(g: OnnxGraph, tensor: string): string[] {
	return [0, 1, 2, 3].map((i) => g.op('Slice', [tensor, g.integers([i * NUM_CLASSES]), g.integers([(i + 1) * NUM_CLASSES]), g.integers([1])]));
}

const below = (g: OnnxGraph, value: string, limit: number) => g.op('Cast', [g.op('Less', [value, g.constant([limit])])], { to: 1 });
const above = (g: OnnxGraph, value: string, limit: number) => g.op('Cast', [g.op('Greater', [value, g.constant([limit])])], { to: 1 });
const ratio = (g: OnnxGraph, a: string, b: string) => g.op('Div', [g.op('Min', [a, b]), g.op('Max', [a, b])]);
