// Overlaps without their matrix: the same bits as the matrix gives, for any boxes.

import { describe, expect, it } from 'vitest';
import { boxIou } from '../../../../src/index.js';
import { type Overlaps, overlapsOf, pairsOf, type TiesWanted } from '../../../../src/training/matching/overlaps.js';
import { faultOf, prepare } from '../../../../src/training/matching/prepare.js';
import { overlapsOfMatrix } from '../../../../src/training/matching/similarity.js';
import { largest, matrixOf, scene } from '../../../support/matching.js';
import { random, randomBoxes } from '../../../support/random.js';

const DEFAULTS = { rule: 'border', when: 'before' } as const;

/** The definition, from the matrix. */
function plain(anchors: Float32Array, groundTruths: Float32Array, { keep, minimum }: TiesWanted) {
	const matrix = matrixOf(anchors, groundTruths);
	const numAnchors = anchors.length / 4;
	const rows = matrix.map((row) => row.reduce((best, value, index) => (value > best.value ? { value, index } : best), { value: -1, index: -1 }));
	const columns = Array.from({ length: numAnchors }, (_, a) => (matrix.length ? largest(matrix.map((row) => row[a])) : { value: 0, index: -1 }));
	const tied = columns.map((_, a) => {
		const all = [...rows.keys()].filter((g) => rows[g].value >= minimum && matrix[g][a] === rows[g].value);
		return (keep === 'first' ? all[0] : all.at(-1)) ?? -1;
	});
	return {
		maxIou: columns.map((c) => c.value),
		argmax: columns.map((c) => c.index),
		best: rows.map((r) => Math.max(0, r.value)),
		bestAnchor: rows.map((r) => r.index),
		tied,
	};
}

const listed = ({ maxIou, argmax, best, bestAnchor, tied }: Overlaps) =>
	Object.fromEntries(Object.entries({ maxIou, argmax, best, bestAnchor, tied }).map(([name, values]) => [name, [...(values ?? [])]]));

describe('overlaps', () => {
	for (const set of ['clustered', 'uniform', 'integer', 'degenerate', 'identical', 'chain', 'disjoint'] as const) {
		it(`of ${set} boxes are those of the matrix`, () => {
			for (const [numAnchors, numGroundTruths] of [
				[0, 3],
				[7, 0],
				[1, 1],
				[7, 33],
				[300, 1],
				[300, 33],
				[500, 100],
			]) {
				for (const ties of [
					{ keep: 'first', minimum: 0 },
					{ keep: 'last', minimum: 0.3 },
				] as const) {
					const given = scene(set, numAnchors, numGroundTruths, numAnchors + numGroundTruths);
					const { anchors, groundTruths } = prepare('test', given.anchors, given.groundTruths, {}, DEFAULTS);
					expect(listed(overlapsOf(anchors, groundTruths, ties))).toEqual(plain(anchors, groundTruths, ties));
				}
			}
		});
	}

	it('of more ground truths than a mask has bits, at any scale, are those of the matrix', () => {
		for (const scale of [2 ** -60, 1, 2 ** 50]) {
			const given = scene('clustered', 200, 700, 5);
			const { anchors, groundTruths } = prepare(
				'test',
				given.anchors.map((x) => x * scale),
				given.groundTruths.map((x) => x * scale),
				{},
				DEFAULTS,
			);
			const ties = { keep: 'last', minimum: 0 } as const;
			expect(listed(overlapsOf(anchors, groundTruths, ties))).toEqual(plain(anchors, groundTruths, ties));
		}
	});

	it('with a ground truth far from all others are those of the matrix', () => {
		const { anchors, groundTruths } = scene('integer', 200, 40, 6);
		groundTruths.set([-(2 ** 61), -(2 ** 61), 2 ** 61, 2 ** 61], 8);
		groundTruths.set([2 ** 60, 2 ** 60, 2 ** 61, 2 ** 61], 16);
		const ties = { keep: 'first', minimum: 0 } as const;
		expect(listed(overlapsOf(anchors, groundTruths, ties))).toEqual(plain(anchors, groundTruths, ties));
	});

	it('of one pair have the bits of boxIou', () => {
		const next = random(3);
		for (const set of ['clustered', 'integer', 'degenerate'] as const) {
			const [a, b] = [randomBoxes(60, set, next), randomBoxes(60, set, next)];
			const matrix = boxIou(a, b);
			for (let i = 0; i < 60; i++) {
				for (let j = 0; j < 60; j++) {
					if (faultOf(a, 4 * i) === 'not-finite' || faultOf(b, 4 * j) === 'not-finite') continue;
					const flushed = prepare('test', a.slice(4 * i, 4 * i + 4), b.slice(4 * j, 4 * j + 4), {}, DEFAULTS);
					if (flushed.indices.length === 0) expect(matrix[i * 60 + j]).toBe(0);
					else expect(pairsOf(flushed.anchors, flushed.groundTruths)(0, 0)).toBe(matrix[i * 60 + j]);
				}
			}
		}
	});

	it('of a matrix are its extremes, whatever their sign', () => {
		const matrix = new Float32Array([-0.5, -0.25, -0.25, 0.5, -1, 0.5]);
		const found = overlapsOfMatrix(matrix, 3, { keep: 'first', minimum: -Infinity });
		expect(listed(found)).toEqual({ maxIou: [0.5, -0.25, 0.5], argmax: [1, 0, 1], best: [-0.25, 0.5], bestAnchor: [1, 0], tied: [1, 0, 0] });
	});
});
