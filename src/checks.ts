// The vocabulary of refusals: one way to say what was wrong, what was expected and what would help.
// Every check reads the caller's value once; nothing here knows what an option means.

import { show } from './errors.js';

/** The fields that every refused argument's error carries beside its text. */
export interface ArgumentFault {
	readonly code: 'INVALID_ARGUMENT';
	/** The argument or option at fault. */
	readonly argument: string;
	/** The rule it broke. */
	readonly limit: string;
	readonly value: unknown;
}

type ErrorKind = typeof TypeError | typeof RangeError;

/** Throws `<where>: <argument> <rule>; got <value>` and, in brackets, the remedy. TypeError for kinds, RangeError for values. */
export function refuse(Kind: ErrorKind, where: string, argument: string, rule: string, value: unknown, remedy = ''): never {
	const error = new Kind(`${where}: ${argument} ${rule}; got ${show(value)}${remedy && ` (${remedy})`}`);
	throw Object.assign(error, { code: 'INVALID_ARGUMENT', argument, limit: rule, value } satisfies ArgumentFault);
}

/** Throws a TypeError for the wrong kind, or a RangeError when the kind was right. */
export function refuseUnless(kindIsRight: boolean, where: string, argument: string, rule: string, value: unknown, remedy = ''): never {
	refuse(kindIsRight ? RangeError : TypeError, where, argument, rule, value, remedy);
}

/** Edits (insert, delete, replace, swap of neighbours) between two words, case ignored. */
function editDistance(from: string, to: string): number {
	const a = from.toLowerCase();
	const b = to.toLowerCase();
	let before: number[] = [];
	let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
	for (let i = 1; i <= a.length; i++) {
		const row = [i];
		for (let j = 1; j <= b.length; j++) {
			row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
			if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
		}
		before = previous;
		previous = row;
	}
	return previous[b.length];
}

/** The known word nearest to a mistyped one, or undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
	if (word.length > 60) return undefined;
	let best: string | undefined;
	let distance = Math.max(2, Math.floor(word.length / 3)) + 1;
	for (const candidate of known) {
		const d = editDistance(word, candidate);
		if (d < distance) [best, distance] = [candidate, d];
	}
	return best;
}

/**
 * Reads an options object once, own properties only, into a record without a prototype. Refuses unknown names, so that
 * a mistyped option is never ignored; a `__proto__` key from JSON is just one more unknown name.
 */
export function readOptions<const K extends string>(where: string, what: string, value: unknown, known: readonly K[]): Partial<Record<K, unknown>> {
	const options: Partial<Record<K, unknown>> = Object.create(null);
	if (value === undefined) return options;
	if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
		refuse(TypeError, where, what, 'must be an object', value);
	}
	for (const key of Object.keys(value)) {
		if (!(known as readonly string[]).includes(key)) {
			const near = nearest(key, known);
			refuse(TypeError, where, what, `may hold ${known.join(', ')}`, key, near ? `did you mean ${near}?` : '');
		}
		options[key as K] = (value as Record<K, unknown>)[key as K];
	}
	return options;
}

/** A number that is not NaN. */
export function checkNumber(where: string, argument: string, value: unknown): number {
	if (typeof value !== 'number' || Number.isNaN(value)) refuseUnless(typeof value === 'number', where, argument, 'must be a number', value);
	return value;
}

/** A number from 0 to 1; -0 becomes 0. A whole percentage is answered with the fraction. */
export function checkUnit(where: string, argument: string, value: unknown): number {
	if (typeof value === 'number' && value >= 0 && value <= 1) return value + 0;
	const percent = Number.isInteger(value) && (value as number) >= 2 && (value as number) <= 100;
	refuseUnless(typeof value === 'number', where, argument, 'must be 0 to 1', value, percent ? `did you mean ${(value as number) / 100}?` : '');
}

/** The count that stands for "no limit". */
export const NO_LIMIT = 0xffffffff;

/** A whole number from `least` to 2^32 - 1; Infinity is `NO_LIMIT`. */
export function checkCount(where: string, argument: string, value: unknown, least: 0 | 1): number {
	if (value === Infinity) return NO_LIMIT;
	if (Number.isInteger(value) && (value as number) >= least && (value as number) <= NO_LIMIT) return (value as number) + 0;
	const rule = `must be a ${least ? 'positive' : 'non-negative'} integer below 2^32, or Infinity for no limit`;
	refuseUnless(typeof value === 'number', where, argument, rule, value);
}

/** A whole number from `low` to `high`. */
export function checkInteger(where: string, argument: string, value: unknown, low: number, high: number): number {
	if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high) return (value as number) + 0;
	refuseUnless(typeof value === 'number', where, argument, `must be an integer from ${low} to ${high}`, value);
}

export function checkBoolean(where: string, argument: string, value: unknown): boolean {
	if (typeof value !== 'boolean') refuse(TypeError, where, argument, 'must be true or false', value);
	return value;
}

/** One of a list of words; the nearest is named. */
export function checkWord<const W extends string>(where: string, argument: string, value: unknown, words: readonly W[], remedy = ''): W {
	if ((words as readonly unknown[]).includes(value)) return value as W;
	const near = typeof value === 'string' ? nearest(value, words) : undefined;
	const rule = `must be ${words.map((w) => `'${w}'`).join(' or ')}`;
	refuseUnless(typeof value === 'string', where, argument, rule, value, near ? `did you mean '${near}'?` : remedy);
}

/** An object that has these methods: how values of other programs (devices, signals) are told, since they may come from another realm. */
export function checkMethods(where: string, argument: string, value: unknown, what: string, methods: readonly string[]): void {
	const has = (name: string) => typeof (value as Record<string, unknown>)[name] === 'function';
	if (typeof value !== 'object' || value === null || !methods.every(has)) refuse(TypeError, where, argument, `must be ${what}`, value);
}

/** Throws when a typed array's memory was transferred away; a length of 0 would hide it. */
export function checkAttached(where: string, argument: string, value: ArrayBufferView): void {
	if (value.byteLength > 0) return;
	try {
		new Uint8Array(value.buffer as ArrayBuffer);
	} catch (cause) {
		const error = new TypeError(`${where}: ${argument} must not be detached; its ArrayBuffer was transferred to another thread`, { cause });
		throw Object.assign(error, { code: 'INVALID_ARGUMENT', argument, limit: 'must not be detached', value });
	}
}

/** Throws unless `size` is [height, width], both positive and finite. */
export function checkSize(call: string, name: string, size: unknown): readonly [number, number] {
	if (!Array.isArray(size) || size.length !== 2) refuse(TypeError, call, name, 'must be [height, width]', size);
	size.forEach((s, i) => {
		if (typeof s !== 'number' || !(s > 0) || s === Infinity)
			refuse(RangeError, call, `${name}[${i}]`, `(${i ? 'width' : 'height'}) must be a positive number`, s);
	});
	return size as unknown as readonly [number, number];
}
