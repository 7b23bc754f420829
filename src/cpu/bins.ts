// Twin of shaders/bins.wgsl.ts. The histogram of score keys, best bin first, becomes the place of each bin in the sorted
// list; the bin in which the count reaches max_candidates is the cut. When more candidates lie in and above that bin
// than there is room for, the cut is narrowed: first by keys, then among equal keys by tie order. A few candidates are put in order at once.

import { COUNTERS as C, type Params, PHASE, ROW_WORDS } from '../layout.js';
import { keyOf, keyOfBits, scoreOfKey } from '../numbers.js';
import { candidateWord, comesBefore, type Memory, type State, stateOf, tieOrder } from './memory.js';

const TOP_KEY = keyOfBits(0x7f800000);

/** The histogram bin of a candidate: grows with the key, in mode 2 falls with the tie order. */
export function binOf(params: Params, key: number, id: number, numBins: number): number {
	if (params.bin_mode === 2) return numBins - 1 - Math.min(numBins - 1, Math.floor(tieOrder(params, id) / params.bin_width));
	if (params.bin_mode === 0) {
		if (key < params.bin_low) return 0;
		return Math.min(numBins - 1, Math.floor((key - params.bin_low) / params.bin_width));
	}
	const x = Math.max(-65536, Math.min(65536, scoreOfKey(key)));
	return Math.max(0, Math.min(numBins - 1, Math.floor(x * params.bin_width) - (params.bin_low | 0)));
}

/** The smallest key of a bin. */
function binStartKey(params: Params, bin: number): number {
	if (bin === 0) return 0;
	if (params.bin_mode === 0) return Math.min(0xffffffff, params.bin_low + bin * params.bin_width);
	return keyOf(Math.fround((bin + (params.bin_low | 0)) / params.bin_width));
}

/** One slot of the `bins` stage. */
export function bins(memory: Memory, slot: number, params: Params, phase: number): void {
	const state = stateOf(memory, slot);
	if (phase === PHASE.refine) refine(memory, state, params);
	else if (!params.multi_label && state.counters[C.appended] <= memory.sizes.small) rankFew(memory, slot, state, params);
	else place(memory, state, params);
}

/** The sorted list of few candidates: nothing goes to bins. */
function rankFew(memory: Memory, slot: number, { counters }: State, params: Params): void {
	const { u32 } = memory.candidates;
	const rows = Array.from({ length: counters[C.appended] }, (_, i) => candidateWord(memory, slot, i));
	rows.sort((p, q) => (comesBefore(params, u32, p, q) ? -1 : 1));
	rows.length = Math.min(rows.length, params.slot_candidates);
	rows.forEach((row, i) => {
		memory.sorted.u32.set(u32.subarray(row, row + ROW_WORDS), candidateWord(memory, slot, i));
	});
	counters[C.sorted] = rows.length;
	counters[C.listed] = rows.length;
	counters[C.cut_tie] = 0xffffffff;
}

function place(memory: Memory, state: State, params: Params): void {
	const { counters, histogram, starts } = state;
	const numBins = memory.sizes.bins;
	let count = 0;
	let cut = -1;
	let above = 0;
	counters[C.heaviest] = 0;
	for (let bin = numBins - 1; bin >= 0; bin--) {
		starts[bin] = count;
		if (count < params.slot_candidates) {
			counters[C.binned] = count + histogram[bin];
			counters[C.heaviest] = Math.max(counters[C.heaviest], histogram[bin]);
		}
		if (cut < 0 && count + histogram[bin] >= params.slot_candidates) {
			cut = bin;
			above = count;
		}
		count += histogram[bin];
	}
	counters[C.sorted] = Math.min(count, params.slot_candidates);
	counters[C.listed] = counters[C.sorted];
	counters[C.cut_tie] = 0xffffffff;
	if (cut < 0) return;
	const low = binStartKey(params, cut);
	counters[C.cut_key] = low;
	if (above + histogram[cut] <= params.capacity) return;
	const high = cut === numBins - 1 ? TOP_KEY : binStartKey(params, cut + 1) - 1;
	counters[C.refining] = 1;
	counters[C.refine_low] = low;
	counters[C.refine_width] = Math.ceil((high - low + 1) / numBins);
	counters[C.above] = above;
}

/** Walks the interval's bins, best first (keys from the top, tie orders from the bottom), to the one that holds the cut. */
function refine(memory: Memory, state: State, params: Params): void {
	const { counters, cursors } = state;
	if (counters[C.refining] === 0) return;
	const numBins = memory.sizes.bins;
	const byKeys = counters[C.refining] === 1;
	let above = counters[C.above];
	let step = 0;
	const binAt = (i: number) => (byKeys ? numBins - 1 - i : i);
	while (step < numBins - 1 && above + cursors[binAt(step)] < params.slot_candidates) above += cursors[binAt(step++)];
	const bin = binAt(step);
	const width = counters[C.refine_width];
	const low = counters[C.refine_low] + bin * width;
	const fits = above + cursors[bin] <= params.capacity;
	counters[C.above] = above;
	if (byKeys) {
		counters[C.cut_key] = low;
		counters[C.refine_low] = fits ? 0 : width === 1 ? 0 : low;
		counters[C.refine_width] = fits ? 0 : width === 1 ? Math.ceil((params.last_id + 1) / numBins) : Math.ceil(width / numBins);
		counters[C.refining] = fits ? 0 : width === 1 ? 2 : 1;
	} else {
		counters[C.cut_tie] = low + width - 1;
		counters[C.refine_low] = low;
		counters[C.refine_width] = Math.ceil(width / numBins);
		counters[C.refining] = fits ? 0 : 2;
	}
	cursors.fill(0);
}
