// A sum in an order that depends on nothing but the number of terms, so that every device gets the same bits: a tree over
// blocks of 256, then over their sums, until one is left. Twin: shaders/training/sum.wgsl.ts.

/** Terms per block. */
export const SUM_BLOCK = 256;

/**
 * The sum in float32. In a block, missing terms being 0, the second half is added to the first, 128 wide, then 64, ..., then 1; the blocks'
 * sums are summed likewise. The error grows with the logarithm of the number of terms. 0 for none.
 */
export function treeSum(values: Float32Array): number {
	const block = new Float32Array(SUM_BLOCK);
	let level = values;
	do {
		const sums = new Float32Array(Math.ceil(level.length / SUM_BLOCK));
		for (let b = 0; b < sums.length; b++) {
			block.fill(0);
			block.set(level.subarray(b * SUM_BLOCK, (b + 1) * SUM_BLOCK));
			for (let step = SUM_BLOCK / 2; step >= 1; step /= 2) {
				for (let i = 0; i < step; i++) block[i] += block[i + step]; // rounded when it is stored
			}
			sums[b] = block[0];
		}
		level = sums;
	} while (level.length > 1);
	return level.length ? level[0] : 0;
}
