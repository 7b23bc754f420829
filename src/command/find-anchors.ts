// From files to anchors: labels are read, boxes scaled to the network input, clustered and evolved, and the anchors' fit is measured.

import { type Backend, createBackend } from '../index.js';
import {
	type AnchorFitness,
	anchorFitness,
	evolveAnchors,
	kmeansAnchors,
	type LabelFile,
	type LabelFormat,
	type LabelSizes,
	type Labels,
	labelSizes,
	readLabels,
	scaleSizes,
	splitAnchors,
} from '../training.js';
import { Failure, type ProgressLine } from './terminal.js';

/** What was asked for. */
export interface Settings {
	readonly size: number;
	readonly count: number;
	readonly levels: number;
	readonly strides: readonly number[];
	readonly distance: 'iou' | 'euclidean' | 'whitened';
	readonly update: 'mean' | 'median';
	readonly restarts: number;
	readonly evolve: boolean;
	readonly generations: number;
	readonly ratio: number;
	readonly minSize: number;
	readonly seed: number;
	readonly backend: 'cpu' | 'webgpu';
	/** [K, 2] anchors to be measured beside. */
	readonly current: Float32Array | undefined;
	readonly format: 'auto' | LabelFormat;
	readonly vocCorners: 'inclusive' | 'edges';
	readonly keypointShape: readonly [number, 2 | 3] | undefined;
	readonly imageSize: readonly [number, number] | undefined;
	readonly all: boolean;
	readonly strict: boolean;
}

/** One level of the answer. */
export interface Level {
	readonly stride: number;
	/** [K, 2] */
	readonly anchors: Float32Array;
	/** Boxes whose best anchor, by the ratio of the sides, is on this level. */
	readonly boxes: number;
}

export interface Found {
	readonly labels: Labels;
	readonly leftOut: Pick<LabelSizes, 'numCrowd' | 'numDifficult' | 'numUnsized'>;
	/** [N] which of the labels' boxes each is. */
	readonly indices: Uint32Array;
	/** [N, 2] in pixels of the network input. */
	readonly sizes: Float32Array;
	/** [K, 2] sorted by area. */
	readonly anchors: Float32Array;
	readonly levels: readonly Level[];
	/** [N] which anchor is best for each box. */
	readonly best: Uint32Array;
	readonly fitness: AnchorFitness;
	/** Before evolution. */
	readonly clustered: AnchorFitness;
	/** Of the anchors that were to be measured beside. */
	readonly current: AnchorFitness | undefined;
	readonly warnings: readonly string[];
}

/**
 * Does the work; rejects with a Failure where there is nothing to cluster. `heard` gets the labels as soon as they are read: whatever
 * comes after, their problems can be told.
 */
export async function findAnchors(
	files: Iterable<LabelFile>,
	settings: Settings,
	signal: AbortSignal,
	progress: ProgressLine,
	heard: (labels: Labels) => void = () => {},
): Promise<Found> {
	const { format, vocCorners, keypointShape, imageSize, all, strict, size, seed, ratio: ratioThreshold } = settings;
	const labels = await readLabels(files, {
		...{ format, vocCorners, keypointShape, imageSize, signal, onProblem: strict ? 'error' : 'report' },
		onProgress: ({ files: done, bytes, boxes }) =>
			progress.show(() => `reading: ${done.toLocaleString('en')} label files, ${(bytes / 1e6).toFixed(1)} MB, ${boxes.toLocaleString('en')} boxes`),
	});
	heard(labels);
	const { sizes: inImages, imageSizes, indices, numCrowd, numDifficult, numUnsized } = labelSizes(labels, { crowd: all, difficult: all });
	const leftOut = { numCrowd, numDifficult, numUnsized };
	if (!inImages.length) throw new Failure(whyNothing(labels, leftOut));
	const sizes = scaleSizes(inImages, imageSizes, size);
	const backend = await openBackend(settings.backend);
	try {
		const clusters = await kmeansAnchors(sizes, {
			...{ count: settings.count, distance: settings.distance, update: settings.update, restarts: settings.restarts },
			...{ minSize: settings.minSize, seed, backend, signal },
			onProgress: ({ restart, restarts, iteration, meanIou }) =>
				progress.show(() => `clustering: start ${restart + 1} of ${restarts}, step ${iteration}, average IoU ${meanIou.toFixed(4)}`),
		});
		if (clusters.anchors.length < 2 * settings.count) {
			const { small } = clusters.dropped;
			const without = small ? ` (without ${small} boxes below --min-size)` : '';
			throw new Failure(`the boxes have ${clusters.anchors.length / 2} different sizes${without}, fewer than --count, ${settings.count}`);
		}
		const clustered = anchorFitness(sizes, clusters.anchors, { ratioThreshold });
		const evolved = settings.evolve
			? await evolveAnchors(sizes, clusters.anchors, {
					...{ generations: settings.generations, ratioThreshold, minSize: settings.minSize, seed, backend, signal },
					onProgress: ({ generation, generations, fitness }) =>
						progress.show(() => `evolving: generation ${generation} of ${generations}, fitness ${fitness.toFixed(4)}`),
				})
			: undefined;
		const anchors = evolved?.anchors ?? clusters.anchors;
		const best = bestAnchors(sizes, anchors);
		return {
			...{ labels, leftOut, indices, sizes, anchors, best, clustered },
			levels: levelsOf(anchors, best, settings),
			fitness: anchorFitness(sizes, anchors, { ratioThreshold }),
			current: settings.current && anchorFitness(sizes, settings.current, { ratioThreshold }),
			warnings: clusters.warnings,
		};
	} finally {
		backend?.dispose();
	}
}

function whyNothing(
	{ numFiles, numIgnored, numFailed, numDropped, format, images, flags }: Labels,
	{ numCrowd, numDifficult, numUnsized }: Found['leftOut'],
): string {
	if (numUnsized) return `the sizes of the images are not known, so ${numUnsized} boxes cannot be scaled (give the images, or --image-size)`;
	if (numCrowd + numDifficult) return `all ${flags.length} boxes are crowds or difficult (give --all to take them)`;
	// a YOLO file without a known image has no image among the labels
	if (numDropped && format === 'yolo' && !images.length)
		return `the images of ${numFiles} label files were not found, so ${numDropped} boxes cannot be scaled (give the folder that has the images too, or --image-size)`;
	if (numDropped) return `all ${numDropped} boxes of ${numFiles} label files were left out`;
	if (numFiles) return `${numFiles} label files hold no box`;
	if (numFailed) return `none of ${numFailed} label files could be read`;
	return `there are no labels among ${numIgnored} files (VOC .xml, COCO .json and YOLO .txt are read)`;
}

/** The GPU, by npm's `webgpu`; a page has its own. */
async function openBackend(kind: 'cpu' | 'webgpu'): Promise<Backend | undefined> {
	if (kind === 'cpu') return undefined;
	let webgpu: { create(flags: string[]): GPU; globals: Record<string, unknown> };
	try {
		// not bundled: it is large, and of one system
		webgpu = await import('webgpu' as string);
	} catch {
		throw new Failure('--backend webgpu needs the npm package webgpu (npm install webgpu, or --backend cpu)');
	}
	Object.assign(globalThis, webgpu.globals);
	return createBackend('webgpu', { gpu: webgpu.create([]) });
}

/** For each size the anchor whose sides are nearest by their ratio, as evolution measures it; the first of equals. */
function bestAnchors(sizes: Float32Array, anchors: Float32Array): Uint32Array {
	const best = new Uint32Array(sizes.length / 2);
	for (let i = 0; i < best.length; i++) {
		let most = -1;
		for (let k = 0; k < anchors.length / 2; k++) {
			const [across, down] = [sizes[2 * i] / anchors[2 * k], sizes[2 * i + 1] / anchors[2 * k + 1]];
			const ratio = Math.min(across, 1 / across, down, 1 / down);
			if (ratio > most) [most, best[i]] = [ratio, k];
		}
	}
	return best;
}

function levelsOf(anchors: Float32Array, best: Uint32Array, { levels, strides }: Settings): Level[] {
	const perLevel = anchors.length / 2 / levels;
	const counts = new Uint32Array(levels);
	for (const k of best) counts[Math.floor(k / perLevel)]++;
	return splitAnchors(anchors, levels).map((some, level) => ({ stride: strides[level], anchors: some, boxes: counts[level] }));
}
