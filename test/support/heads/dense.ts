// What the decoders of dense heads share, in float64 and plain loops: every anchor of every level, where its numbers
// stand in maps or lists, the deltas of R-CNN, clipping, and the best few of a level.

import type { OracleCandidate } from './oracle.js';

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** The limit of size deltas in all of R-CNN's descendants. */
export const MOST_DELTA = Math.log(1000 / 16);

/** Which tensor order a case uses. */
export type Order = 'first' | 'last' | 'list';

/** A dense head as its decoder sees it. */
export interface DenseShape {
	/** [height, width]. */
	readonly input: readonly [number, number];
	readonly strides: readonly number[];
	readonly shapes: number;
	/** Channels of each kind of tensor, in the head's order. */
	readonly channels: readonly number[];
	readonly order: Order;
}

/** One anchor, and a way to its numbers. */
export interface Place {
	readonly anchor: number;
	readonly level: number;
	readonly stride: number;
	readonly grid: readonly [number, number];
	readonly y: number;
	readonly x: number;
	readonly shape: number;
	readonly read: (kind: number, channel: number) => number;
}

/** Grids by counting cells until the input is covered. */
export function gridsOf({ input, strides }: DenseShape): [number, number][] {
	const cells = (side: number, stride: number) => {
		let n = 0;
		while (n * stride < side) n++;
		return n;
	};
	return strides.map((stride) => [cells(input[0], stride), cells(input[1], stride)]);
}

/** Dims of every tensor, with the batch axis. */
export function dimsOf(shape: DenseShape): number[][] {
	const grids = gridsOf(shape);
	if (shape.order === 'list') {
		const total = grids.reduce((sum, [h, w]) => sum + h * w * shape.shapes, 0);
		return shape.channels.map((c) => [1, total, c]);
	}
	return shape.channels.flatMap((c) => grids.map(([h, w]) => (shape.order === 'first' ? [1, c * shape.shapes, h, w] : [1, h, w, c * shape.shapes])));
}

/** Every anchor by level, y, x, shape. */
export function places(shape: DenseShape, tensors: readonly Float32Array[]): Place[] {
	const list: Place[] = [];
	const { strides, shapes, channels, order } = shape;
	gridsOf(shape).forEach((grid, level) => {
		const [h, w] = grid;
		for (let y = 0; y < h; y++) {
			for (let x = 0; x < w; x++) {
				for (let s = 0; s < shapes; s++) {
					const anchor = list.length;
					const read = (kind: number, c: number) => {
						if (order === 'list') return tensors[kind][anchor * channels[kind] + c];
						const map = tensors[kind * strides.length + level];
						const channel = s * channels[kind] + c;
						return order === 'first' ? map[(channel * h + y) * w + x] : map[(y * w + x) * shapes * channels[kind] + channel];
					};
					list.push({ anchor, level, stride: strides[level], grid, y, x, shape: s, read });
				}
			}
		}
	});
	return list;
}

export type Box = [number, number, number, number];

/** Centre and size to corners. */
export function corners(x: number, y: number, w: number, h: number): Box {
	return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
}

/** The deltas x, y, w, h of an anchor given by its corners; size deltas within [low, high]. */
export function undelta(anchor: Box, d: readonly number[], low = Number.NEGATIVE_INFINITY, high = MOST_DELTA): Box {
	const [w, h] = [anchor[2] - anchor[0], anchor[3] - anchor[1]];
	const grow = (t: number) => Math.exp(Math.max(low, Math.min(high, t)));
	return corners((anchor[0] + anchor[2]) / 2 + d[0] * w, (anchor[1] + anchor[3]) / 2 + d[1] * h, w * grow(d[2]), h * grow(d[3]));
}

/** Corners within [0, height] and [0, width]. */
export function clipped(box: Box, [height, width]: readonly [number, number]): Box {
	return box.map((v, i) => Math.min(Math.max(v, 0), i % 2 ? height : width)) as Box;
}

/** The best `count` candidates of each level; empty ones (or those below `minSize`) go afterwards. */
export function bestOfLevels(all: readonly OracleCandidate[], levelOf: (c: OracleCandidate) => number, count: number, minSize?: number): OracleCandidate[] {
	const numLevels = Math.max(...all.map(levelOf)) + 1;
	const chosen = Array.from({ length: numLevels }, (_, level) =>
		all
			.filter((c) => levelOf(c) === level)
			.sort((a, b) => b.score - a.score)
			.slice(0, count),
	).flat();
	return chosen.filter(({ box }) => minSize === undefined || (box[2] - box[0] >= minSize && box[3] - box[1] >= minSize));
}

/** Half to even, as torch rounds. */
export function roundEven(x: number): number {
	const low = Math.floor(x);
	if (x - low !== 0.5) return Math.round(x);
	return low % 2 === 0 ? low : low + 1;
}
