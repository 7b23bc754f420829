// Facts of a head that options, stages and results need, and that follow from several of its fields.

import type { Field, Head, Level } from './heads/head.js';

/** True when a candidate's key is the key of a logit and its score the sigmoid of it. */
export function keysAreLogits(head: Head): boolean {
	return head.score.activation === 'sigmoid' && !head.score.objectness;
}

/** True when the number of a score among its anchor's is its class id. */
export function scoresAreClasses(head: Head): boolean {
	return (head.score.classes ?? 'channels') === 'channels';
}

/** Scores per anchor: one per class, or one alone when its class id stands elsewhere. */
export function numScores(head: Head): number {
	return scoresAreClasses(head) ? head.numClasses : 1;
}

/** True when several threads may share an anchor's scores; a softmax takes all of them together. */
export function canShare(head: Head): boolean {
	return numScores(head) > 1 && head.score.activation !== 'softmax';
}

/** Lists of candidates per image: one, or one per level where each level is cut by itself. */
export function numSlots(head: Head): number {
	return head.maxCandidatesPerLevel === undefined ? 1 : head.levels.length;
}

/** Candidates that may come before suppression, after the cuts: of each level where each is cut by itself, and of the image. */
export function mostListed(head: Head, multiLabel: boolean, maxCandidates: number): number {
	const { maxCandidatesPerLevel: most = maxCandidates } = head;
	const anchors = numSlots(head) === 1 ? [head.numAnchors] : head.levels.map((level) => level.numAnchors);
	const listed = anchors.reduce((sum, count) => sum + Math.min(most, multiLabel ? count * numScores(head) : count), 0);
	return Math.min(maxCandidates, listed);
}

/** How a candidate's key becomes its score: the number it is the key of, the sigmoid of that, or the square root of it. */
export type ScoreMap = 'itself' | 'sigmoid' | 'sqrt';

/** How this head's keys become scores. */
export function scoreMap(head: Head): ScoreMap {
	if (keysAreLogits(head)) return 'sigmoid';
	return head.score.objectness?.combine === 'sqrt' ? 'sqrt' : 'itself';
}

/** Words behind a row of the result: the angle, then keypoints, then mask coefficients. */
export function extrasOf(head: Head): { angle: number; keypoints: number; masks: number; total: number } {
	const angle = head.codec.rotated ? 1 : 0;
	const keypoints = head.keypoints ? head.keypoints.count * head.keypoints.dims : 0;
	const masks = head.maskCoefficients ?? 0;
	return { angle, keypoints, masks, total: angle + keypoints + masks };
}

/** What a level's kernels bind besides boxes and classes: the second factor, class ids, or some of the boxes' numbers. */
export function extraField(level: Level): Field | undefined {
	return level.objectness ?? level.classIds ?? level.size ?? (level.angle?.tensor === level.box.tensor ? undefined : level.angle);
}

/** How many of a codec's last raw numbers stand in the extra tensor. */
export function numRawApart(level: Level): number {
	if (level.size) return 2;
	return level.angle && extraField(level) === level.angle ? 1 : 0;
}
