// Rows for a kernel: one that stands for many boxes is given several times with a part of them each, so that integer sums of a chunk of
// rows fit into 32 bits.

/** Which row each entry is, and its boxes, at most `most`. */
export function splitHeavy(counts: Float64Array, most: number): { rowOf: Uint32Array; counts: Uint32Array } {
	let length = 0;
	for (const count of counts) length += Math.ceil(count / most);
	const rowOf = new Uint32Array(length);
	const parts = new Uint32Array(length);
	let at = 0;
	counts.forEach((count, row) => {
		for (let left = count; left > 0; left -= most) {
			rowOf[at] = row;
			parts[at++] = Math.min(most, left);
		}
	});
	return { rowOf, counts: parts };
}
