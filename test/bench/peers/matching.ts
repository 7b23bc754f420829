// Matching as tutorials write it, in the words of numpy: boxes as arrays of four, the whole matrix of IoUs, then its largest
// entries row by row and column by column.

/** Labels [A] (1, 0, -1) and the ground truth of each positive (-1 for others). */
export interface PlainMatches {
	readonly labels: number[];
	readonly matches: number[];
}

function iou(a: readonly number[], b: readonly number[]): number {
	const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
	const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
	const both = width * height;
	const areaA = (a[2] - a[0]) * (a[3] - a[1]);
	const areaB = (b[2] - b[0]) * (b[3] - b[1]);
	return both / (areaA + areaB - both);
}

const argmax = (values: readonly number[]) => values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

/** The rule of Faster R-CNN: below `negative`, above `positive`, then the best anchors of every ground truth that reach `minPositive`. */
export function plainMatch(
	anchors: readonly (readonly number[])[],
	groundTruths: readonly (readonly number[])[],
	positive: number,
	negative: number,
	minPositive: number,
): PlainMatches {
	const overlaps = anchors.map((anchor) => groundTruths.map((box) => iou(anchor, box)));
	const labels: number[] = Array(anchors.length).fill(-1);
	const matches: number[] = Array(anchors.length).fill(-1);
	overlaps.forEach((row, a) => {
		const best = argmax(row);
		if (row[best] < negative) labels[a] = 0;
		if (row[best] >= positive) {
			labels[a] = 1;
			matches[a] = best;
		}
	});
	groundTruths.forEach((_, g) => {
		const column = overlaps.map((row) => row[g]);
		const best = column[argmax(column)];
		if (best < minPositive) return;
		column.forEach((value, a) => {
			if (value !== best) return;
			labels[a] = 1;
			matches[a] = g;
		});
	});
	return { labels, matches };
}
