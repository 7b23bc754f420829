// What the losses of whole networks share: their answer, and the reading of predictions and targets of one picture or of a batch. They are
// put together from the losses next door, on flat arrays: float32, sums in the order of a tree.

import { refuse } from '../../../checks.js';
import type { EncodedTargets } from '../../targets/encode.js';
import { product } from '../arithmetic.js';
import { checkNumbers, type Loss } from '../loss.js';

/** The loss of a network, of what it is the sum, and its gradients by the predictions, in their layout. */
export interface CombinedLoss<Part extends string, Gradients> {
	readonly loss: number;
	/** They add up to `loss`. */
	readonly parts: Readonly<Record<Part, number>>;
	readonly gradients: Gradients;
	/** Positives of the whole batch. */
	readonly numPositives: number;
}

/** The sum of the parts beside them. */
export function withSum<Part extends string>(parts: Record<Part, number>): { loss: number; parts: Record<Part, number> } {
	let loss = 0;
	for (const part of Object.values<number>(parts)) loss = Math.fround(loss + part);
	return { loss, parts };
}

/** Targets of one picture, or of several: a list, and the name of each for errors. */
export function readBatch<T>(where: string, value: T | readonly T[]): { name: string; targets: T }[] {
	if (!Array.isArray(value)) return [{ name: 'targets', targets: value as T }];
	if (value.length === 0) refuse(RangeError, where, 'targets', 'must hold the targets of a picture', value);
	return value.map((targets, i) => ({ name: `targets[${i}]`, targets }));
}

/** Finite numbers, as many as `count`, which `shape` explains. */
export function readPredictions(where: string, argument: string, value: unknown, count: number, shape: string): Float32Array {
	const numbers = checkNumbers(where, argument, value);
	if (numbers.length !== count) refuse(RangeError, where, argument, `must have ${count} entries, ${shape}`, numbers.length);
	return numbers;
}

/** What of `EncodedTargets` is needed; `classes` by those who have some. */
export type EncodedTargetsLike = Pick<EncodedTargets, 'labels' | 'offsets' | 'boxWeights' | 'classes'>;

/** The targets of a batch behind one another. */
export interface EncodedBatch {
	readonly numImages: number;
	readonly labels: Int32Array;
	/** [N, 4] */
	readonly offsets: Float32Array;
	/** [N] 0 but for positives. */
	readonly boxWeights: Float32Array;
	/** [N] empty where they are not asked for. */
	readonly classes: Int32Array;
	/** The rows of each picture. */
	readonly images: readonly { readonly first: number; readonly end: number; readonly numPositives: number }[];
	readonly numPositives: number;
}

/** Reads what `encodeTargets` made for each picture. */
export function readEncoded(where: string, value: EncodedTargetsLike | readonly EncodedTargetsLike[], withClasses: boolean): EncodedBatch {
	const batch = readBatch(where, value);
	let end = 0;
	const images = batch.map(({ name, targets }) => {
		const { labels, offsets, boxWeights, classes } = (targets ?? {}) as Partial<EncodedTargetsLike>;
		checkList(where, `${name}.labels`, labels, 'Int32Array');
		const count = (labels as Int32Array).length;
		checkList(where, `${name}.offsets`, offsets, 'Float32Array', count * 4);
		checkList(where, `${name}.boxWeights`, boxWeights, 'Float32Array', count);
		if (withClasses) checkList(where, `${name}.classes`, classes, 'Int32Array', count, 'give encodeTargets classIds');
		end += count;
		return { first: end - count, end, numPositives: (labels as Int32Array).filter((label) => label > 0).length };
	});
	const labels = joined(
		batch.map(({ targets }) => targets.labels),
		Int32Array,
	);
	const weights = joined(
		batch.map(({ targets }) => targets.boxWeights),
		Float32Array,
	);
	return {
		...{ numImages: batch.length, labels, images },
		offsets: joined(
			batch.map(({ targets }) => targets.offsets),
			Float32Array,
		),
		boxWeights: weights.map((weight, a) => (labels[a] > 0 ? weight : 0)),
		classes: withClasses
			? joined(
					batch.map(({ targets }) => targets.classes as Int32Array),
					Int32Array,
				)
			: new Int32Array(0),
		numPositives: images.reduce((sum, image) => sum + image.numPositives, 0),
	};
}

/** Throws unless `value` is a typed array of that kind, and of that length where it is given. */
export function checkList(where: string, argument: string, value: unknown, kind: string, length?: number, remedy = ''): void {
	if (Object.prototype.toString.call(value) !== `[object ${kind}]`)
		refuse(TypeError, where, argument, `must be a ${kind}`.replace('a I', 'an I'), value, remedy);
	const got = (value as Float32Array).length;
	if (length !== undefined && got !== length) refuse(RangeError, where, argument, `must have ${length} entries`, got);
}

/** Arrays behind one another. */
export function joined<T extends Int32Array | Float32Array | Uint32Array>(lists: readonly T[], Kind: new (length: number) => T): T {
	if (lists.length === 1) return lists[0];
	const out = new Kind(lists.reduce((sum, list) => sum + list.length, 0));
	let at = 0;
	for (const list of lists) {
		out.set(list, at);
		at += list.length;
	}
	return out;
}

/** Each number so many times. */
export function repeated(values: Float32Array, times: number): Float32Array {
	const out = new Float32Array(values.length * times);
	for (let i = 0; i < values.length; i++) out.fill(values[i], i * times, (i + 1) * times);
	return out;
}

/** A loss and its gradients times a factor. */
export function scaled({ loss, losses, gradients }: Loss, factor: number): Loss {
	const by = Math.fround(factor);
	return { loss: product(loss, by), losses, gradients: gradients.map((g) => product(g, by)) };
}

/** `width` numbers of each listed row, from `column` on, of rows of `step` numbers. */
export function gather(rows: Float32Array, step: number, list: Uint32Array, column: number, width: number): Float32Array {
	const out = new Float32Array(list.length * width);
	for (let i = 0; i < list.length; i++) for (let c = 0; c < width; c++) out[i * width + c] = rows[list[i] * step + column + c];
	return out;
}

/** Adds gathered numbers to the rows they are from; a row may be listed twice. */
export function scatter(rows: Float32Array, step: number, list: Uint32Array, column: number, width: number, values: Float32Array): void {
	for (let i = 0; i < list.length; i++) for (let c = 0; c < width; c++) rows[list[i] * step + column + c] += values[i * width + c];
}
