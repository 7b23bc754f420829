// Looking at anchors: which one is under the pointer, which one is pinned, and how keys walk from cell to cell.

import { boxIou } from 'kedge';
import { type AnchorSet, cellAt, type Place, placeOf, rowOf } from './anchor-sets.js';
import { dotOf } from './draw.js';

/** Cells at least so wide on the screen, in CSS pixels, have a dot for each anchor that can be pointed at. */
const ROOMY = 30;

/** What looking depends on. */
export interface LookingHost {
	set(): AnchorSet;
	/** The level that is shown; -1: all. */
	level(): number;
	/** [G, 4] xyxy of the objects. */
	boxes(): Float32Array;
	/** True while an object is held: the pointer is busy. */
	holding(): boolean;
	/** Whether the click that comes now ends a drag. */
	endsDrag(): boolean;
	/** Shows another level. */
	useLevel(level: number): void;
	changed(): void;
}

const limit = (v: number, count: number) => Math.max(0, Math.min(count - 1, v));

/** The anchor that is looked at. */
export class Looking {
	place: Place | undefined;
	/** It stays when the pointer moves on. */
	pinned = false;
	readonly #stage: HTMLElement;
	readonly #host: LookingHost;

	constructor(stage: HTMLElement, host: LookingHost) {
		this.#stage = stage;
		this.#host = host;
		stage.tabIndex = 0;
		stage.addEventListener('pointermove', (event) => {
			if (host.holding() || this.pinned) return;
			this.place = this.#pointed(event);
			host.changed();
		});
		stage.addEventListener('pointerleave', () => {
			if (this.pinned || host.holding() || document.activeElement === stage) return;
			this.letGo();
		});
		stage.addEventListener('click', (event) => {
			// a key pressed on an object clicks too; and a drag ends in a click
			if (host.endsDrag() || event.detail === 0) return;
			const next = this.#pointed(event);
			const again = this.pinned && this.place && rowOf(host.set(), next) === rowOf(host.set(), this.place);
			this.place = next;
			this.pinned = !again;
			host.changed();
		});
		stage.addEventListener('keydown', (event) => this.#key(event));
	}

	/** Looks at nothing. */
	letGo(): void {
		this.place = undefined;
		this.pinned = false;
		this.#host.changed();
	}

	/** Looks at an anchor until told otherwise. */
	pin(anchor: number): void {
		this.place = placeOf(this.#host.set(), anchor);
		this.pinned = true;
		this.#host.changed();
	}

	/** Looks at another anchor of the same cell. */
	chooseShape(shape: number): void {
		if (this.place) this.#moveTo({ ...this.place, shape });
	}

	/** Goes to the same place on another level. */
	follow(level: number): void {
		if (!this.place || level < 0 || this.place.level === level) return;
		const set = this.#host.set();
		const { origin, step } = set.levels[this.place.level];
		const cell = cellAt(set, level, origin[0] + this.place.column * step[0], origin[1] + this.place.row * step[1]);
		this.place = { ...cell, level, shape: Math.min(this.place.shape, set.levels[level].perCell - 1) };
	}

	#moveTo(place: Place): void {
		this.place = place;
		this.pinned = true;
		this.#host.changed();
	}

	/** The nearest dot where there is room for several, else the anchor of the cell that overlaps an object most. */
	#pointed(event: PointerEvent | MouseEvent): Place {
		const set = this.#host.set();
		const { left, top } = this.#stage.getBoundingClientRect();
		const [x, y] = [event.clientX - left - this.#stage.clientLeft, event.clientY - top - this.#stage.clientTop];
		const scale = this.#stage.clientWidth / set.inputSize;
		const level = this.#host.level() >= 0 ? this.#host.level() : (this.place?.level ?? 0);
		const cell = cellAt(set, level, x / scale, y / scale);
		const { perCell, step } = set.levels[level];
		const places = Array.from({ length: perCell }, (_, shape) => ({ ...cell, level, shape }));
		const costs =
			step[0] * scale >= ROOMY
				? places.map((place) => {
						const dot = dotOf(set, place, scale);
						return Math.hypot(dot[0] - x, dot[1] - y);
					})
				: this.#overlaps(places).map((overlap) => -overlap);
		return places[costs.indexOf(Math.min(...costs))];
	}

	/** The highest IoU of each place's anchor. */
	#overlaps(places: readonly Place[]): number[] {
		const set = this.#host.set();
		const boxes = this.#host.boxes();
		const rows = places.flatMap((place) => [...set.boxes.subarray(4 * rowOf(set, place), 4 * rowOf(set, place) + 4)]);
		const ious = boxIou(rows, boxes);
		const each = boxes.length / 4;
		return places.map((_, i) => Math.max(0, ...ious.subarray(i * each, (i + 1) * each)));
	}

	#key(event: KeyboardEvent): void {
		if (event.key === 'Escape') {
			this.letGo();
			return;
		}
		if (event.target !== this.#stage || event.ctrlKey || event.metaKey || event.altKey) return;
		const { levels } = this.#host.set();
		const start = Math.max(0, this.#host.level());
		const now = this.place ?? { level: start, row: levels[start].rows >> 1, column: levels[start].columns >> 1, shape: 0 };
		const next = this.#step(event.key, now);
		if (!next) return;
		event.preventDefault();
		this.place = now;
		if (next.level !== now.level) this.#host.useLevel(next.level);
		else this.#moveTo(next);
	}

	/** Where a key leads; undefined for keys that lead nowhere. */
	#step(key: string, now: Place): Place | undefined {
		const { levels } = this.#host.set();
		const { rows, columns, perCell } = levels[now.level];
		switch (key) {
			case 'ArrowLeft':
				return { ...now, column: limit(now.column - 1, columns) };
			case 'ArrowRight':
				return { ...now, column: limit(now.column + 1, columns) };
			case 'ArrowUp':
				return { ...now, row: limit(now.row - 1, rows) };
			case 'ArrowDown':
				return { ...now, row: limit(now.row + 1, rows) };
			case 'a':
				return { ...now, shape: (now.shape + 1) % perCell };
			case 'A':
				return { ...now, shape: (now.shape + perCell - 1) % perCell };
			case 'PageUp':
				return { ...now, level: limit(now.level - 1, levels.length) };
			case 'PageDown':
				return { ...now, level: limit(now.level + 1, levels.length) };
			default:
				return undefined;
		}
	}
}
