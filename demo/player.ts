// The loop: a frame that comes while another is worked on is dropped, never queued; changes of settings wait their turn
// and the newest wins. All work of the page goes through here, one piece at a time.

import { type Detection, KedgeError } from 'kedge';
import { drawOverlay } from './overlay.js';
import { byId, complain } from './page.js';
import type { FrameResult, Processor } from './processor.js';
import type { Readout } from './readout.js';
import type { Settings } from './settings.js';
import type { Source } from './sources.js';

/** What listeners of the document's event 'kedge:frame' get in `detail`, once the boxes are drawn. */
export interface FrameEvent extends FrameResult {
	/** Frames worked on and frames dropped since the source was chosen. */
	readonly processed: number;
	readonly dropped: number;
}

export class Player {
	/** Called when playing starts or stops. */
	onChange: (playing: boolean) => void = () => undefined;
	/** Called with an error that ended the work on a frame; playing has stopped. */
	onFault: (error: unknown) => void = complain;
	/** Called when a frame was given up because the GPU device went away; playing goes on. */
	onLost: () => void = () => undefined;
	#losses = 0;
	#source: Source | undefined;
	#playing = false;
	#waiting = 0;
	#queue: Promise<unknown> = Promise.resolve();
	#repeating = false;
	#last: FrameResult | undefined;
	#processed = 0;
	#dropped = 0;
	#times: number[] = [];
	readonly #processor: Processor;
	readonly #readout: Readout;
	readonly #settings: Settings;

	constructor(processor: Processor, readout: Readout, settings: Settings) {
		this.#processor = processor;
		this.#readout = readout;
		this.#settings = settings;
	}

	get source(): Source | undefined {
		return this.#source;
	}

	get playing(): boolean {
		return this.#playing;
	}

	get last(): FrameResult | undefined {
		return this.#last;
	}

	/** Runs work alone: no frame is worked on meanwhile. */
	exclusive<T>(work: () => Promise<T>): Promise<T> {
		this.#waiting++;
		const result = this.#queue.then(work).finally(() => {
			this.#waiting--;
		});
		this.#queue = result.catch(() => undefined);
		return result;
	}

	/** Changes the source; the last one is closed. */
	async setSource(source: Source): Promise<void> {
		this.pause();
		await this.exclusive(async () => {
			this.#source?.close();
			this.#source = source;
			this.#processed = 0;
			this.#dropped = 0;
			this.#times = [];
			this.#readout.reset();
		});
	}

	play(): void {
		if (this.#playing || !this.#source) return;
		this.#playing = this.#source.moves;
		this.#source.play(() => this.#onFrame());
		this.onChange(this.#playing);
	}

	pause(): void {
		if (!this.#playing) return;
		this.#playing = false;
		this.#source?.pause();
		this.onChange(false);
	}

	/** Goes on by one frame, and stays there. */
	async step(): Promise<void> {
		this.pause();
		await this.exclusive(async () => {
			await this.#source?.step();
			await this.#work(() => this.#process());
		});
	}

	/** Works on the present frame again, as after a change of network. */
	async again(): Promise<void> {
		await this.exclusive(() => this.#work(() => this.#process()));
	}

	/** Repeats the post-processing of the last frame with the present settings; while playing, the next frame does. */
	repeat(): void {
		if (this.#playing || this.#repeating || !this.#processor.hasOutputs) return;
		this.#repeating = true;
		this.exclusive(() => {
			this.#repeating = false;
			return this.#work(() => this.#processor.repeat(this.#settings));
		});
	}

	/** Draws the last result again, as after a change of size. */
	redraw(): void {
		placeOverlay();
		if (this.#last) this.#draw(this.#last);
	}

	/** Shows a source's present frame, without boxes. */
	preview(source: Source): void {
		this.#last = undefined;
		this.#processor.capture(source);
		this.#showFrame();
		placeOverlay();
		drawOverlay(byId('overlay', HTMLCanvasElement), [source.width, source.height], []);
	}

	#onFrame(): void {
		if (this.#waiting > 0 || !this.#processor.network) {
			this.#dropped++;
			return;
		}
		this.exclusive(() => this.#work(() => this.#process()));
	}

	async #process(): Promise<FrameResult> {
		const source = this.#source;
		if (!source) throw new Error('demo: there is no source yet');
		const result = await this.#processor.process(source, this.#settings);
		this.#processed++;
		return result;
	}

	async #work(makeResult: () => Promise<FrameResult>): Promise<void> {
		try {
			const result = await makeResult();
			this.#last = result;
			this.#losses = 0;
			const start = performance.now();
			const objects = this.#draw(result);
			const single = !this.#playing;
			this.#readout.show(result, objects, performance.now() - start, single);
			this.#showRate(single);
			const detail: FrameEvent = { ...result, processed: this.#processed, dropped: this.#dropped };
			document.dispatchEvent(new CustomEvent('kedge:frame', { detail }));
		} catch (error) {
			if (error instanceof KedgeError && error.code === 'DEVICE_LOST' && this.#losses++ < 3) {
				this.onLost();
				return;
			}
			this.pause();
			this.onFault(error);
		}
	}

	#draw(result: FrameResult): Detection[] {
		const frame = this.#showFrame();
		const objects = result.detections.toObjects();
		drawOverlay(byId('overlay', HTMLCanvasElement), [frame.width, frame.height], objects);
		return objects;
	}

	/** Puts the captured frame on the page. */
	#showFrame(): HTMLCanvasElement {
		const frame = byId('frame', HTMLCanvasElement);
		const { width, height } = this.#processor.frame;
		if (frame.width !== width || frame.height !== height) {
			frame.width = width;
			frame.height = height;
			placeOverlay();
		}
		frame.getContext('2d', { alpha: false })?.drawImage(this.#processor.frame, 0, 0);
		return frame;
	}

	#showRate(single: boolean): void {
		const now = performance.now();
		this.#times = [...this.#times.filter((time) => now - time < 1000), now];
		const rate = byId('rate', HTMLElement);
		const text = single ? '' : `${this.#times.length} frames a second, ${this.#dropped} dropped`;
		if (this.#times.length % 5 === 0 || single) rate.textContent = text;
	}
}

/** Lays the overlay exactly over the picture, which may have bars at its sides. */
export function placeOverlay(): void {
	const frame = byId('frame', HTMLCanvasElement);
	const overlay = byId('overlay', HTMLCanvasElement);
	const scale = Math.min(frame.clientWidth / frame.width, frame.clientHeight / frame.height);
	const width = frame.width * scale;
	const height = frame.height * scale;
	overlay.style.left = `${(frame.clientWidth - width) / 2}px`;
	overlay.style.top = `${(frame.clientHeight - height) / 2}px`;
	overlay.style.width = `${width}px`;
	overlay.style.height = `${height}px`;
}
