// The thresholds as sliders: only those that a rule on the page listens to, starting where the framework has them.

import type { Rule, Thresholds } from './rules.js';

interface Slider {
	readonly label: string;
	readonly min: number;
	readonly max: number;
	readonly step: number;
	readonly standard: number;
}

const SLIDERS: Readonly<Record<keyof Thresholds, Slider>> = {
	positive: { label: 'Positive from IoU', min: 0, max: 1, step: 0.01, standard: 0.5 },
	negative: { label: 'Negative below IoU', min: 0, max: 1, step: 0.01, standard: 0.4 },
	minPositive: { label: 'A best anchor needs IoU', min: 0, max: 1, step: 0.01, standard: 0 },
	ignore: { label: 'YOLO: not punished above IoU', min: 0, max: 1, step: 0.01, standard: 0.7 },
	ratio: { label: 'YOLOv5: sides within a factor of', min: 1.1, max: 8, step: 0.1, standard: 4 },
	topK: { label: 'ATSS: candidates per level', min: 1, max: 20, step: 1, standard: 9 },
	radius: { label: 'FCOS: centre region, strides', min: 0.5, max: 4, step: 0.1, standard: 1.5 },
};
const KEYS = Object.keys(SLIDERS) as (keyof Thresholds)[];

/** The sliders and their values. */
export class Sliders {
	readonly values: Thresholds = Object.fromEntries(KEYS.map((key) => [key, SLIDERS[key].standard])) as unknown as Thresholds;
	readonly #root: HTMLElement;
	readonly #changed: () => void;
	#rules: readonly Rule[] = [];
	#published: { positive: number; negative: number } = { positive: 0.5, negative: 0.4 };

	constructor(root: HTMLElement, changed: () => void) {
		this.#root = root;
		this.#changed = changed;
	}

	/** Shows the sliders of these rules, at the published values. */
	use(rules: readonly Rule[], published: { readonly positive: number; readonly negative: number }): void {
		this.#rules = rules;
		this.#published = published;
		for (const key of KEYS) this.values[key] = SLIDERS[key].standard;
		Object.assign(this.values, published);
		this.#show();
	}

	/** Back to the published values. */
	reset(): void {
		this.use(this.#rules, this.#published);
		this.#changed();
	}

	#show(): void {
		const used = KEYS.filter((key) => this.#rules.some(({ uses }) => uses.includes(key)));
		this.#root.replaceChildren(...used.map((key) => this.#make(key)));
	}

	#make(key: keyof Thresholds): HTMLElement {
		const { label: text, min, max, step } = SLIDERS[key];
		const row = document.createElement('div');
		row.className = 'slider';
		const label = document.createElement('label');
		label.htmlFor = `threshold-${key}`;
		label.textContent = text;
		const output = document.createElement('output');
		output.htmlFor.add(label.htmlFor);
		const input = document.createElement('input');
		Object.assign(input, { type: 'range', id: label.htmlFor, min, max, step, value: this.values[key] });
		const show = () => {
			input.value = String(this.values[key]);
			output.textContent = this.values[key].toFixed(step < 0.1 ? 2 : step < 1 ? 1 : 0);
		};
		show();
		input.addEventListener('input', () => {
			this.values[key] = input.valueAsNumber;
			// a negative must not reach what is positive: the other line gives way
			if (key === 'positive' && this.values.negative > this.values.positive) this.#push('negative', this.values.positive);
			if (key === 'negative' && this.values.negative > this.values.positive) this.#push('positive', this.values.negative);
			show();
			this.#changed();
		});
		row.append(label, output, input);
		return row;
	}

	#push(key: 'positive' | 'negative', value: number): void {
		this.values[key] = value;
		const input = this.#root.querySelector<HTMLInputElement>(`#threshold-${key}`);
		if (!input) return;
		input.value = String(value);
		const output = input.parentElement?.querySelector('output');
		if (output) output.textContent = value.toFixed(2);
	}
}
