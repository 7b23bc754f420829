// Twin of shaders/soften.wgsl.ts: soft-NMS over the sorted list, all of it up to date after every detection; then header and rows.

import { decayedKey, type SoftRule } from '../boxes/decay.js';
import { overlapOf, PLAIN_OVERLAP } from '../boxes/overlap.js';
import { CANDIDATE, COUNTERS, type Params } from '../layout.js';
import { SCORE_MAPS } from '../plan.js';
import { candidateWord, listsOf, type Memory, stateOf, tieOrder } from './memory.js';
import { scoreKeyOf } from './score-keys.js';
import { writeHeader, writeRow } from './suppress.js';

/** One image. */
export function soften(memory: Memory, image: number, params: Params, soft: SoftRule, overlap = PLAIN_OVERLAP): void {
	const list = image * memory.capacity.slots;
	const { u32, f32 } = listsOf(memory);
	const { area, class_id, id, key } = CANDIDATE.words;
	const listed = stateOf(memory, list).counters[COUNTERS.listed];
	const rows = Array.from({ length: listed }, (_, i) => candidateWord(memory, list, i));
	const scoreKeys = Uint32Array.from(rows, (row) => {
		const isTooSmall = params.min_size > 0 && f32[row + area] < 0;
		return isTooSmall ? 0 : scoreKeyOf(u32[row + key], SCORE_MAPS[params.score_map]);
	});
	const isBetter = (i: number, j: number) => {
		if (scoreKeys[i] !== scoreKeys[j]) return scoreKeys[i] > scoreKeys[j];
		return tieOrder(params, u32[rows[i] + id]) < tieOrder(params, u32[rows[j] + id]);
	};
	let count = 0;
	while (count < params.max_detections) {
		let best = 0;
		for (let i = 1; i < listed; i++) if (isBetter(i, best)) best = i;
		if (listed === 0 || scoreKeys[best] === 0) break;
		memory.kept[image * memory.capacity.rows + count] = best;
		writeRow(memory, image, params, count, rows[best], scoreKeys[best]);
		count++;
		scoreKeys[best] = 0;
		for (let i = 0; i < listed; i++) {
			const [one, other] = [rows[best], rows[i]];
			if (scoreKeys[i] === 0 || (!params.class_agnostic && u32[one + class_id] !== u32[other + class_id])) continue;
			const shared = overlapOf(overlap, f32, one / 4, f32[one + area], f32, other / 4, f32[other + area]);
			const next = decayedKey(scoreKeys[i], shared, soft, params.iou_threshold, params.soft_scale);
			scoreKeys[i] = next !== scoreKeys[i] && next < params.min_score_key ? 0 : next;
		}
	}
	writeHeader(memory, image, params, count);
}
