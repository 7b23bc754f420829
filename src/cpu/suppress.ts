// Twin of shaders/suppress.wgsl.ts (and of overlaps + sweep): greedy over the sorted list, then header and rows.

import { PLAIN_OVERLAP } from '../boxes/overlap.js';
import { overlapsBy } from '../boxes/rotated.js';
import { CANDIDATE, COUNTERS, HEADER, HEADER_WORDS, type Params, ROW, ROW_WORDS } from '../layout.js';
import { scoreOfKey, sigmoid32 } from '../numbers.js';
import { candidateWord, listsOf, type Memory, outputWord, stateOf } from './memory.js';

const round = Math.fround;

/** One image of the `suppress` stage. */
export function suppress(memory: Memory, image: number, params: Params, overlap = PLAIN_OVERLAP): void {
	const { slots } = memory.capacity;
	const list = image * slots;
	const { counters } = stateOf(memory, list);
	const { u32, f32 } = listsOf(memory);
	const { area, class_id } = CANDIDATE.words;
	const kept = memory.kept.subarray(image * memory.capacity.rows, (image + 1) * memory.capacity.rows);
	let count = 0;
	for (let i = 0; i < counters[COUNTERS.listed] && count < params.max_detections; i++) {
		const row = candidateWord(memory, list, i);
		let alive = !(params.min_size > 0 && f32[row + area] < 0);
		const numBefore = overlap.fast ? i : count;
		for (let k = 0; alive && k < numBefore && params.suppression; k++) {
			const other = candidateWord(memory, list, overlap.fast ? k : kept[k]);
			if (!params.class_agnostic && u32[other + class_id] !== u32[row + class_id]) continue;
			alive = !overlapsBy(overlap, f32, other / 4, f32[other + area], f32, row / 4, f32[row + area], params.iou_threshold);
		}
		if (!alive) continue;
		kept[count] = i;
		writeRow(memory, image, params, count, row);
		count++;
	}
	writeHeader(memory, image, params, count);
}

/** The header of an image's result, and the count among its counters. */
export function writeHeader(memory: Memory, image: number, params: Params, count: number): void {
	const { slots } = memory.capacity;
	const list = image * slots;
	const { counters } = stateOf(memory, list);
	counters[COUNTERS.kept] = count;
	const header = outputWord(memory, image);
	const out = memory.output.u32;
	out[header + HEADER.words.count] = count;
	const sum = (counter: number) => Array.from({ length: slots }, (_, slot) => stateOf(memory, list + slot).counters[counter]).reduce((a, b) => a + b);
	out[header + HEADER.words.num_candidates] = sum(COUNTERS.passed);
	out[header + HEADER.words.truncated] = sum(COUNTERS.passed) - counters[COUNTERS.listed];
	out[header + HEADER.words.rejected] = sum(COUNTERS.rejected);
	out[header + HEADER.words.serial] = params.serial;
}

function scoreOf(params: Params, key: number): number {
	const score = scoreOfKey(key);
	return params.score_map === 1 ? sigmoid32(score) : params.score_map === 2 ? Math.sqrt(Math.max(0, score)) : score;
}

/** The candidate row at word `row` as a row of the result; with a score of its own where that has decayed. */
export function writeRow(memory: Memory, image: number, params: Params, place: number, row: number, decayed?: number): void {
	const { u32, f32 } = listsOf(memory);
	const at = outputWord(memory, image) + HEADER_WORDS + place * memory.capacity.rowWords;
	const out = memory.output;
	const key = decayed ?? u32[row + CANDIDATE.words.key];
	const id = u32[row + CANDIDATE.words.id];
	for (let c = 0; c < 4; c++) out.f32[at + c] = toFrame(params, f32[row + c], c);
	out.f32[at + ROW.words.score] = decayed === undefined ? scoreOf(params, key) : scoreOfKey(key);
	if (params.rotated) out.f32[at + ROW_WORDS] = f32[row + CANDIDATE.words.area];
	out.u32[at + ROW.words.class_id] = u32[row + CANDIDATE.words.class_id];
	out.u32[at + ROW.words.index] = params.multi_label ? Math.floor(id / params.num_classes) : id;
	out.u32[at + ROW.words.key] = key;
}

/** Coordinate c (0 x1, 1 y1, 2 x2, 3 y2) in frame pixels, clipped; unchanged without a transform. */
function toFrame(params: Params, x: number, c: number): number {
	if (!params.transform) return x;
	const horizontal = c % 2 === 0;
	const size = horizontal ? params.frame_width : params.frame_height;
	const y = round(round(x - (horizontal ? params.pad_x : params.pad_y)) / (horizontal ? params.gain_x : params.gain_y));
	return params.transform === 2 || params.rotated ? y : Math.max(0, Math.min(size, y));
}
