// What is set on the anchors page, read from its controls: there is no second copy of it.

import { byId, radios } from '../page.js';
import type { Distance } from './pictures.js';
import type { Where } from './worker.js';

/** Everything a run depends on. */
export interface Options {
	readonly inputSize: number;
	/** Anchors of each level. */
	readonly each: number;
	readonly levels: number;
	readonly distance: Distance;
	readonly update: 'mean' | 'median';
	readonly init: 'kmeans++' | 'random';
	readonly seed: number;
	readonly generations: number;
	readonly where: Where;
}

const input = (id: string) => byId(id, HTMLInputElement);
const SLIDERS = ['size', 'each', 'levels', 'generations'] as const;

function word<T extends string>(name: string): T {
	return (radios(name).find((radio) => radio.checked)?.value ?? '') as T;
}

/** The controls as they stand. Throws a RangeError for a seed that is none. */
export function readOptions(): Options {
	const seed = input('seed').valueAsNumber;
	if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
		throw new RangeError(`seed: must be a whole number from 0 to 4294967295; got ${input('seed').value || 'nothing'}`);
	return {
		inputSize: input('size').valueAsNumber,
		each: input('each').valueAsNumber,
		levels: input('levels').valueAsNumber,
		distance: word('distance'),
		update: word('update'),
		init: word('init'),
		seed,
		generations: input('generations').valueAsNumber,
		where: word('backend'),
	};
}

/** Which scale the axes have. */
export const readAxes = () => word<'log' | 'value'>('axes');

/** Shows values beside sliders, and calls back with the id of the control that was changed. */
export function connectOptions(changed: (id: string) => void): void {
	for (const id of SLIDERS) {
		const slider = input(id);
		const show = () => {
			byId(`${id}-value`, HTMLOutputElement).textContent = slider.value;
		};
		show();
		slider.addEventListener('input', show);
		slider.addEventListener('change', () => changed(id));
	}
	for (const name of ['distance', 'update', 'init', 'backend', 'axes']) {
		for (const radio of radios(name)) radio.addEventListener('change', () => changed(name));
	}
	input('seed').addEventListener('change', () => changed('seed'));
}
