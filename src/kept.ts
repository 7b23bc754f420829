// From the words of a result (header and rows per image, see layout.ts) to arrays: what both the GPU and the twins wrote.

import { HEADER, HEADER_WORDS, ROW, ROW_WORDS } from './layout.js';
import type { Kept } from './pipeline.js';

/** Words of one image's result with room for `rows` rows. */
export function resultWords(rows: number): number {
	return HEADER_WORDS + rows * ROW_WORDS;
}

/** The result whose header is at word `header` and whose rows begin at word `rows`. */
export function readKept(u32: Uint32Array, f32: Float32Array, header: number, rows: number): Kept {
	const count = u32[header + HEADER.words.count];
	const kept: Kept = {
		count,
		boxes: new Float32Array(count * 4),
		keys: new Uint32Array(count),
		classIds: new Uint32Array(count),
		indices: new Uint32Array(count),
		numCandidates: u32[header + HEADER.words.num_candidates],
		truncated: u32[header + HEADER.words.truncated],
		rejected: u32[header + HEADER.words.rejected],
		bytesRead: 0,
	};
	for (let i = 0; i < count; i++) {
		const at = rows + i * ROW_WORDS;
		kept.boxes.set(f32.subarray(at, at + 4), i * 4);
		kept.keys[i] = u32[at + ROW.words.key];
		kept.classIds[i] = u32[at + ROW.words.class_id];
		kept.indices[i] = u32[at + ROW.words.index];
	}
	return kept;
}
