// Suppression on one thread, fast: sections of the ranking (ranking.ts) against the kept boxes by place (grid.ts).
// The same answer as nms.ts. Takes candidate rows from the scan, from the GPU, or from the arrays of nms().

import { isUsableAngle } from '../boxes/limits.js';
import type { RotatedIouKind } from '../boxes/overlap.js';
import { flushCoordinate, isUsableBox, type OverlapRule, PLAIN_OVERLAP } from '../boxes/overlap.js';
import { extrasOf, numScores } from '../head-facts.js';
import { decisionThreshold, isNaNBits, keyOfBits } from '../numbers.js';
import type { CandidateRows, Kept, PipelineOptions } from '../pipeline.js';
import type { CallParams } from '../plan.js';
import type { SuppressionResult, SuppressionRules } from './nms.js';
import { AREA, CLASS, ID, KEY, ROW, writeBox } from './rows.js';
import type { SoftRules } from './soft-nms.js';
import { giveBack, takeWorkspace, type Workspace } from './workspace.js';

/** Milliseconds of the two steps. */
export interface SuppressTimes {
	sort: number;
	suppress: number;
}

/** The rotated boxes that suppress, of one run over candidate rows whose word AREA holds the angle. */
export interface Keeps {
	add(slot: number): void;
	suppresses(slot: number): boolean;
}
export type MakeKeeps = (rows: Float32Array, words: Uint32Array, threshold: number, classAgnostic: boolean, kind: RotatedIouKind) => Keeps;

/** Ranks and softly suppresses the rows of a workspace, as `suppressRows`; leaves the keys of decayed scores in them. */
export type SoftenRows = (w: Workspace, rules: Omit<SoftRules, 'minKey'>, options: Pick<SuppressOptions, 'overlap' | 'minSize'>, times?: SuppressTimes) => void;

/** Candidates sorted first, per detection asked for. */
const LOOKED_AT = 4;

/** Ranks and suppresses the rows of a workspace; `workspace.kept` holds the answer. */
export function suppressRows(
	w: Workspace,
	rules: Omit<SuppressionRules, 'minKey'>,
	{ suppression = true, overlap = PLAIN_OVERLAP, minSize = 0, makeKeeps }: Pick<SuppressOptions, 'suppression' | 'overlap' | 'minSize' | 'makeKeeps'>,
	times?: SuppressTimes,
): void {
	const { kept, ranking, words } = w;
	const most = Math.min(w.count, rules.maxCandidates);
	const limit = Math.min(rules.maxDetections, most);
	const threshold = decisionThreshold(rules.iouThreshold);
	// No overlap is above 1 (the union is never rounded below the intersection), so 1 keeps all.
	const all = !suppression || threshold >= 1;
	kept.start(w.rows, words, threshold, rules.classAgnostic, overlap);
	const turned = all || !overlap.rotated ? undefined : (makeKeeps as MakeKeeps)(w.rows, words, threshold, rules.classAgnostic, overlap.rotated);
	ranking.start(words, w.count, Math.min(most, all ? limit : LOOKED_AT * limit), w.idsAscend, rules.tiesHighest);
	for (let seen = 0; seen < most && kept.count < limit; ) {
		const begun = times ? performance.now() : 0;
		const numRows = Math.min(ranking.next(), most - seen);
		const sorted = times ? performance.now() : 0;
		const slots = ranking.slots;
		if (!all && !turned) kept.sift(slots, numRows, limit);
		else {
			for (let i = 0; i < numRows && kept.count < limit; i++) {
				if (minSize > 0 && w.rows[slots[i] * ROW + AREA] < 0) continue;
				const gone = turned?.suppresses(slots[i]);
				if (!gone) kept.list(slots[i]);
				if (turned && (!gone || overlap.fast)) turned.add(slots[i]);
			}
		}
		seen += numRows;
		if (!times) continue;
		times.sort += sorted - begun;
		times.suppress += performance.now() - sorted;
	}
}

/** Fast NMS of boxes [N, 4] xyxy, or rotated ones [N, 5], with scores [N]; equals `nmsTextbook`. Arguments are not checked and not changed. */
export function nmsFast(
	boxes: Float32Array,
	scores: Float32Array,
	classIds: ArrayLike<number> | undefined,
	rules: SuppressionRules,
	overlap?: OverlapRule,
	makeKeeps?: MakeKeeps,
): SuppressionResult {
	const w = takeWorkspace();
	try {
		readBoxes(w, boxes, overlap?.rotated !== undefined, scores, classIds, rules.minKey);
		suppressRows(w, rules, { overlap, makeKeeps });
		// Rows are fewer than boxes when some did not pass.
		const indices = new Uint32Array(w.kept.count);
		for (let i = 0; i < indices.length; i++) indices[i] = w.words[w.kept.slots[i] * ROW + ID];
		return { indices, numCandidates: w.numCandidates, truncated: Math.max(0, w.numCandidates - rules.maxCandidates), rejected: w.rejected };
	} finally {
		giveBack(w);
	}
}

/** Boxes that take part as candidate rows. */
export function readBoxes(
	w: Workspace,
	boxes: Float32Array,
	rotated: boolean,
	scores: Float32Array,
	classIds: ArrayLike<number> | undefined,
	minKey: number,
): void {
	const width = rotated ? 5 : 4;
	const scoreBits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
	w.reserve(scores.length);
	const { rows, words } = w;
	let at = 0;
	for (let i = 0; i < scoreBits.length; i++) {
		const bits = scoreBits[i];
		const x1 = boxes[width * i];
		const y1 = boxes[width * i + 1];
		const x2 = boxes[width * i + 2];
		const y2 = boxes[width * i + 3];
		if (isNaNBits(bits)) {
			w.rejected++;
			continue;
		}
		const key = keyOfBits(bits);
		if (key < minKey) continue;
		if (!isUsableBox(x1, y1, x2, y2) || (rotated && !isUsableAngle(boxes[width * i + 4]))) {
			w.rejected++;
			continue;
		}
		writeBox(rows, at, x1, y1, x2, y2);
		if (rotated) rows[at + AREA] = flushCoordinate(boxes[width * i + 4]);
		words[at + KEY] = key;
		words[at + ID] = i;
		words[at + CLASS] = classIds ? classIds[i] : 0;
		at += ROW;
	}
	w.count = w.numCandidates = at / ROW;
}

/** What of a head matters after decoding. */
export interface SuppressOptions {
	/** Scores per anchor. */
	readonly numClasses: number;
	readonly multiLabel: boolean;
	/** Default true. */
	readonly suppression?: boolean;
	/** Default plain IoU. */
	readonly overlap?: OverlapRule;
	/** What measures rotated boxes; needed by a rule that says so. Handed over, so that upright boxes come without it. */
	readonly makeKeeps?: MakeKeeps;
	/** Rows marked TOO_SMALL are not kept. */
	readonly minSize?: number;
	/** Soft suppression in the place of `suppressRows`. Handed over, so that hard suppression comes without it. */
	readonly soften?: SoftenRows;
	/** The best so many of each level, and the first anchor of every level. */
	readonly perLevel?: { readonly most: number; readonly firstAnchors: readonly number[] };
	/** Words behind a row of the result, and whether the first is the angle. */
	readonly extras?: { readonly angle: number; readonly total: number };
}

/** The same of a pipeline's options. */
export function suppressOptions(
	{ head, multiLabel, overlap }: Pick<PipelineOptions, 'head' | 'multiLabel' | 'overlap'>,
	makeKeeps: MakeKeeps,
	soften?: SoftenRows,
): SuppressOptions {
	const most = head.maxCandidatesPerLevel;
	return {
		numClasses: numScores(head),
		multiLabel,
		suppression: head.suppression,
		overlap,
		minSize: head.minSize,
		makeKeeps,
		soften,
		perLevel: most === undefined ? undefined : { most, firstAnchors: head.levels.map((level) => level.firstAnchor) },
		extras: extrasOf(head),
	};
}

/** Sort and suppress for candidates that the GPU decoded (hybrid backend). `bytesRead` is left 0. */
export function suppressCandidates(candidates: CandidateRows, call: CallParams, options: SuppressOptions): Kept {
	const w = takeWorkspace();
	try {
		const times = call.timings ? { sort: 0, suppress: 0 } : undefined;
		const { words, count } = candidates;
		w.reserve(count);
		w.words.set(words.length > count * ROW ? words.subarray(0, count * ROW) : words);
		w.count = count;
		w.numCandidates = candidates.numCandidates;
		w.rejected = candidates.rejected;
		for (let i = 1; i < count && w.idsAscend; i++) w.idsAscend = words[i * ROW + ID] > words[(i - 1) * ROW + ID];
		if (options.perLevel) cutLevels(w, options, call);
		(options.soften ?? suppressRows)(w, call, options, times);
		return toKept(w, call, options, times);
	} finally {
		giveBack(w);
	}
}

/** Leaves the best of each level; rows come in the order of levels. */
function cutLevels(w: Workspace, { perLevel, numClasses, multiLabel }: SuppressOptions, { tiesHighest, maxCandidates }: CallParams): void {
	const { most, firstAnchors } = perLevel as NonNullable<SuppressOptions['perLevel']>;
	const anchorOf = (i: number) => w.words[i * ROW + ID] / (multiLabel ? numClasses : 1);
	let begin = 0;
	for (let level = 1; level <= firstAnchors.length; level++) {
		let end = begin;
		while (end < w.count && (level === firstAnchors.length || anchorOf(end) < firstAnchors[level])) end++;
		begin += w.pruneRange(begin, end, Math.min(most, maxCandidates), tiesHighest);
	}
}

/** The kept rows of a workspace as fresh arrays. */
export function toKept(w: Workspace, call: CallParams, options: SuppressOptions, timings?: SuppressTimes): Kept {
	const { kept, rows, words } = w;
	const { count, slots } = kept;
	const { angle, total } = options.extras ?? { angle: 0, total: 0 };
	const result: Kept = {
		count,
		boxes: new Float32Array(count * 4),
		keys: new Uint32Array(count),
		classIds: new Uint32Array(count),
		indices: new Uint32Array(count),
		numCandidates: w.numCandidates,
		...(total > 0 && { extras: new Float32Array(count * total) }),
		truncated: Math.max(0, w.numCandidates - (options.perLevel ? Math.min(w.count, call.maxCandidates) : call.maxCandidates)),
		rejected: w.rejected,
		bytesRead: 0,
	};
	const perAnchor = options.multiLabel ? options.numClasses : 1;
	for (let i = 0; i < count; i++) {
		const at = slots[i] * ROW;
		for (let c = 0; c < 4; c++) result.boxes[4 * i + c] = rows[at + c];
		result.keys[i] = words[at + KEY];
		result.classIds[i] = words[at + CLASS];
		result.indices[i] = Math.floor(words[at + ID] / perAnchor);
		if (angle && result.extras) result.extras[i * total] = rows[at + AREA];
	}
	if (timings) result.timings = { ...timings };
	return result;
}
