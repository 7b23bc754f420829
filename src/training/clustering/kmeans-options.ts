// What may be said about a k-means of sizes, and what four programs say about theirs.

import { checkBoolean, checkInteger, checkWord, readOptions, refuse } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';
import { checkBackend, type TrainingBackend } from '../backend.js';
import { checkLongWork, type LongWork } from '../progress.js';
import { checkAnchors, checkFilter, FILTER_KEYS, type SizeFilter } from './sizes.js';

/** Programs whose rules have a name. */
export type ClusterStyle = 'darknet' | 'keras-yolo3' | 'yolov5' | 'mmyolo';

/** How far a clustering is. */
export interface ClusterProgress {
	/** From 0, of so many; and the iteration within it, from 1. */
	readonly restart: number;
	readonly restarts: number;
	readonly iteration: number;
	/** Boxes that changed their cluster. */
	readonly moved: number;
	/** [K, 2] the centres to which they went, in no order. */
	readonly anchors: Float32Array;
	/** The mean over the boxes of the best IoU with any centre. */
	readonly meanIou: number;
}

/** Options of `kmeansAnchors`. */
export interface KmeansOptions extends LongWork<ClusterProgress>, SizeFilter {
	/** Clusters, 1 to 512. Fewer come out when there are fewer distinct sizes, with a warning. */
	count: number;
	/**
	 * A program's rules, where nothing else is said. 'darknet' (calc_anchors): IoU, mean, random points, an empty cluster keeps its place.
	 * 'keras-yolo3': IoU, median, random points, an empty cluster (NaN there) is dropped. 'yolov5': whitened, mean, the best of 30 random
	 * starts, empty clusters dropped, boxes left out unless a side reaches 2. 'mmyolo': IoU, mean, random points, an empty cluster (zeros
	 * there, which never get a box again) is dropped.
	 */
	style?: ClusterStyle;
	/** Of a size to a centre. 'iou': 1 - IoU with corners aligned. 'euclidean': of widths and heights. 'whitened': of both over their standard deviations. Default 'iou'. */
	distance?: 'iou' | 'euclidean' | 'whitened';
	/** What a centre becomes of its boxes. Default 'mean'. */
	update?: 'mean' | 'median';
	/** Where centres start: far from each other by chance ('kmeans++', Arthur and Vassilvitskii 2007), at random boxes of different sizes, or given [count, 2]. Default 'kmeans++'. */
	init?: 'kmeans++' | 'random' | FloatsLike;
	/** Starts, of which the one with the least mean distance is kept. Default 1. */
	restarts?: number;
	/** Updates of the centres at most. Default 1000. */
	maxIterations?: number;
	/** Default 0. The same seed gives the same clusters, on the CPU and on every GPU. */
	seed?: number;
	/** What becomes of a centre without boxes: 'reseed' moves it to the box farthest from its own centre, 'keep' leaves it where it is, 'drop' goes on with one cluster less. Each is reported. Default 'reseed'. */
	empty?: 'reseed' | 'keep' | 'drop';
	/** Keep all steps, to be drawn. Default false. */
	trace?: boolean;
	/** Where to compute; without one, the CPU. */
	backend?: TrainingBackend;
}

/** Rules that a style fills in. */
type Rules = Required<Pick<KmeansOptions, 'distance' | 'update' | 'init' | 'restarts' | 'maxIterations' | 'empty'>>;
const DEFAULTS: Rules = { distance: 'iou', update: 'mean', init: 'kmeans++', restarts: 1, maxIterations: 1000, empty: 'reseed' };
const STYLES: Readonly<Record<ClusterStyle, Partial<Rules> & { minSize?: number }>> = {
	darknet: { init: 'random', empty: 'keep' },
	'keras-yolo3': { init: 'random', update: 'median', empty: 'drop' },
	yolov5: { distance: 'whitened', init: 'random', restarts: 30, empty: 'drop', minSize: 2 },
	mmyolo: { init: 'random', empty: 'drop' },
};

const KEYS = [
	...(['count', 'style', 'distance', 'update', 'init', 'restarts', 'maxIterations', 'seed', 'empty', 'trace'] as const),
	...(['backend', 'signal', 'onProgress'] as const),
	...FILTER_KEYS,
];

/** Clusters beyond this are no anchors of anybody, and would not fit into a workgroup. */
const MOST_CLUSTERS = 512;

/** Checked options of `kmeansAnchors`. */
export interface KmeansSettings extends Omit<Rules, 'init'>, LongWork<ClusterProgress> {
	readonly count: number;
	/** Centres to start from, where they are given. */
	readonly given: Float32Array | undefined;
	readonly init: 'kmeans++' | 'random';
	readonly seed: number;
	readonly trace: boolean;
	readonly filter: Required<SizeFilter>;
	readonly backend: TrainingBackend;
}

/** Checks the options of `kmeansAnchors`. */
export function checkKmeans(where: string, options: unknown): KmeansSettings {
	const read = readOptions(where, 'options', options, KEYS);
	const style = read.style === undefined ? undefined : checkWord(where, 'style', read.style, Object.keys(STYLES) as ClusterStyle[]);
	const { minSize, ...rules } = style ? STYLES[style] : {};
	const chosen = (key: keyof Rules) => (read[key] === undefined ? (rules[key] ?? DEFAULTS[key]) : read[key]);
	const count = checkInteger(where, 'count', read.count, 1, MOST_CLUSTERS);
	const init = chosen('init');
	const given = typeof init === 'string' ? undefined : checkAnchors(where, 'init', init);
	if (given && given.length !== 2 * count) {
		refuse(RangeError, where, 'init', `must have a width and a height for each of the ${count} clusters`, `${given.length / 2} pairs`);
	}
	const restarts = checkInteger(where, 'restarts', given && read.restarts === undefined ? 1 : chosen('restarts'), 1, 10_000);
	if (given && restarts > 1) refuse(RangeError, where, 'restarts', 'must be 1 with a given init, which starts always at the same place', restarts);
	return {
		count,
		given,
		init: given ? 'random' : checkWord(where, 'init', init, ['kmeans++', 'random']),
		distance: checkWord(where, 'distance', chosen('distance'), ['iou', 'euclidean', 'whitened']),
		update: checkWord(where, 'update', chosen('update'), ['mean', 'median']),
		restarts,
		maxIterations: checkInteger(where, 'maxIterations', chosen('maxIterations'), 1, 1e6),
		empty: checkWord(where, 'empty', chosen('empty'), ['reseed', 'keep', 'drop']),
		seed: checkInteger(where, 'seed', read.seed ?? 0, 0, Number.MAX_SAFE_INTEGER),
		trace: checkBoolean(where, 'trace', read.trace ?? false),
		filter: checkFilter(where, read, minSize),
		backend: checkBackend(where, read.backend),
		...checkLongWork<ClusterProgress>(where, read),
	};
}
