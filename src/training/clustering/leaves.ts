// Rows of sizes in small leaves of like sizes, with their bounds: which anchors can be the best for any row of a leaf is mostly one, so
// what is asked of every row can be answered for the leaf. scorer.ts scores mutants so, assign-leaves.ts assigns points to centres.
//
//        height                       strips of like widths, each cut into leaves of like heights;
//          │ ┌──┬────┬──┐             eight leaves of a strip in a row make a block
//          │ ├──┤    ├──┤
//          │ ├──┼────┤  │
//          │ └──┴────┴──┘ width

import { reciprocals } from './metric.js';
import { type SizeRows, sortByValue } from './sizes.js';

/** Rows of a leaf, and leaves of a block: measured best on 100,000 sizes. */
const LEAF = 32;
const BLOCK = 8;

/** Sizes in the order of the leaves. Leaf l has the rows from l * LEAF on. */
export interface Leaves {
	readonly numLeaves: number;
	/** The row at each place. */
	readonly order: Uint32Array;
	readonly widths: Float32Array;
	readonly heights: Float32Array;
	/** 1 / widths and 1 / heights. */
	readonly inWidths: Float32Array;
	readonly inHeights: Float32Array;
	readonly counts: Float64Array;
	/** Boxes of a leaf. */
	readonly leafCounts: Float64Array;
	/** [leaves, 8] least and most width, least and most height, then the reciprocals of the four. */
	readonly bounds: Float32Array;
	/** As `bounds`, of blocks. */
	readonly blockBounds: Float32Array;
	/** [leaves, 4] sums over the boxes of width, 1 / width, height, 1 / height: near enough, for bounds. */
	readonly sums: Float64Array;
	readonly leafSize: number;
	readonly blockSize: number;
}

/** Cuts rows, which are sorted by width, into leaves. */
export function makeLeaves({ widths, heights, counts }: Pick<SizeRows, 'widths' | 'heights' | 'counts'>): Leaves {
	const order = tileOrder(widths, heights);
	const take = <T extends Float32Array | Float64Array>(from: T) => from.map((_, i) => from[order[i]]) as T;
	const [w, h, c] = [take(widths), take(heights), take(counts)];
	const [inWidths, inHeights] = [reciprocals(w), reciprocals(h)];
	const numRows = order.length;
	const numLeaves = Math.ceil(numRows / LEAF);
	const bounds = new Float32Array(8 * numLeaves);
	const sums = new Float64Array(4 * numLeaves);
	const leafCounts = new Float64Array(numLeaves);
	for (let leaf = 0; leaf < numLeaves; leaf++) {
		const begin = leaf * LEAF;
		const end = Math.min(numRows, begin + LEAF);
		setBounds(bounds, leaf, w.subarray(begin, end), h.subarray(begin, end));
		for (let i = begin; i < end; i++) {
			leafCounts[leaf] += c[i];
			sums[4 * leaf] += w[i] * c[i];
			sums[4 * leaf + 1] += inWidths[i] * c[i];
			sums[4 * leaf + 2] += h[i] * c[i];
			sums[4 * leaf + 3] += inHeights[i] * c[i];
		}
	}
	const numBlocks = Math.ceil(numLeaves / BLOCK);
	const blockBounds = new Float32Array(8 * numBlocks);
	for (let block = 0; block < numBlocks; block++) {
		const begin = block * BLOCK * LEAF;
		const end = Math.min(numRows, begin + BLOCK * LEAF);
		setBounds(blockBounds, block, w.subarray(begin, end), h.subarray(begin, end));
	}
	const rows = { widths: w, heights: h, inWidths, inHeights, counts: c };
	return { ...rows, order, numLeaves, leafCounts, bounds, blockBounds, sums, leafSize: LEAF, blockSize: BLOCK };
}

/** Rows sorted by width come out in strips of blocks, each strip sorted by height. */
function tileOrder(widths: Float32Array, heights: Float32Array): Uint32Array {
	const numRows = widths.length;
	const order = Uint32Array.from(widths.keys());
	const unit = LEAF * BLOCK;
	const strip = unit * Math.max(1, Math.round(Math.sqrt(numRows / LEAF) / BLOCK));
	for (let begin = 0; begin < numRows; begin += strip) {
		order.set(sortByValue(order.subarray(begin, begin + strip), heights), begin);
	}
	return order;
}

function setBounds(bounds: Float32Array, i: number, widths: Float32Array, heights: Float32Array): void {
	const least = [Infinity, Infinity];
	const most = [0, 0];
	[widths, heights].forEach((sides, axis) => {
		for (const side of sides) {
			if (side < least[axis]) least[axis] = side;
			if (side > most[axis]) most[axis] = side;
		}
	});
	const four = [least[0], most[0], least[1], most[1]];
	bounds.set([...four, ...four.map((side) => 1 / side)], 8 * i);
}
