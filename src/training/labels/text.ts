// Bytes to text and text to numbers, strictly: what is not UTF-8, or not a decimal number, is said to be so.

import { FileFault } from './labels.js';

/** Text of bytes in UTF-8. Throws a FileFault for other encodings, broken bytes and NUL characters. */
export function decodeText(bytes: Uint8Array): string {
	if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) throw new FileFault('is UTF-16, not UTF-8; save it as UTF-8');
	let text: string;
	try {
		text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		throw new FileFault('is not UTF-8', lineOf(bytes, firstBadByte(bytes)));
	}
	const nul = bytes.indexOf(0);
	if (nul >= 0) throw new FileFault('holds a NUL character; it is not a text file', lineOf(bytes, nul));
	return text;
}

/** Where the first sequence begins that is not UTF-8: halves the part that decodes. */
function firstBadByte(bytes: Uint8Array): number {
	let good = 0;
	let bad = bytes.length;
	while (bad - good > 1) {
		const middle = (good + bad) >> 1;
		try {
			new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
			good = middle;
		} catch {
			bad = middle;
		}
	}
	return good;
}

/** The line of a byte, from 1. */
function lineOf(bytes: Uint8Array, offset: number): number {
	let line = 1;
	for (let i = 0; i < offset; i++) if (bytes[i] === 10) line++;
	return line;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A decimal number, or NaN: no hexadecimal, no empty text, no Infinity. */
export function toNumber(text: string): number {
	return DECIMAL.test(text) ? Number(text) : NaN;
}
