// Whether a head's candidates are ranked by a logit: a fact of the head that options, stages and results need.

import type { Head } from './heads/head.js';

/** True when a candidate's key is the key of a logit and its score the sigmoid of it. */
export function keysAreLogits(head: Head): boolean {
	return head.score.activation === 'sigmoid' && !head.score.objectness;
}
