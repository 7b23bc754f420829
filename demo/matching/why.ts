// The panel that answers "why?": the anchors of the cell as shapes to choose from, their overlaps as bars with the
// thresholds across, and the steps of the rule with the one that decided.

import type { Matches } from 'kedge/training';
import { type AnchorSet, type Place, rowOf } from './anchor-sets.js';
import type { Explanation } from './explanation.js';
import { element } from './panels.js';

/** What the panel shows. */
export interface WhyView {
	readonly set: AnchorSet;
	readonly place: Place;
	readonly matches: Matches;
	readonly explanation: Explanation;
	readonly kinds: readonly string[];
	readonly colour: (truth: number) => string;
}

const SVG = 'http://www.w3.org/2000/svg';

/** Shows the explanation, or the invitation to point somewhere. */
export function showWhy(root: HTMLElement, title: HTMLElement, view: WhyView | undefined, choose: (shape: number) => void): void {
	if (!view) {
		title.textContent = '';
		root.replaceChildren(
			element('p', 'note', 'Point at a cell of the picture to see its anchors, the numbers behind each, and the step of the rule that decided.'),
		);
		return;
	}
	const { set, place, explanation } = view;
	const level = set.levels[place.level];
	const anchor = rowOf(set, place);
	const b = set.boxes.subarray(4 * anchor, 4 * anchor + 4);
	const size =
		set.kind === 'points'
			? `point at ${round(b[0] + level.stride / 2)}, ${round(b[1] + level.stride / 2)}`
			: `${round(b[2] - b[0])} × ${round(b[3] - b[1])} px`;
	title.textContent = `${level.name}, row ${place.row}, column ${place.column}: ${size}`;
	root.dataset.anchor = String(anchor);
	const keep = document.activeElement?.closest('.shapes') ? place.shape : -1;
	root.replaceChildren(...(level.perCell > 1 ? [shapes(view, choose)] : []), bars(view), steps(explanation));
	if (keep >= 0) root.querySelector<HTMLElement>('.shapes [aria-pressed="true"]')?.focus();
}

const round = (v: number) => String(Math.round(10 * v) / 10);

/** One button per anchor of the cell, its shape drawn to one scale. */
function shapes({ set, place, matches, colour }: WhyView, choose: (shape: number) => void): HTMLElement {
	const row = element('div', 'shapes');
	row.setAttribute('role', 'group');
	row.setAttribute('aria-label', 'Anchors of this cell');
	const { perCell } = set.levels[place.level];
	const sizes = Array.from({ length: perCell }, (_, shape) => {
		const b = 4 * rowOf(set, { ...place, shape });
		return [set.boxes[b + 2] - set.boxes[b], set.boxes[b + 3] - set.boxes[b + 1]];
	});
	const most = Math.max(...sizes.flat());
	sizes.forEach(([w, h], shape) => {
		const anchor = rowOf(set, { ...place, shape });
		const label = matches.labels[anchor];
		const button = element('button', 'shape');
		button.type = 'button';
		button.setAttribute('aria-pressed', String(shape === place.shape));
		button.setAttribute('aria-label', `${round(w)} by ${round(h)}, ${label === 1 ? 'positive' : label === -1 ? 'ignored' : 'negative'}`);
		button.dataset.label = String(label);
		if (label === 1) button.style.setProperty('--colour', colour(matches.matches[anchor]));
		const svg = document.createElementNS(SVG, 'svg');
		svg.setAttribute('viewBox', '-1 -1 2 2');
		const rect = document.createElementNS(SVG, 'rect');
		const [x, y] = [(0.92 * w) / most, (0.92 * h) / most];
		for (const [name, value] of Object.entries({ x: -x, y: -y, width: 2 * x, height: 2 * y })) rect.setAttribute(name, String(value));
		svg.append(rect);
		button.append(svg);
		button.addEventListener('click', () => choose(shape));
		row.append(button);
	});
	return row;
}

function bars({ explanation, kinds, colour }: WhyView): HTMLElement {
	const grid = element('div', 'overlaps');
	for (const { truth, value, text } of explanation.measures) {
		const name = element('span', 'name');
		const badge = element('span', 'badge', String(truth + 1));
		badge.style.setProperty('--colour', colour(truth));
		name.append(badge, kinds[truth]);
		const measure = element('span', 'measure');
		const bar = element('i', '');
		bar.style.width = `${100 * Math.min(1, Math.max(0, value))}%`;
		bar.style.setProperty('--colour', colour(truth));
		measure.append(bar);
		for (const mark of explanation.marks) {
			const line = element('u', '');
			line.style.left = `calc(${100 * mark}% - 1px)`;
			measure.append(line);
		}
		const number = element('span', 'number', text);
		number.dataset.truth = String(truth);
		number.title = explanation.measure;
		grid.append(name, measure, number);
	}
	return grid;
}

function steps({ steps: list }: Explanation): HTMLElement {
	const ordered = element('ol', 'steps');
	ordered.append(...list.map(({ text, decided }) => element('li', decided ? 'decided' : '', text)));
	return ordered;
}
