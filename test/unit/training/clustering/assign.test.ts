// The fast way to assign points against the textbook: the same clusters, sums and moves, step by step, ties and empty clusters included.

import { describe, expect, it } from 'vitest';
import { PlainAssigner } from '../../../../src/training/clustering/assign.js';
import { LeafAssigner } from '../../../../src/training/clustering/assign-leaves.js';
import { makePoints, means } from '../../../../src/training/clustering/points.js';
import { checkFilter, groupSizes } from '../../../../src/training/clustering/sizes.js';
import { random } from '../../../support/random.js';
import { randomSizes } from '../../../support/random-sizes.js';

const SETS: [string, Float32Array][] = [
	['as data sets have them', randomSizes(3000, 1)],
	['whole pixels', randomSizes(3000, 2, 2)],
	['few', randomSizes(7, 3)],
	['a lattice, full of ties', Float32Array.from({ length: 2 * 900 }, (_, i) => 10 * (1 + (i % 2 ? Math.floor(i / 60) : (i >> 1) % 30)))],
	['far apart', Float32Array.from({ length: 800 }, (_, i) => 2 ** (((i * 7) % 59) - 29))],
];

describe.each(SETS)('LeafAssigner: sizes %s', (_, sizes) => {
	it.each(['iou', 'euclidean', 'whitened'] as const)('is the textbook, bit for bit: %s', (distance) => {
		const points = makePoints(groupSizes('test', sizes, checkFilter('test', {})), distance);
		const [fast, plain] = [new LeafAssigner(points), new PlainAssigner(points)];
		for (const numCenters of [1, 2, 9, 40]) {
			const next = random(numCenters);
			fast.reset();
			plain.reset();
			const drawn = Array.from({ length: numCenters }, () => Math.floor(next() * points.x.length));
			let centers: Float32Array = Float32Array.from(drawn.flatMap((row) => [points.x[row], points.y[row]]));
			for (let step = 0; step < 12; step++) {
				// sometimes without one of them
				const alive = Uint32Array.from(centers.subarray(0, numCenters).keys()).filter((k) => numCenters < 3 || step < 8 || k !== 1);
				const found = plain.assign(centers, alive);
				expect(fast.assign(centers, alive)).toEqual(found);
				expect(fast.assigned()).toEqual(plain.assigned());
				centers = means(points, found, centers);
				// centres that jump, so that whole leaves change
				if (step === 5) centers = centers.map((side) => side * (0.5 + next()));
			}
		}
	});
});
