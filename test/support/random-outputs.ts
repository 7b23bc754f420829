// Random raw tensors for any head: mostly losers, some hits, some values no network should put out.

import { bindTensor } from '../../src/bind.js';
import type { Head } from '../../src/heads/head.js';
import type { BoundTensor } from '../../src/tensors.js';
import { floatToHalf } from './half.js';
import { random } from './random.js';

export interface OutputOptions {
	batch: number;
	half: boolean;
	seed: number;
	/** Share of class scores that are high. */
	hits: number;
	/** Share of NaN of either sign, infinities and other poison. */
	nasty: number;
	/** High scores are drawn from these; default: uniform. */
	values?: readonly number[];
}

const POISON = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e30, -1e30, 6e-8];

/** Bound tensors of a head, in their first layout, filled field by field. */
export function randomOutputs(head: Head, options: OutputOptions): BoundTensor[] {
	const next = random(options.seed);
	const logits = head.score.activation !== 'none';
	return head.tensors.map((spec, index) => {
		const sizeOf = (axis: string): number => {
			const sizes = spec.sizes as Record<string, number>;
			if (axis === 'shape-channel') return sizes.shape * sizes.channel;
			return axis === 'one' ? 1 : sizes[axis];
		};
		const dims = [options.batch, ...spec.layouts[0].map(sizeOf)];
		const length = dims.reduce((a, b) => a * b, 1);
		const empty = bindTensor({ location: 'cpu', type: 'float32', data: new Float32Array(length), dims }, spec, head);
		const values = new Float32Array(length);
		const s = empty.strides;
		for (let image = 0; image < options.batch; image++) {
			for (const level of head.levels) {
				const cells = level.grid[0] * level.grid[1];
				for (let a = 0; a < level.numAnchors; a++) {
					const shape = level.order === 'ayx' ? Math.floor(a / cells) : a % level.numShapes;
					const cell = level.order === 'ayx' ? a % cells : Math.floor(a / level.numShapes);
					const at = image * s.image + shape * s.shape + cell * s.cell;
					const put = (channel: number, value: number) => {
						values[at + channel * s.channel] = next() < options.nasty ? POISON[Math.floor(next() * POISON.length)] : value;
					};
					if (level.box.tensor === index) for (let c = 0; c < 4; c++) put(level.box.channel + c, boxValue(head, c, next));
					const channels = head.numClasses + (head.score.activation === 'softmax' && head.score.background !== 'none' ? 1 : 0);
					if (level.classes.tensor === index) for (let c = 0; c < channels; c++) put(level.classes.channel + c, scoreValue(options, logits, next));
					if (level.objectness?.tensor === index) put(level.objectness.channel, logits ? next() * 6 - 2 : next());
				}
			}
		}
		const tensor = options.half
			? ({ location: 'cpu', type: 'float16', data: Uint16Array.from(values, floatToHalf), dims } as const)
			: ({ location: 'cpu', type: 'float32', data: values, dims } as const);
		return { ...empty, tensor };
	});
}

function boxValue(head: Head, c: number, next: () => number): number {
	if (head.codec.kind === 'boxes') return c < 2 ? next() * head.inputSize[1 - c] : 4 + next() * 40;
	return next() * 2 - 1;
}

function scoreValue({ hits, values }: OutputOptions, logits: boolean, next: () => number): number {
	const hit = next() < hits;
	const p = hit ? (values ? values[Math.floor(next() * values.length)] : 0.2 + 0.8 * next()) : next() * 0.1;
	return logits ? Math.log(Math.max(1e-4, p) / Math.max(1e-4, 1 - p)) : p;
}
