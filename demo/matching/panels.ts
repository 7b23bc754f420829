// The small pictures, one per rule, and the table of what became of each object. Buttons: a click looks at a rule closely.

import type { LostReason, Matches } from 'kedge/training';
import { drawSmall, type Picture } from './draw.js';
import type { Rule } from './rules.js';
import { sharpen } from './theme.js';

/** One rule's answer. */
export interface Answer {
	readonly rule: Rule;
	readonly matches: Matches;
}

interface Panel {
	readonly button: HTMLButtonElement;
	readonly canvas: HTMLCanvasElement;
	readonly tally: HTMLElement;
	readonly verdict: HTMLElement;
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ''): HTMLElementTagNameMap[K] {
	const made = document.createElement(tag);
	made.className = className;
	made.textContent = text;
	return made;
}

export { element };

/** How many, and what of: "1 anchor", "12 anchors". */
export const counted = (count: number, what: string) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/** The grid of rules. */
export class Panels {
	readonly #root: HTMLElement;
	readonly #panels = new Map<string, Panel>();
	readonly #choose: (rule: string) => void;

	constructor(root: HTMLElement, choose: (rule: string) => void) {
		this.#root = root;
		this.#choose = choose;
	}

	/** Makes one panel per rule, in this order. */
	setRules(rules: readonly Rule[]): void {
		this.#panels.clear();
		this.#root.replaceChildren(
			...rules.map((rule) => {
				const button = element('button', 'rule');
				button.type = 'button';
				button.dataset.rule = rule.id;
				const title = element('span', 'title', rule.title);
				const canvas = element('canvas', '');
				const tally = element('span', 'tally');
				const verdict = element('span', 'verdict');
				button.append(title, canvas, tally, element('span', 'caption', rule.caption), verdict);
				button.addEventListener('click', () => this.#choose(rule.id));
				this.#panels.set(rule.id, { button, canvas, tally, verdict });
				return button;
			}),
		);
	}

	/** Draws one rule's answer. */
	draw({ rule, matches }: Answer, picture: Picture, chosen: boolean): void {
		const panel = this.#panels.get(rule.id);
		if (!panel) return;
		const pen = sharpen(panel.canvas, picture.set.inputSize);
		if (pen) drawSmall(pen, picture);
		const pressed = String(chosen);
		if (panel.button.getAttribute('aria-pressed') !== pressed) panel.button.setAttribute('aria-pressed', pressed);
		const lost = matches.groundTruths.filter((fate) => fate.lost).length;
		Object.assign(panel.button.dataset, { positives: matches.numPositives, ignored: matches.numIgnored, lost });
		write(panel.tally, [
			[`${matches.numPositives}`, ' positive', ''],
			...(matches.numIgnored ? ([[`${matches.numIgnored}`, ' ignored', '']] as const) : []),
			...(lost ? ([['', `${lost} lost`, 'lost']] as const) : []),
		]);
	}

	/** Says what the anchor that is looked at is to each rule. */
	verdict(rule: string, text: string, label: number, colour: string): void {
		const verdict = this.#panels.get(rule)?.verdict;
		if (!verdict) return;
		if (verdict.textContent !== text) verdict.textContent = text;
		verdict.dataset.label = String(label);
		verdict.style.setProperty('--colour', colour);
	}
}

/** Rewrites a line only where it changes: pages that announce nothing new stay silent. */
function write(line: HTMLElement, parts: readonly (readonly [strong: string, rest: string, className: string])[]): void {
	const text = parts.map((part) => part.join('')).join('|');
	if (line.dataset.text === text) return;
	line.dataset.text = text;
	line.replaceChildren(
		...parts.map(([strong, rest, className]) => {
			const part = element('span', className);
			if (strong) part.append(element('b', '', strong));
			part.append(rest);
			return part;
		}),
	);
}

const LOST: Record<LostReason, string> = {
	empty: 'its box has no area',
	'not-finite': 'its box has a side that is no number',
	'below-minimum': 'no anchor overlaps it enough',
	taken: 'every anchor it would have had answers for another object',
	crowd: 'it is a group, not one object',
	ignored: 'its best anchor is ignored',
	'out-of-range': 'no level, cell or point is meant for a box of this size or place',
};

/** What the list of objects needs besides the answer. */
export interface FatesView {
	readonly kinds: readonly string[];
	/** What answers: anchors or points. */
	readonly what: string;
	/** Looks at an anchor closely. */
	readonly look: (anchor: number) => void;
	readonly colour: (truth: number) => string;
}

const BEST: Partial<Record<Rule['family'], string>> = {
	yolov5: 'sides × ',
	fcos: 'centerness ',
	fovea: 'centerness ',
	yolo: 'shape IoU ',
	densebox: 'centerness ',
	centernet: 'heat ',
};

/** The list of objects: how many anchors each has, its best one, or why it has none. */
export function showFates(list: HTMLElement, { matches, rule }: Answer, { kinds, what, look, colour }: FatesView): void {
	const rows = matches.groundTruths.map((fate, truth) => {
		const row = element('li', fate.lost ? 'lost' : '');
		const title = element('strong', '');
		const badge = element('span', 'badge', String(truth + 1));
		badge.style.setProperty('--colour', fate.lost ? 'var(--lost)' : colour(truth));
		title.append(badge, kinds[truth]);
		const text = fate.lost ? `Lost: ${LOST[fate.lost]}.` : `${counted(fate.numAnchors, what)} ${fate.numAnchors === 1 ? 'answers' : 'answer'} for it.`;
		row.append(title, element('p', '', text));
		if (fate.bestAnchor >= 0) {
			const button = element('button', 'small', `Best: ${BEST[rule.family] ?? 'IoU '}${fate.best.toFixed(2)}`);
			button.type = 'button';
			button.addEventListener('click', () => look(fate.bestAnchor));
			row.append(button);
		}
		row.dataset.lost = fate.lost ?? '';
		row.dataset.anchors = String(fate.numAnchors);
		return row;
	});
	list.replaceChildren(...rows);
}
