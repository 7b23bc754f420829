// How much IoU with an anchor, corners aligned, is possible within bounds of sizes, and how much is certain. Over one side, with the other
// fixed, the IoU rises up to the anchor's and falls from there on: so it is highest at the size nearest to the anchor, and least in a corner.

/** Bounds are made in double precision; the float32 steps of `shapeIou` are off by less than this. */
const MARGIN = 2 ** -20;

/** No size within bounds[8 i ...] (least and most width, least and most height) has more. */
export function mostIou(bounds: Float32Array, i: number, width: number, height: number): number {
	const b = 8 * i;
	const nearWidth = width < bounds[b] ? bounds[b] : width > bounds[b + 1] ? bounds[b + 1] : width;
	const nearHeight = height < bounds[b + 2] ? bounds[b + 2] : height > bounds[b + 3] ? bounds[b + 3] : height;
	return plainIou(nearWidth, nearHeight, width, height) * (1 + MARGIN);
}

/** No size within the bounds has less. */
export function leastIou(bounds: Float32Array, i: number, width: number, height: number): number {
	const b = 8 * i;
	const narrow = Math.min(plainIou(bounds[b], bounds[b + 2], width, height), plainIou(bounds[b], bounds[b + 3], width, height));
	const wide = Math.min(plainIou(bounds[b + 1], bounds[b + 2], width, height), plainIou(bounds[b + 1], bounds[b + 3], width, height));
	return Math.min(narrow, wide) * (1 - MARGIN);
}

function plainIou(width: number, height: number, otherWidth: number, otherHeight: number): number {
	const intersection = Math.min(width, otherWidth) * Math.min(height, otherHeight);
	return intersection / (width * height + otherWidth * otherHeight - intersection);
}
