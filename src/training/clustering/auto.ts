// Whether anchors fit a data set, and better ones where they do not: yolov5's autoanchor. Anchors are kept when enough boxes could ever
// be matched; else sizes are clustered, the clusters evolve, and they replace the anchors only if more boxes could be matched.
// ultralytics/yolov5, utils/autoanchor.py (check_anchors, kmean_anchors).

import { checkInteger, checkUnit, readOptions, refuse } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';
import { checkBackend, type TrainingBackend } from '../backend.js';
import { checkLongWork, type LongWork } from '../progress.js';
import { seededRandom } from '../random.js';
import { checkEvolution, type EvolutionProgress, evolveRows } from './evolve.js';
import { clusterRows, droppedWarnings } from './kmeans.js';
import { type ClusterProgress, checkKmeans } from './kmeans-options.js';
import { checkStrides, splitAnchors } from './levels.js';
import { type AnchorFitness, checkRatio, fitnessOf, reciprocals, shapeRatio } from './metric.js';
import { checkAnchors, checkFilter, checkSizeList, type DroppedSizes, FILTER_KEYS, groupSizes, type SizeFilter, type SizeRows, scaleChecked } from './sizes.js';

/** How far `autoAnchors` is. */
export type AutoAnchorsProgress = ({ readonly stage: 'cluster' } & ClusterProgress) | ({ readonly stage: 'evolve' } & EvolutionProgress);

/** Options of `autoAnchors`. */
export interface AutoAnchorsOptions extends LongWork<AutoAnchorsProgress>, SizeFilter {
	/** The anchors in use, [K, 2]. Without them new ones are always made. */
	anchors?: FloatsLike;
	/** How many to make. Default: as many as are in use, else 9. */
	count?: number;
	/** Levels over which they are split by area. Default: one for each stride; else 3 where that divides the count, else 1. */
	levels?: number;
	/** Pixels per cell of each level, the finest first, for the report. */
	strides?: readonly number[];
	/** Width and height of the image of each box [N, 2], or of all [2]: boxes are scaled with the longer side to `inputSize`. Without it sizes are taken to be in pixels of the network input. */
	imageSizes?: FloatsLike;
	/** The longer side of the network input. Default 640. */
	inputSize?: number;
	/** Anchors that could match more of the boxes than this are kept. Default 0.98. */
	recallThreshold?: number;
	/** As in `anchorFitness`. Default 4. */
	ratioThreshold?: number;
	/** Boxes of which no side (or not both, by `minSizeRule`) reaches this do not cluster, and no side of an anchor becomes shorter. Default 2. */
	minSize?: number;
	/** Starts of the clustering. Default 30. */
	restarts?: number;
	/** Of the evolution. Default 1000. */
	generations?: number;
	/** Default 0. */
	seed?: number;
	/** Where to compute; without one, the CPU. */
	backend?: TrainingBackend;
}

/** The anchors of one level and what they serve. */
export interface LevelReport {
	readonly stride?: number;
	/** [K / levels, 2] */
	readonly anchors: Float32Array;
	/** Boxes whose best anchor is on this level. */
	readonly boxes: number;
	/** Boxes for which an anchor of this level is above the ratio threshold, the best or not. */
	readonly above: number;
}

/** What `autoAnchors` found. */
export interface AutoAnchors {
	/** Whether `anchors` are new. */
	readonly changed: boolean;
	/** Why, in a sentence. */
	readonly reason: string;
	/** [K, 2] those to train with: sorted by area when they are new, else as they were given. */
	readonly anchors: Float32Array;
	/** How well the anchors in use fit; undefined without any. */
	readonly before: AnchorFitness | undefined;
	/** How well `anchors` fit. Both over all boxes, the small ones too. */
	readonly after: AnchorFitness;
	/** What clustering and evolution made, whether it is taken or not; undefined where it was not needed. */
	readonly made: { readonly anchors: Float32Array; readonly fitness: AnchorFitness } | undefined;
	/** Finest first. */
	readonly perLevel: readonly LevelReport[];
	/** Boxes that did not cluster. */
	readonly dropped: DroppedSizes;
	readonly warnings: readonly string[];
}

const KEYS = [
	...(['anchors', 'count', 'levels', 'strides', 'imageSizes', 'inputSize', 'recallThreshold', 'ratioThreshold'] as const),
	...(['restarts', 'generations', 'seed', 'backend', 'signal', 'onProgress'] as const),
	...FILTER_KEYS,
];

/** Boxes with a side below this are few pixels for any detector, and are warned of. */
const TINY = 3;

/**
 * Checks anchors against box sizes [N, 2] and makes better ones where `recallThreshold` is not passed. Rejects as `kmeansAnchors` and
 * `evolveAnchors` do. Differs from yolov5 in that the check does not scale boxes by chance (0.9 to 1.1), so that the report is a fact of
 * the data; and in that a cluster that loses its boxes starts anew, where scipy's result would be one short.
 */
export async function autoAnchors(sizes: FloatsLike, options?: AutoAnchorsOptions): Promise<AutoAnchors> {
	const where = 'autoAnchors';
	const settings = checkAuto(where, options);
	const { current, threshold, recallThreshold, filter, signal } = settings;
	const scaled = settings.imageSizes === undefined ? checkSizeList(where, 'sizes', sizes) : scaleChecked(where, sizes, settings.imageSizes, settings.inputSize);
	const all = groupSizes(where, scaled, { ...filter, minSize: 0 });
	const rows = groupSizes(where, scaled, filter);
	signal?.throwIfAborted();
	const warnings = [...droppedWarnings(rows.dropped, filter.minSize), ...sizeWarnings(all, settings.inputSize)];
	const before = current && fitnessOf(all, current, threshold);
	const end = (changed: boolean, reason: string, anchors: Float32Array, made?: AutoAnchors['made']): AutoAnchors => {
		const after = anchors === current && before ? before : fitnessOf(all, anchors, threshold);
		return { changed, reason, anchors, before, after, made, perLevel: levelReports(all, anchors, settings), dropped: rows.dropped, warnings };
	};
	if (rows.total === 0) return end(false, 'there are no boxes to make anchors of', current ?? new Float32Array(0));
	if (current && before && before.bestPossibleRecall > recallThreshold) {
		return end(false, `${percent(before.bestPossibleRecall)} of the boxes can be matched, more than ${percent(recallThreshold)}`, current);
	}
	const made = await makeAnchors(where, rows, settings, warnings);
	const fitness = fitnessOf(all, made, threshold);
	if (!current || !before) return end(true, `${percent(fitness.bestPossibleRecall)} of the boxes can be matched`, made, { anchors: made, fitness });
	const isBetter = fitness.bestPossibleRecall > before.bestPossibleRecall;
	const recalls = `${percent(fitness.bestPossibleRecall)} instead of ${percent(before.bestPossibleRecall)}`;
	const reason = isBetter ? `new anchors can match ${recalls} of the boxes` : `new anchors could match ${recalls} of the boxes, which is no more`;
	return end(isBetter, reason, isBetter ? made : current, { anchors: made, fitness });
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

type AutoSettings = ReturnType<typeof checkAuto>;

function checkAuto(where: string, options: unknown) {
	const read = readOptions(where, 'options', options, KEYS);
	const current = read.anchors === undefined ? undefined : checkAnchors(where, 'anchors', read.anchors);
	const count = checkInteger(where, 'count', read.count ?? (current ? current.length / 2 : 9), 1, 512);
	if (current && current.length !== 2 * count) refuse(RangeError, where, 'count', `must be the number of anchors in use, ${current.length / 2}`, count);
	const { strides } = read;
	const numLevels = Array.isArray(strides) ? strides.length : count % 3 ? 1 : 3;
	const levels = checkInteger(where, 'levels', read.levels ?? numLevels, 1, count);
	if (count % levels) refuse(RangeError, where, 'levels', `must divide the number of anchors, ${count}`, levels);
	const inputSize = read.inputSize ?? 640;
	if (!(typeof inputSize === 'number' && inputSize > 0 && inputSize <= 2 ** 20))
		refuse(RangeError, where, 'inputSize', 'must be a positive number of pixels', inputSize);
	return {
		current,
		count,
		levels,
		strides: strides === undefined ? undefined : checkRising(where, checkStrides(where, strides, levels)),
		imageSizes: read.imageSizes as FloatsLike | undefined,
		inputSize,
		recallThreshold: checkUnit(where, 'recallThreshold', read.recallThreshold ?? 0.98),
		threshold: checkRatio(where, read.ratioThreshold),
		ratioThreshold: read.ratioThreshold,
		restarts: checkInteger(where, 'restarts', read.restarts ?? 30, 1, 10_000),
		generations: checkInteger(where, 'generations', read.generations ?? 1000, 1, 1e7),
		seed: checkInteger(where, 'seed', read.seed ?? 0, 0, Number.MAX_SAFE_INTEGER),
		filter: checkFilter(where, read, 2),
		backend: checkBackend(where, read.backend),
		...checkLongWork<AutoAnchorsProgress>(where, read),
	};
}

/** The report is by area, the smallest anchors first: strides that fall would be told beside the wrong ones. */
function checkRising(where: string, strides: readonly number[]): readonly number[] {
	const at = strides.findIndex((stride, i) => stride < strides[i - 1]);
	if (at >= 0) refuse(RangeError, where, `strides[${at}]`, 'must not be below the one before it', strides[at], 'give the finest level first');
	return strides;
}

/** Clusters, then evolves. */
async function makeAnchors(where: string, rows: SizeRows, settings: AutoSettings, warnings: string[]): Promise<Float32Array> {
	const { count, seed, restarts, generations, ratioThreshold, filter, backend, signal, onProgress } = settings;
	const shared = { seed, backend, signal };
	let start: Float32Array;
	if (rows.counts.length < count) {
		warnings.push(`there are ${rows.counts.length} distinct sizes for ${count} anchors: evolution starts at random ones`);
		start = randomAnchors(count, settings.inputSize, seed);
	} else {
		const stage = { stage: 'cluster' } as const;
		const report = onProgress && ((progress: ClusterProgress) => onProgress({ ...stage, ...progress }));
		const rules = { count, style: 'yolov5', empty: 'reseed', restarts, ...shared, onProgress: report };
		start = (await clusterRows(where, rows, checkKmeans(where, rules))).anchors;
	}
	const report = onProgress && ((progress: EvolutionProgress) => onProgress({ stage: 'evolve', ...progress }));
	const rules = { generations, ratioThreshold, minSize: filter.minSize, ...shared, onProgress: report };
	return (await evolveRows(where, rows, start, checkEvolution(where, rules))).anchors;
}

/** yolov5's way out where clustering cannot give enough: sorted random numbers, two by two, times the input size. */
function randomAnchors(count: number, inputSize: number, seed: number): Float32Array {
	const random = seededRandom(seed);
	// never 0, which is no size
	return Float32Array.from({ length: 2 * count }, () => ((1 + random.integer(2 ** 20)) / 2 ** 20) * inputSize).sort();
}

function sizeWarnings({ widths, heights, counts, total }: SizeRows, inputSize: number): string[] {
	let [tiny, large] = [0, 0];
	for (let r = 0; r < counts.length; r++) {
		if (Math.min(widths[r], heights[r]) < TINY) tiny += counts[r];
		// a box as long as the image may be longer by rounding
		if (Math.max(widths[r], heights[r]) > inputSize * 1.001) large += counts[r];
	}
	const warnings: string[] = [];
	if (tiny) warnings.push(`${tiny} of ${total} boxes are below ${TINY} pixels in width or height`);
	if (large) warnings.push(`${large} of ${total} boxes are longer than the input, ${inputSize} pixels: give imageSizes, or another inputSize`);
	return warnings;
}

/** Which boxes the anchors of each level serve. */
function levelReports({ widths, heights, counts }: SizeRows, anchors: Float32Array, { levels, strides, threshold }: AutoSettings): LevelReport[] {
	if (anchors.length === 0) return [];
	const split = splitAnchors(anchors, levels);
	const inverses = split.map(reciprocals);
	const boxes = new Float64Array(levels);
	const above = new Float64Array(levels);
	for (let r = 0; r < counts.length; r++) {
		let best = -1;
		let bestLevel = 0;
		split.forEach((own, level) => {
			let most = 0;
			for (let k = 0; k < own.length; k += 2) {
				most = Math.max(most, shapeRatio(widths[r], heights[r], Math.fround(1 / widths[r]), Math.fround(1 / heights[r]), own, inverses[level], k));
			}
			if (most > threshold) above[level] += counts[r];
			if (most > best) [best, bestLevel] = [most, level];
		});
		boxes[bestLevel] += counts[r];
	}
	return split.map((own, level) => ({ stride: strides?.[level], anchors: own, boxes: boxes[level], above: above[level] }));
}
