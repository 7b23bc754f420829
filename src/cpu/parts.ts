// What the GPU backend borrows: suppression of candidates that the GPU decoded ('hybrid'), and the twins that carry a
// run on from any step (the stage switch). Handed over by whoever knows both sides; cpu and gpu never import each other.

import { scoreMap } from '../head-facts.js';
import type { CpuParts, PipelineOptions } from '../pipeline.js';
import type { SoftenRows } from './fast.js';

/** What suppresses softly, fetched where that is asked for. */
export async function softenerOf({ soft, head }: PipelineOptions): Promise<SoftenRows | undefined> {
	return soft && (await import('./soft-fast.js')).softener(soft, scoreMap(head));
}

export const cpuParts: CpuParts = {
	async suppressCandidates(candidates, options, call) {
		const [{ suppressCandidates, suppressOptions }, { rotatedKeeps }] = await Promise.all([import('./fast.js'), import('./rotated.js')]);
		return suppressCandidates(candidates, call, suppressOptions(options, rotatedKeeps, await softenerOf(options)));
	},
	// The twins are for those who look for a fault; nobody else downloads them.
	runTwins: async (run, memory, steps) => (await import('./twins.js')).resumeOnTwins(run, memory, steps),
};
