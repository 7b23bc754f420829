// What the GPU backend borrows: suppression of candidates that the GPU decoded ('hybrid'), and the twins that carry a
// run on from any step (the stage switch). Handed over by whoever knows both sides; cpu and gpu never import each other.

import type { CpuParts } from '../pipeline.js';

export const cpuParts: CpuParts = {
	async suppressCandidates(words, count, { head: { numClasses, suppression }, multiLabel, overlap }, call) {
		const { suppressCandidates } = await import('./fast.js');
		return suppressCandidates({ words, count, numCandidates: count, rejected: 0 }, call, { numClasses, multiLabel, suppression, overlap });
	},
	// The twins are for those who look for a fault; nobody else downloads them.
	runTwins: async (run, memory, steps) => (await import('./twins.js')).resumeOnTwins(run, memory, steps),
};
