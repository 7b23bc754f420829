// What there is to see at each step of k-means, and after evolution.

import type { Tasks } from './worker.js';

type Clusters = Tasks['cluster']['output'];

/** Anchors and whose object is whose. */
export interface Moment {
	/** [K, 2]. */
	readonly anchors: ArrayLike<number>;
	/** [N]. */
	readonly assignments: ArrayLike<number>;
	readonly meanIou: number | undefined;
}

/** The steps in order; k-means without a trace has its end alone. */
export function momentsOf(clusters: Clusters): readonly Moment[] {
	return clusters.trace?.length ? clusters.trace : [clusters];
}

/** Objects that went to another anchor from one moment to the next. */
export function numMoved(before: Moment, after: Moment): number {
	let moved = 0;
	for (let i = 0; i < after.assignments.length; i++) if (after.assignments[i] !== before.assignments[i]) moved++;
	return moved;
}

/** Standard deviations of widths and of heights [N, 2], never 0. */
export function spreadOf(sizes: ArrayLike<number>): [number, number] {
	const spread = [0, 1].map((side) => {
		let [sum, squares] = [0, 0];
		for (let i = side; i < sizes.length; i += 2) [sum, squares] = [sum + sizes[i], squares + sizes[i] ** 2];
		const count = Math.max(1, sizes.length / 2);
		return Math.sqrt(Math.max(1e-12, squares / count - (sum / count) ** 2));
	});
	return [spread[0], spread[1]];
}
