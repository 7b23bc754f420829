// Twin of shaders/rank.wgsl.ts: a candidate's place in its bin is the number of the bin's members that come before it.

import { CANDIDATE, COUNTERS, type Params, ROW_WORDS } from '../layout.js';
import { binOf } from './bins.js';
import { candidateWord, comesBefore, type Memory, stateOf } from './memory.js';

/** One slot of the `rank` stage, which for the twin is one step: bins are sorted, heavy ones like light ones. */
export function rank(memory: Memory, slot: number, params: Params): void {
	const { counters, starts, cursors } = stateOf(memory, slot);
	const rows = memory.binned.u32;
	const numRows = Math.min(counters[COUNTERS.appended], counters[COUNTERS.binned]);
	for (let i = 0; i < numRows; ) {
		const row = candidateWord(memory, slot, i);
		const bin = binOf(params, rows[row + CANDIDATE.words.key], rows[row + CANDIDATE.words.id], memory.sizes.bins);
		const members = Array.from({ length: cursors[bin] }, (_, k) => candidateWord(memory, slot, starts[bin] + k));
		members.sort((p, q) => (comesBefore(params, rows, p, q) ? -1 : 1));
		members.forEach((member, k) => {
			if (i + k < counters[COUNTERS.sorted]) memory.sorted.u32.set(rows.subarray(member, member + ROW_WORDS), candidateWord(memory, slot, i + k));
		});
		i += members.length;
	}
}
