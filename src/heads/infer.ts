// Which head fits the outputs a model has, from their shapes and whatever else is known. Where several fit the answer
// is the list of them: a guess would show as plausible boxes in the wrong places. The readings are in infer/.

import { show } from '../errors.js';
import { readDenseMaps, readLists } from './infer/dense.js';
import { readFaces } from './infer/faces.js';
import { type Facts, type InferHints, readFacts } from './infer/facts.js';
import { FAMILIES, type Fit, type HeadCandidate } from './infer/fit.js';
import { showDims } from './infer/outputs.js';
import { readQueries, readRows } from './infer/rows.js';
import { assumptions, doubtOf, missingHints, strike } from './infer/settle.js';
import { readSecondStages, readSingleMaps } from './infer/stages.js';
import { strangers } from './infer/strangers.js';
import { readFlatYolo } from './infer/yolo-flat.js';
import { readYoloMaps } from './infer/yolo-maps.js';

export type { InferHints, InferStyle, Task as InferTask } from './infer/facts.js';
export type { HeadCandidate } from './infer/fit.js';

/** The head that fits, or the several that do (none: an empty list), and why. */
export type InferredHead =
	| (HeadCandidate & { readonly candidates?: undefined; readonly reason: string })
	| { readonly head?: undefined; readonly candidates: readonly HeadCandidate[]; readonly reason: string };

/** Every reading of outputs as some family's. */
const READINGS = [readFlatYolo, readRows, readYoloMaps, readLists, readQueries, readDenseMaps, readSingleMaps, readFaces, readSecondStages];

/**
 * Names the head for output shapes: dims, or tensors with dims, alone, in an array, or by output name. A batch axis of
 * unknown length may be any non-number. inferHead([[1, 84, 8400]]) is yolov8 with 80 classes at 640 x 640. Where several
 * heads fit, or one needs what shapes do not show, the answer is the list of their calls and a reason that says which
 * hints would settle it. Names of outputs count as hints where they are an exporter's own. Throws a TypeError or
 * RangeError for shapes or hints that are none, never for shapes that fit nothing.
 */
export function inferHead(shapes: unknown, hints: InferHints = {}): InferredHead {
	const facts = readFacts(shapes, hints, FAMILIES);
	const shown = showDims(facts.outputs);
	if (facts.foreignTask !== undefined)
		return { candidates: [], reason: `the metadata says task ${show(facts.foreignTask)}, for which no head is built. Describe the model with defineHead` };
	const fits = fitting(facts);
	if (fits.length === 0) return { candidates: [], reason: `${shown} fits no head that is built${without(facts)}` };
	const [only] = fits;
	const doubt = fits.length === 1 ? doubtOf(only, facts) : undefined;
	if (fits.length === 1 && !doubt) {
		const because = assumptions(only, facts).map((text) => `; ${text}`);
		return { ...candidateOf(only), reason: `${shown} fits ${only.call}, alone of kedge's heads${because.join('')}` };
	}
	const remarks = new Set(fits.flatMap((f) => [f.because, f.doubt, ...(f === only && doubt ? [doubt] : [])]).filter(Boolean));
	const missing = missingHints(fits, facts);
	const help =
		missing.length > 0
			? `Say more by hints: ${missing.join(', ')}`
			: fits.length > 1
				? 'The outputs do not tell: choose one'
				: 'Use the call once that is known';
	const calls = fits.map((f) => f.call).join(' and ');
	return { candidates: fits.map(candidateOf), reason: `${shown} fits ${calls}${[...remarks].map((text) => `; ${text}`).join('')}. ${help}` };
}

/** For error texts: the calls of the heads that one tensor of these dims fits, three at most, or undefined. */
export function suggestHead(dims: readonly number[]): string | undefined {
	const calls = fitting({ outputs: [{ dims }] }).map((f) => f.call);
	if (calls.length === 0) return undefined;
	return `${calls.slice(0, 3).join(' or ')}${calls.length > 3 ? ` or ${calls.length - 3} more that inferHead names` : ''}`;
}

function fitting(facts: Facts): Fit[] {
	return strike(
		READINGS.flatMap((read) => read(facts)),
		facts,
	);
}

function candidateOf({ name, head, call }: Fit): HeadCandidate {
	return { name, head, call };
}

// Why nothing fits: what it looks like, what would fit without the hints, what to do
function without(facts: Facts): string {
	const known = strangers(facts.outputs);
	const plain = fitting({ outputs: facts.outputs }).slice(0, 3);
	const instead = plain.length > 0 ? `; without what hints and metadata say it fits ${plain.map((f) => f.call).join(' or ')}` : '';
	return `${known && `; ${known}`}${instead}. ${instead ? 'Check the hints' : 'Pass every output of the model'}, or describe it with defineHead`;
}
