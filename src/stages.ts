// The stages by name, and what limits the full bitmask: words that options need without the plan.

/** The stages in order; the same word names the shader, the twin, the test and the readout. */
export const STAGES = ['decode', 'bins', 'scatter', 'rank', 'merge', 'suppress', 'gather'] as const;

/** The full bitmask is for this many candidates at most: 2 MB. */
export const BITMASK_LIMIT = 4096;
