// The tensors of a call in their places of a head. Runtimes put the outputs of every run into the same few buffers: what came
// before is not worked out again, and whoever is given the same list knows that nothing has moved.

import { bindTensor, type SuggestHead } from './bind.js';
import { refuse } from './checks.js';
import type { Head } from './heads/head.js';
import { normalizeOutputs } from './outputs.js';
import type { BoundTensor, Outputs, Tensor } from './tensors.js';

/** Lists kept: outputs may alternate between a few buffers. */
const MOST_KEPT = 4;

export class Bindings {
	readonly #head: Head;
	/** Lists of tensors on the GPU, the latest first. */
	#known: (readonly BoundTensor[])[] = [];

	constructor(head: Head) {
		this.#head = head;
	}

	/**
	 * The tensors in the order of the head, all of one batch. Throws a TypeError or RangeError that names the output; `suggest` finds
	 * the head that would fit.
	 */
	bind(where: 'run' | 'encode', outputs: Outputs, suggest?: SuggestHead): readonly BoundTensor[] {
		const plain = normalizeOutputs(outputs, this.#head, where);
		const at = this.#known.findIndex((known) => known.every(({ tensor }, i) => isSamePlace(tensor, plain[i])));
		if (at === 0) return this.#known[0];
		const bound = at > 0 ? this.#known.splice(at, 1)[0] : this.#fit(where, plain, suggest);
		if (plain[0].location === 'gpu') this.#known = [bound, ...this.#known.slice(0, MOST_KEPT - 1)];
		return bound;
	}

	#fit(where: string, plain: readonly Tensor[], suggest?: SuggestHead): readonly BoundTensor[] {
		const { tensors: specs } = this.#head;
		const bound = plain.map((tensor, i) => bindTensor(tensor, specs[i], this.#head, { where, suggest }));
		const { batch } = bound[0].strides;
		bound.forEach(({ strides }, i) => {
			const rule = `must have the batch of ${specs[0].name}, ${batch}`;
			if (strides.batch !== batch) refuse(RangeError, where, specs[i].name, rule, strides.batch);
		});
		const lengths = bound.map(({ strides }) => strides.numAnchors).filter((n) => n !== undefined);
		const other = lengths.findIndex((n) => n !== lengths[0]);
		if (other > 0) refuse(RangeError, where, specs[other].name, `must have as many anchors as ${specs[0].name}, ${lengths[0]}`, lengths[other]);
		return bound;
	}

	/** Lets go of the buffers. */
	clear(): void {
		this.#known = [];
	}
}

/** Whether a tensor lies where another one lay: in the same part of the same buffer, with the same dims. */
function isSamePlace(a: Tensor, b: Tensor): boolean {
	if (a.location === 'cpu' || b.location === 'cpu') return false;
	const sameDims = a.dims === b.dims || (a.dims?.length === b.dims?.length && a.dims?.every((n, i) => n === b.dims?.[i]));
	return a.buffer === b.buffer && a.offset === b.offset && a.type === b.type && sameDims === true;
}
