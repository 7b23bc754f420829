// From the words of a result (header and rows per image, see layout.ts) to arrays: what both the GPU and the twins wrote.

import { extrasOf } from './head-facts.js';
import type { Head } from './heads/head.js';
import { HEADER, HEADER_WORDS, ROW, ROW_WORDS } from './layout.js';
import type { Kept } from './pipeline.js';
import { rowWords } from './plan.js';

/** Words of one image's result with room for `rows` rows of this head. */
export function resultWords(rows: number, head: Head): number {
	return HEADER_WORDS + rows * rowWords(head);
}

/** The result whose header is at word `header`. */
export function readKept(u32: Uint32Array, f32: Float32Array, header: number, head: Head): Kept {
	const count = u32[header + HEADER.words.count];
	const { total } = extrasOf(head);
	const step = rowWords(head);
	const kept: Kept = {
		count,
		boxes: new Float32Array(count * 4),
		keys: new Uint32Array(count),
		classIds: new Uint32Array(count),
		indices: new Uint32Array(count),
		...(total > 0 && { extras: new Float32Array(count * total) }),
		numCandidates: u32[header + HEADER.words.num_candidates],
		truncated: u32[header + HEADER.words.truncated],
		rejected: u32[header + HEADER.words.rejected],
		bytesRead: 0,
	};
	for (let i = 0; i < count; i++) {
		const at = header + HEADER_WORDS + i * step;
		for (let c = 0; c < 4; c++) kept.boxes[i * 4 + c] = f32[at + c];
		kept.keys[i] = u32[at + ROW.words.key];
		kept.classIds[i] = u32[at + ROW.words.class_id];
		kept.indices[i] = u32[at + ROW.words.index];
		kept.extras?.set(f32.subarray(at + ROW_WORDS, at + ROW_WORDS + total), i * total);
	}
	return kept;
}
