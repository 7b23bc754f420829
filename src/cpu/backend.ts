// The CPU backend: scan, then fast suppression, one image after the other. Everything happens before `run` returns its
// promise, so the caller's arrays may change afterwards.

import { KedgeError } from '../errors.js';
import type { Kept, Pipeline, PipelineOptions } from '../pipeline.js';
import type { CallParams } from '../plan.js';
import type { BoundTensor } from '../tensors.js';
import { type SoftenRows, type SuppressOptions, suppressOptions, suppressRows, toKept } from './fast.js';
import { gatherKept } from './gather.js';
import { rotatedKeeps } from './rotated.js';
import { scan } from './scan.js';
import { giveBack, takeWorkspace } from './workspace.js';

/** A head on the CPU, with `soften` where it suppresses softly. Rejects with the signal's reason when it was aborted before, and with DISPOSED after `dispose`. */
export function createCpuPipeline(options: PipelineOptions, soften?: SoftenRows): Pipeline {
	let disposed = false;
	const rules = suppressOptions(options, rotatedKeeps, soften);
	return {
		async run(tensors, batch, call) {
			if (disposed) throw new KedgeError('DISPOSED', 'run: the postprocessor was disposed; make a new one');
			call.signal?.throwIfAborted();
			return Array.from({ length: batch }, (_, image) => runImage(options, rules, tensors, image, call));
		},
		dispose() {
			disposed = true;
		},
	};
}

function runImage(options: PipelineOptions, rules: SuppressOptions, tensors: readonly BoundTensor[], image: number, call: CallParams): Kept {
	const w = takeWorkspace();
	try {
		const times = call.timings ? { decode: 0, sort: 0, suppress: 0 } : undefined;
		const begun = times ? performance.now() : 0;
		scan(w, options, tensors, image, call);
		if (times) times.decode = performance.now() - begun;
		(rules.soften ?? suppressRows)(w, call, rules, times);
		const kept = toKept(w, call, rules, times);
		gatherKept(options.head, tensors, image, kept);
		return kept;
	} finally {
		giveBack(w);
	}
}
