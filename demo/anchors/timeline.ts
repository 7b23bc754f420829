// The steps of k-means as something to play, step through and drag.

import { byId } from '../page.js';

/** Milliseconds that a step stays at most, and that all steps together take about. */
const PACE = 420;
const WHOLE = 7000;

const button = (id: string) => byId(id, HTMLButtonElement);

/** Which step is shown, and whether it moves on by itself. */
export class Timeline {
	#length = 0;
	#at = 0;
	#timer: ReturnType<typeof setInterval> | undefined;
	readonly #show: (step: number, glide: boolean) => void;

	constructor(show: (step: number, glide: boolean) => void) {
		this.#show = show;
		button('play').addEventListener('click', () => (this.#timer ? this.pause() : this.play()));
		button('back').addEventListener('click', () => this.#by(-1));
		button('step').addEventListener('click', () => this.#by(1));
		byId('moment', HTMLInputElement).addEventListener('input', (event) => {
			this.pause();
			this.#go((event.target as HTMLInputElement).valueAsNumber, false);
		});
		this.#enable();
	}

	/** Takes new steps and stands at the first or the last of them. */
	load(length: number, at: 'first' | 'last'): void {
		this.pause();
		this.#length = length;
		byId('moment', HTMLInputElement).max = String(Math.max(0, length - 1));
		this.#enable();
		this.#go(at === 'first' ? 0 : length - 1, false);
	}

	/** Adds steps at the end; who stands at the last goes on to the new one. */
	extend(length: number): void {
		const atEnd = this.#at >= this.#length - 1 && !this.#timer;
		this.#length = length;
		byId('moment', HTMLInputElement).max = String(Math.max(0, length - 1));
		this.#enable();
		if (atEnd) this.#go(length - 1, true);
	}

	play(): void {
		if (this.#length < 2 || this.#timer) return;
		if (this.#at >= this.#length - 1) this.#go(0, false);
		this.#timer = setInterval(
			() => {
				this.#go(this.#at + 1, true);
				if (this.#at >= this.#length - 1) this.pause();
			},
			Math.max(60, Math.min(PACE, WHOLE / this.#length)),
		);
		button('play').textContent = 'Pause';
	}

	pause(): void {
		clearInterval(this.#timer);
		this.#timer = undefined;
		button('play').textContent = 'Play';
	}

	#by(steps: number): void {
		this.pause();
		this.#go(this.#at + steps, true);
	}

	#go(step: number, glide: boolean): void {
		this.#at = Math.max(0, Math.min(this.#length - 1, step));
		byId('moment', HTMLInputElement).value = String(this.#at);
		if (this.#length > 0) this.#show(this.#at, glide);
	}

	#enable(): void {
		for (const id of ['play', 'back', 'step']) button(id).disabled = this.#length < 2;
		byId('moment', HTMLInputElement).disabled = this.#length < 2;
	}
}
