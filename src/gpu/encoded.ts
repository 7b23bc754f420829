// Where in the buffer of encode() the results stand, in bytes and as WGSL: the words of layout.ts with what a head's rows carry behind them.

import { extrasOf } from '../head-facts.js';
import type { Head } from '../heads/head.js';
import { resultWords } from '../kept.js';
import { HEADER, HEADER_WORDS, ROW, ROW_WORDS } from '../layout.js';
import type { EncodedLayout } from '../pipeline.js';
import type { Capacity } from '../plan.js';

/** The layout of the results of `batch` images of a head, in a buffer of this capacity. */
export function encodedLayout(head: Head, { rows, rowWords }: Capacity, batch: number): EncodedLayout {
	return {
		numImages: batch,
		imageStride: resultWords(rows, head) * 4,
		rowOffset: HEADER_WORDS * 4,
		rowStride: rowWords * 4,
		maxRows: rows,
		header: byteOffsets(HEADER.words),
		row: byteOffsets({ ...ROW.words, ...extraWords(head) }),
		wgsl: `${HEADER.wgsl}\n${rowWgsl(head)}`,
	};
}

/** Byte offsets from word offsets. */
function byteOffsets(words: Readonly<Record<string, number>>): Record<string, number> {
	return Object.fromEntries(Object.entries(words).map(([name, word]) => [name, word * 4]));
}

/** Where a row's angle, keypoints and mask coefficients begin, by word. */
function extraWords(head: Head): Record<string, number> {
	const { angle, keypoints, masks } = extrasOf(head);
	const at = ROW_WORDS + angle;
	return { ...(angle && { angle: ROW_WORDS }), ...(keypoints && { keypoints: at }), ...(masks && { mask_coefficients: at + keypoints }) };
}

/** `struct Row` with what stands behind it. */
function rowWgsl(head: Head): string {
	const { angle, keypoints, masks } = extrasOf(head);
	const fields = [
		angle ? '  angle: f32,\n' : '',
		keypoints ? `  keypoints: array<f32, ${keypoints}>,\n` : '',
		masks ? `  mask_coefficients: array<f32, ${masks}>,\n` : '',
	];
	return ROW.wgsl.replace(/\}$/, `${fields.join('')}}`);
}
