// Genetic evolution of anchors as tutorials write it after yolov5: arrays of [width, height], one loop in the other, doubles.

export type Pair = readonly [width: number, height: number];

/** The mean over the boxes of the best anchor's worse side ratio, where it is above 1/4. */
function fitness(boxes: readonly Pair[], anchors: readonly Pair[]): number {
	let sum = 0;
	for (const [width, height] of boxes) {
		let best = 0;
		for (const [anchorWidth, anchorHeight] of anchors) {
			const across = width / anchorWidth;
			const down = height / anchorHeight;
			best = Math.max(best, Math.min(across, 1 / across, down, 1 / down));
		}
		if (best > 1 / 4) sum += best;
	}
	return sum / boxes.length;
}

export interface PlainEvolution {
	readonly anchors: readonly Pair[];
	/** Generations whose mutant was accepted. */
	readonly accepted: readonly number[];
}

/** `factors[generation]` are those of every side. */
export function plainEvolution(boxes: readonly Pair[], anchors: readonly Pair[], factors: readonly Float32Array[]): PlainEvolution {
	let best = anchors;
	let bestFitness = fitness(boxes, anchors);
	const accepted: number[] = [];
	factors.forEach((v, generation) => {
		const mutant = best.map(([width, height], k): Pair => [Math.max(2, width * v[2 * k]), Math.max(2, height * v[2 * k + 1])]);
		const mutantFitness = fitness(boxes, mutant);
		if (mutantFitness > bestFitness) {
			best = mutant;
			bestFitness = mutantFitness;
			accepted.push(generation);
		}
	});
	return { anchors: best, accepted };
}
