// From a head's tensors to candidate rows, one image: the fast form of the decode stage. Scores are read in memory order
// as integers (passing.ts); boxes are decoded only for what passes. Candidates come out by ascending id where levels do.
//
// Three ways to walk, by what the head stores:
//   class-major [C, A]     scanTiles    tiles of anchors; per class one run of scores; hits are put in anchor order
//   anchor-major [A, C]    scanFlat     runs over many anchors, when nothing but scores stands in the tensor
//                          scanRows     per anchor one run of scores
//   objectness, softmax    anchors.ts   per anchor arithmetic, for the few anchors that can pass

import { extraField, numScores, scoresAreClasses } from '../head-facts.js';
import type { Field } from '../heads/head.js';
import { fieldStart, numLevelAnchors } from '../level-plan.js';
import { isNaNBits, keyOfBits } from '../numbers.js';
import type { PipelineOptions } from '../pipeline.js';
import type { CallParams } from '../plan.js';
import type { BoundTensor } from '../tensors.js';
import { scanObjectness, scanSoftmax } from './anchors.js';
import { bitsAt, cellOf, emit, isAllowed, isPeak, type LevelScan, makeView, NAN_KEY, shapeOf, type View } from './candidates.js';
import { type Filter, findPassing, makeFilter } from './passing.js';
import type { Workspace } from './workspace.js';

/** Anchors of a tile, and scores of a tile, at most: bounds the scratch memory. A whole YOLO frame at 640 x 640 is one tile. */
const TILE_ANCHORS = 16384;
const TILE_SCORES = 2 ** 20;
/** Scores of a run over many anchors, about. */
const RUN_SCORES = 8192;
/** Up to so many hits of a tile are sorted one by one. */
const FEW_HITS = 64;
/** Appends one image's candidates to a cleared workspace. All tensors are in CPU memory. */
export function scan(w: Workspace, options: PipelineOptions, tensors: readonly BoundTensor[], image: number, call: CallParams): void {
	const { head } = options;
	head.levels.forEach((_, index) => {
		const level = openLevel(w, options, tensors, image, call, index);
		if (head.score.activation === 'softmax') scanSoftmax(level);
		else if (head.score.objectness) scanObjectness(level);
		else if (level.classes.cell === 1 && level.classes.channel !== 1) scanTiles(level);
		else if (isFlat(level)) scanFlat(level);
		else scanRows(level);
		const most = head.maxCandidatesPerLevel;
		if (most !== undefined) w.prune(level.firstRow, Math.min(most, call.maxCandidates), call.tiesHighest);
	});
}

/** What a scan of one level works with. */
function openLevel(w: Workspace, options: PipelineOptions, tensors: readonly BoundTensor[], image: number, call: CallParams, index: number): LevelScan {
	const { head, multiLabel, classFilter } = options;
	const level = head.levels[index];
	const view = (field: Field) => makeView(tensors[field.tensor], fieldStart(level, field, tensors[field.tensor].strides), image);
	const extra = extraField(level);
	const box = view(level.box);
	return {
		w,
		head,
		multiLabel,
		classFilter,
		call,
		level,
		box,
		classes: view(level.classes),
		extra: extra && view(extra),
		anchors: level.anchors && view(level.anchors),
		angleStep: (level.angle ? level.angle.channel - level.box.channel : head.codec.numRaw - 1) * box.channel,
		numAnchors: numLevelAnchors(level, tensors),
		index,
		firstRow: w.count,
	};
}

/** The filter of class scores. */
function scoreFilter(scan: LevelScan): Filter {
	return makeFilter(scan.call.minKey, scan.classes.table !== undefined, scan.head.score.activation === 'none');
}

/** The key of an element that was found, or NAN_KEY. */
function keyAt(view: View, place: number): number {
	const bits = bitsAt(view, place);
	return isNaNBits(bits) ? NAN_KEY : keyOfBits(bits >>> 0);
}

// Class-major: [C, A].

function scanTiles(scan: LevelScan): void {
	const { level, head, w } = scan;
	// a flat list, whose anchors may be fewer this time, is one row of cells
	const numCells = scan.numAnchors / level.numShapes;
	const interleaved = level.order === 'yxa';
	// Anchor numbers grow along a tile: all shapes of its cells when shapes run fastest, else one shape.
	const shapesPerTile = interleaved ? level.numShapes : 1;
	const perTile = Math.max(16, Math.min(TILE_ANCHORS, Math.floor(TILE_SCORES / numScores(head))));
	const cellsPerTile = Math.max(1, Math.floor(perTile / shapesPerTile));
	w.hits.reserveTile(cellsPerTile * shapesPerTile, cellsPerTile, 0);
	const filter = scoreFilter(scan);
	for (let shape = 0; shape < level.numShapes; shape += shapesPerTile) {
		for (let cell = 0; cell < numCells; cell += cellsPerTile) {
			const numTileCells = Math.min(cellsPerTile, numCells - cell);
			const numHits = findTileHits(scan, filter, shape, shape + shapesPerTile, cell, numTileCells);
			if (numHits === 0) continue;
			sortHitsByAnchor(w, numHits, numTileCells * shapesPerTile);
			emitTile(scan, numHits, shape, shapesPerTile, cell);
		}
	}
}

/** Collects the hits of a tile class by class. */
function findTileHits(scan: LevelScan, filter: Filter, shapeBegin: number, shapeEnd: number, cell: number, numTileCells: number): number {
	const { classes: view, head, level, w } = scan;
	const { hits } = w;
	const { peaks } = head.score;
	const shapes = shapeEnd - shapeBegin;
	let n = 0;
	const byChannel = scoresAreClasses(head);
	for (let c = 0; c < numScores(head); c++) {
		if (byChannel && !isAllowed(scan, c)) continue;
		for (let shape = shapeBegin; shape < shapeEnd; shape++) {
			const begin = view.start + shape * view.shape + c * view.channel + cell;
			const numFound = findPassing(view.data, begin, begin + numTileCells, filter, hits.found);
			hits.reserve(n + numFound);
			for (let i = 0; i < numFound; i++) {
				const place = hits.found[i];
				const key = keyAt(view, place);
				if (peaks && key !== NAN_KEY && !isPeak(view, place, cell + place - begin, level.grid)) continue;
				hits.anchors[n] = (place - begin) * shapes + (shape - shapeBegin);
				hits.classes[n] = c;
				hits.keys[n++] = key;
			}
		}
	}
	return n;
}

/** Puts the hits of an anchor together, classes ascending. Few are put in their places one by one, many counted. */
function sortHitsByAnchor({ hits }: Workspace, numHits: number, numAnchors: number): void {
	const { anchors, classes, keys, sortedAnchors, sortedClasses, sortedKeys, starts } = hits;
	if (numHits <= FEW_HITS) {
		for (let i = 0; i < numHits; i++) {
			const anchor = anchors[i];
			let place = i;
			for (; place > 0 && sortedAnchors[place - 1] > anchor; place--) {
				sortedAnchors[place] = sortedAnchors[place - 1];
				sortedClasses[place] = sortedClasses[place - 1];
				sortedKeys[place] = sortedKeys[place - 1];
			}
			sortedAnchors[place] = anchor;
			sortedClasses[place] = classes[i];
			sortedKeys[place] = keys[i];
		}
		return;
	}
	starts.fill(0, 0, numAnchors + 1);
	for (let i = 0; i < numHits; i++) starts[anchors[i] + 1]++;
	for (let a = 1; a <= numAnchors; a++) starts[a] += starts[a - 1];
	for (let i = 0; i < numHits; i++) {
		const place = starts[anchors[i]]++;
		sortedAnchors[place] = anchors[i];
		sortedClasses[place] = classes[i];
		sortedKeys[place] = keys[i];
	}
}

function emitTile(scan: LevelScan, numHits: number, shapeBegin: number, shapes: number, cell: number): void {
	const { level, w } = scan;
	const { sortedAnchors, sortedClasses, sortedKeys } = w.hits;
	const numCells = level.grid[0] * level.grid[1];
	const first = shapes > 1 || level.numShapes === 1 ? cell * shapes : shapeBegin * numCells + cell;
	for (let begin = 0, end = 0; begin < numHits; begin = end) {
		const a = sortedAnchors[begin];
		while (end < numHits && sortedAnchors[end] === a) end++;
		const shape = shapes > 1 ? a % shapes : shapeBegin;
		emit(scan, first + a, shape, cell + Math.floor(a / shapes), sortedClasses, sortedKeys, begin, end);
	}
}

// Anchor-major: [A, C], and whatever has no better way.

function scanRows(scan: LevelScan): void {
	const { classes: view, head, level, w } = scan;
	const { hits } = w;
	const filter = scoreFilter(scan);
	const numClasses = numScores(head);
	const step = view.channel;
	hits.reserveTile(0, numClasses, 0);
	hits.reserve(numClasses);
	for (let a = 0; a < scan.numAnchors; a++) {
		const shape = shapeOf(level, a);
		const cell = cellOf(level, a);
		const begin = view.start + shape * view.shape + cell * view.cell;
		let numFound = 0;
		if (step === 1) numFound = findPassing(view.data, begin, begin + numClasses, filter, hits.found);
		else for (let c = 0; c < numClasses; c++) numFound += findPassing(view.data, begin + c * step, begin + c * step + 1, filter, hits.found.subarray(numFound));
		if (numFound === 0) continue;
		emitFound(scan, a, shape, cell, begin, 0, numFound);
	}
}

/** Whether the scores of all anchors stand side by side, in the order of anchors. */
function isFlat({ classes: view, head, level }: LevelScan): boolean {
	const numClasses = numScores(head);
	const { numShapes, order, grid } = level;
	if (view.channel !== 1) return false;
	if (numShapes === 1) return view.cell === numClasses;
	if (order === 'yxa') return view.shape === numClasses && view.cell === numShapes * numClasses;
	return view.cell === numClasses && view.shape === grid[0] * grid[1] * numClasses;
}

function scanFlat(scan: LevelScan): void {
	const { classes: view, head, level, w, numAnchors } = scan;
	const { hits } = w;
	const filter = scoreFilter(scan);
	const numClasses = numScores(head);
	const perRun = Math.max(1, Math.floor(RUN_SCORES / numClasses));
	hits.reserveTile(0, perRun * numClasses, 0);
	hits.reserve(numClasses);
	for (let first = 0; first < numAnchors; first += perRun) {
		const begin = view.start + first * numClasses;
		const numFound = findPassing(view.data, begin, begin + Math.min(perRun, numAnchors - first) * numClasses, filter, hits.found);
		for (let i = 0; i < numFound; ) {
			const a = Math.floor((hits.found[i] - view.start) / numClasses);
			const place = view.start + a * numClasses;
			let next = i + 1;
			while (next < numFound && hits.found[next] < place + numClasses) next++;
			emitFound(scan, a, shapeOf(level, a), cellOf(level, a), place, i, next);
			i = next;
		}
	}
}

/** Emits what was found of one anchor, whose scores begin at `place`: the entries of `hits.found` from `from` to `to`. */
function emitFound(scan: LevelScan, a: number, shape: number, cell: number, place: number, from: number, to: number): void {
	const { classes: view, head, level, w } = scan;
	const { hits } = w;
	const byChannel = scoresAreClasses(head);
	let n = 0;
	for (let i = from; i < to; i++) {
		const classId = (hits.found[i] - place) / view.channel;
		if (byChannel && !isAllowed(scan, classId)) continue;
		const key = keyAt(view, hits.found[i]);
		if (head.score.peaks && key !== NAN_KEY && !isPeak(view, hits.found[i], cell, level.grid)) continue;
		hits.classes[n] = classId;
		hits.keys[n++] = key;
	}
	emit(scan, a, shape, cell, hits.classes, hits.keys, 0, n);
}
