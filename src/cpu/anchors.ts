// Heads whose scores need arithmetic, anchor by anchor: objectness times class, softmax. Cheap bounds pass over anchors
// and classes that surely fail; what is left is computed in float32 steps, as the shader does.

import { numScores, scoresAreClasses } from '../head-facts.js';
import { bitsToFloat, exp32, floatBits, flushProduct, isNaNBits, keyOfBits, logit, reciprocal32, scoreOfKey, sigmoid32 } from '../numbers.js';
import { bitsAt, cellOf, emit, isAllowed, type LevelScan, NAN_KEY, shapeOf, type View } from './candidates.js';

const round = Math.fround;

/**
 * Logits below this surely give a score under `least` when the score is `scale` times their sigmoid: float32 steps are
 * within 1e-5 of the real value (above -79, where sigmoid32 is not clamped), a tenth of the margin left here.
 */
function surelyBelow(least: number, scale: number): number {
	const limit = logit((0.9999 * least) / scale);
	return limit > -79 ? limit : -Infinity;
}

/** Whether score c of an anchor takes part; where it is not the class itself, `emit` looks at the class once it is known. */
function takesPart(scan: LevelScan, c: number): boolean {
	return !scoresAreClasses(scan.head) || isAllowed(scan, c);
}

/** YOLOv5 and its like: score = objectness x class, looked at only where objectness passes. */
export function scanObjectness(scan: LevelScan): void {
	const { level, head, w, classes } = scan;
	const classIsLogit = head.score.activation === 'sigmoid';
	w.hits.reserve(numScores(head));
	for (let a = 0; a < scan.numAnchors; a++) {
		const shape = shapeOf(level, a);
		const cell = cellOf(level, a);
		const factor = openFactor(scan, shape, cell);
		if (factor === undefined) continue;
		const place = classes.start + shape * classes.shape + cell * classes.cell;
		emit(scan, a, shape, cell, w.hits.classes, w.hits.keys, 0, products(scan, place, factor, classIsLogit));
	}
}

/** The second factor of an anchor's scores; undefined when none of them can pass. */
function openFactor({ extra, head, call, w }: LevelScan, shape: number, cell: number): number | undefined {
	const view = extra as View;
	const bits = bitsAt(view, view.start + shape * view.shape + cell * view.cell);
	if (isNaNBits(bits)) {
		w.rejected++;
		return undefined;
	}
	if (keyOfBits(bits >>> 0) < call.minObjectnessKey) return undefined;
	return head.score.objectness?.activation === 'sigmoid' ? sigmoid32(bitsToFloat(bits)) : flushProduct(bitsToFloat(bits));
}

/** The hits of one anchor, into `hits`; returns how many. */
function products(scan: LevelScan, place: number, factor: number, classIsLogit: boolean): number {
	const { call, classes, head, w } = scan;
	const { hits } = w;
	const least = scoreOfKey(call.minKey);
	const floor = classIsLogit && least > 0 && factor > 0 ? surelyBelow(least, factor) : -Infinity;
	let n = 0;
	for (let c = 0; c < numScores(head); c++) {
		if (!takesPart(scan, c)) continue;
		const value = bitsToFloat(bitsAt(classes, place + c * classes.channel));
		if (value < floor) continue;
		const bits = floatBits(flushProduct(round(factor * (classIsLogit ? sigmoid32(value) : flushProduct(value)))));
		const isNaN = value !== value || isNaNBits(bits);
		const key = isNaN ? NAN_KEY : keyOfBits(bits);
		if (!isNaN && key < call.minKey) continue;
		hits.classes[n] = c;
		hits.keys[n++] = key;
	}
	return n;
}

/** SSD and its like: softmax over all classes and the background. */
export function scanSoftmax(scan: LevelScan): void {
	const { level, call, head, w, classes } = scan;
	const { background } = head.score;
	const numChannels = numScores(head) + (background === 'none' ? 0 : 1);
	const first = background === 'first' ? 1 : 0;
	// A class this far below the largest logit cannot pass: against that one alone its score would be too small. The
	// sum cannot come out smaller than of these two, since adding never makes it smaller, rounded or not.
	const least = scoreOfKey(call.minKey);
	const floorOf = (factor: number) => (least > 0 && factor > 0 ? Math.min(0, surelyBelow(least, factor)) : -Infinity);
	const plainFloor = floorOf(1);
	w.hits.reserveTile(0, 0, numChannels);
	w.hits.reserve(numScores(head));
	for (let a = 0; a < scan.numAnchors; a++) {
		const shape = shapeOf(level, a);
		const cell = cellOf(level, a);
		const place = classes.start + shape * classes.shape + cell * classes.cell;
		const factor = head.score.objectness ? openFactor(scan, shape, cell) : 1;
		if (factor === undefined) continue;
		const floor = head.score.objectness ? floorOf(factor) : plainFloor;
		const largest = readLogits(scan, place, numChannels);
		if (largest !== largest) w.rejected++;
		else if (anyAbove(scan, first, largest === Infinity ? -Infinity : largest + floor)) {
			emit(scan, a, shape, cell, w.hits.classes, w.hits.keys, 0, softmaxHits(scan, numChannels, first, largest, factor));
		}
	}
}

/** Reads an anchor's logits into `hits.values`; returns the largest, or NaN when one is. */
function readLogits({ classes, w }: LevelScan, place: number, numChannels: number): number {
	const { values } = w.hits;
	let largest = Number.NEGATIVE_INFINITY;
	for (let c = 0; c < numChannels; c++) {
		const value = bitsToFloat(bitsAt(classes, place + c * classes.channel));
		if (value !== value) return value;
		values[c] = value;
		if (value > largest) largest = value;
	}
	return largest;
}

function anyAbove(scan: LevelScan, first: number, floor: number): boolean {
	const { values } = scan.w.hits;
	for (let c = 0; c < numScores(scan.head); c++) {
		if (values[first + c] >= floor && takesPart(scan, c)) return true;
	}
	return false;
}

function softmaxHits(scan: LevelScan, numChannels: number, first: number, largest: number, factor: number): number {
	const { hits } = scan.w;
	const { values } = hits;
	let sum = 0;
	for (let c = 0; c < numChannels; c++) {
		values[c] = exp32(round(values[c] - largest));
		sum = round(sum + values[c]);
	}
	const scale = reciprocal32(sum);
	let n = 0;
	for (let c = 0; c < numScores(scan.head); c++) {
		if (!takesPart(scan, c)) continue;
		const score = flushProduct(round(values[first + c] * scale));
		// a factor of 1 changes nothing
		const bits = floatBits(flushProduct(round(factor * score)));
		const key = isNaNBits(bits) ? NAN_KEY : keyOfBits(bits);
		if (key !== NAN_KEY && key < scan.call.minKey) continue;
		hits.classes[n] = c;
		hits.keys[n++] = key;
	}
	return n;
}
