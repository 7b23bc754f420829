// The objects as things to take hold of: one button per object over the picture, moved and resized by pointer, finger or
// keys. It only reports new boxes; whoever owns them draws.

import type { GroundTruth } from './scenes.js';

type Box = GroundTruth['box'];
const GRIPS = ['n', 's', 'w', 'e', 'nw', 'ne', 'sw', 'se'] as const;
type Grip = (typeof GRIPS)[number] | 'move';

/** What the editor needs to know and may do. */
export interface EditorHost {
	inputSize(): number;
	truths(): readonly GroundTruth[];
	/** A box changed. */
	change(truth: number, box: Box): void;
	choose(truth: number): void;
	remove(truth: number): void;
}

/** Least side of a box, in pixels of the input. */
export const LEAST_SIDE = 4;

/** The box after a grip moved by (dx, dy): whole pixels, inside the picture, never turned inside out. */
export function dragged(box: Box, grip: Grip, dx: number, dy: number, inputSize: number): Box {
	const limit = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);
	let [left, top, right, bottom] = box;
	if (grip === 'move') {
		const x = limit(Math.round(dx), -left, inputSize - right);
		const y = limit(Math.round(dy), -top, inputSize - bottom);
		return [left + x, top + y, right + x, bottom + y];
	}
	if (grip.includes('w')) left = limit(Math.round(left + dx), 0, right - LEAST_SIDE);
	if (grip.includes('e')) right = limit(Math.round(right + dx), left + LEAST_SIDE, inputSize);
	if (grip.includes('n')) top = limit(Math.round(top + dy), 0, bottom - LEAST_SIDE);
	if (grip.includes('s')) bottom = limit(Math.round(bottom + dy), top + LEAST_SIDE, inputSize);
	return [left, top, right, bottom];
}

const ARROWS: Record<string, readonly [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The buttons over the picture. */
export class Editor {
	/** True while an object is held: then the pointer is not looking at cells. */
	holding = false;
	#moved = false;
	readonly #layer: HTMLElement;
	readonly #host: EditorHost;
	#colour: (truth: number) => string;

	constructor(layer: HTMLElement, host: EditorHost, colour: (truth: number) => string) {
		this.#layer = layer;
		this.#host = host;
		this.#colour = colour;
	}

	/** Brings the buttons to where the boxes are; keeps the focus. */
	update(chosen: number): void {
		const truths = this.#host.truths();
		while (this.#layer.children.length > truths.length) this.#layer.lastElementChild?.remove();
		while (this.#layer.children.length < truths.length) this.#layer.append(this.#make(this.#layer.children.length));
		const size = this.#host.inputSize();
		const areas = truths.map(({ box }) => (box[2] - box[0]) * (box[3] - box[1]));
		truths.forEach(({ kind, box }, i) => {
			const button = this.#layer.children[i] as HTMLButtonElement;
			const percent = (v: number) => `${(100 * v) / size}%`;
			button.style.left = percent(box[0]);
			button.style.top = percent(box[1]);
			button.style.width = percent(box[2] - box[0]);
			button.style.height = percent(box[3] - box[1]);
			// what is small lies on top
			button.style.zIndex = String(1 + areas.filter((area, k) => area > areas[i] || (area === areas[i] && k < i)).length);
			button.style.setProperty('--colour', this.#colour(i));
			button.classList.toggle('chosen', i === chosen);
			button.dataset.box = box.join(' ');
			const [w, h] = [box[2] - box[0], box[3] - box[1]];
			button.setAttribute('aria-label', `Object ${i + 1}, ${kind}: ${w} by ${h} at ${box[0]}, ${box[1]}`);
		});
	}

	/** Whether an object moved since it was last taken hold of, asked once: a press without a move is a click on the cell below. */
	takeMoved(): boolean {
		const moved = this.#moved;
		this.#moved = false;
		return moved;
	}

	/** Puts the focus on an object. */
	focus(truth: number): void {
		(this.#layer.children[truth] as HTMLElement | undefined)?.focus();
	}

	#make(index: number): HTMLButtonElement {
		const button = document.createElement('button');
		button.type = 'button';
		button.className = 'truth';
		for (const grip of GRIPS) {
			const handle = document.createElement('i');
			handle.className = grip;
			handle.dataset.grip = grip;
			button.append(handle);
		}
		button.addEventListener('pointerdown', (event) => this.#hold(event, index, button));
		button.addEventListener('focus', () => this.#host.choose(index));
		button.addEventListener('keydown', (event) => this.#key(event, index));
		return button;
	}

	#hold(event: PointerEvent, index: number, button: HTMLButtonElement): void {
		if (event.button !== 0) return;
		const grip = ((event.target as HTMLElement).dataset.grip ?? 'move') as Grip;
		const start = this.#host.truths()[index].box;
		const scale = this.#layer.clientWidth / this.#host.inputSize() || (this.#layer.parentElement?.clientWidth ?? 1) / this.#host.inputSize();
		const [x, y] = [event.clientX, event.clientY];
		this.holding = true;
		this.#moved = false;
		this.#host.choose(index);
		button.setPointerCapture(event.pointerId);
		const move = (now: PointerEvent) => {
			const [dx, dy] = [now.clientX - x, now.clientY - y];
			if (!this.#moved && Math.hypot(dx, dy) < 3) return;
			this.#moved = true;
			this.#host.change(index, dragged([...start], grip, dx / scale, dy / scale, this.#host.inputSize()));
		};
		const end = () => {
			this.holding = false;
			button.removeEventListener('pointermove', move);
			button.removeEventListener('pointerup', end);
			button.removeEventListener('pointercancel', end);
		};
		button.addEventListener('pointermove', move);
		button.addEventListener('pointerup', end);
		button.addEventListener('pointercancel', end);
	}

	#key(event: KeyboardEvent, index: number): void {
		const arrow = ARROWS[event.key];
		if (arrow) {
			const by = event.ctrlKey || event.metaKey ? 10 : 1;
			const box = [...this.#host.truths()[index].box] as Box;
			this.#host.change(index, dragged(box, event.shiftKey ? 'se' : 'move', arrow[0] * by, arrow[1] * by, this.#host.inputSize()));
		} else if (event.key === 'Delete' || event.key === 'Backspace') this.#host.remove(index);
		else return;
		event.preventDefault();
		event.stopPropagation();
	}
}
