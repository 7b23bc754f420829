// The numbers beside the picture. They change with every frame but are written five times a second, smoothed, so that
// they can be read; nothing here is announced by a screen reader.

import type { Detection } from 'kedge';
import { classColour } from './overlay.js';
import { byId } from './page.js';
import type { FrameResult } from './processor.js';

const INTERVAL = 200;
/** Share of a new value in the smoothed one. */
const FRESHNESS = 0.25;

/** Names of rows that are not kedge's own stages. */
const ROWS: Readonly<Record<string, string>> = {
	capture: 'capture',
	preprocess: 'preprocess',
	inference: 'inference',
	postprocess: 'post-processing',
	wait: 'waiting',
	draw: 'draw',
};

/** Writes results into the page. */
export class Readout {
	readonly #smooth = new Map<string, number>();
	readonly #rows = new Map<string, { value: HTMLElement; bar: HTMLElement }>();
	#written = -Infinity;
	#compared = 0;
	#equal = 0;
	#lastDifference = '';

	/** Forgets averages and counts: another network, backend or source. */
	reset(): void {
		this.#smooth.clear();
		this.#compared = 0;
		this.#equal = 0;
		this.#lastDifference = '';
		this.#written = -Infinity;
	}

	/** Takes a frame's numbers in; `now` writes them at once (a single frame), else when it is time. */
	show(result: FrameResult, objects: readonly Detection[], draw: number, now: boolean): void {
		const { times, agreement } = result;
		const { total: whole, ...stages } = result.detections.timings ?? {};
		const known = Object.values(stages).reduce((sum, ms) => sum + ms, 0);
		// On the GPU stages are timed by its own clock; the rest of the way is sending, waiting and reading back.
		const rest: [string, number, string][] = whole === undefined ? [] : [['wait', Math.max(0, whole - known), 'part']];
		const parts: [string, number, string][] = [
			['capture', times.capture, ''],
			['preprocess', times.preprocess, ''],
			['inference', times.inference, ''],
			['postprocess', times.postprocess, ''],
			...Object.entries(stages).map(([name, ms]): [string, number, string] => [`stage ${name}`, ms, 'part']),
			...rest,
			['draw', draw, ''],
		];
		const total = parts.reduce((sum, [, ms, kind]) => sum + (kind ? 0 : ms), 0);
		parts.push(['total', total, 'sum']);
		for (const [name, ms] of parts) {
			const before = this.#smooth.get(name);
			this.#smooth.set(name, before === undefined || now ? ms : before + FRESHNESS * (ms - before));
		}
		if (agreement) {
			this.#compared++;
			if (agreement.equal) this.#equal++;
			else this.#lastDifference = agreement.difference ?? '';
		}
		const time = performance.now();
		if (!now && time - this.#written < INTERVAL) return;
		this.#written = time;
		this.#writeTimes(parts);
		this.#writeFacts(result);
		this.#writeAgreement(result);
		writeFound(objects);
	}

	#writeTimes(parts: readonly [string, number, string][]): void {
		const body = byId('times', HTMLTableSectionElement);
		const key = parts.map(([name]) => name).join();
		if (body.dataset.rows !== key) this.#makeRows(body, parts, key);
		const total = this.#smooth.get('total') || 1;
		for (const [name] of parts) {
			const row = this.#rows.get(name);
			const ms = this.#smooth.get(name) ?? 0;
			if (!row) continue;
			row.value.textContent = ms.toFixed(ms < 10 ? 2 : 1);
			row.bar.style.width = name === 'total' ? '0' : `${Math.min(1, ms / total) * 62}%`;
		}
	}

	#makeRows(body: HTMLTableSectionElement, parts: readonly [string, number, string][], key: string): void {
		this.#rows.clear();
		body.dataset.rows = key;
		body.replaceChildren(
			...parts.map(([name, , kind]) => {
				const row = document.createElement('tr');
				row.className = kind;
				const title = document.createElement('th');
				title.scope = 'row';
				title.textContent = ROWS[name] ?? name.replace(/^stage /, '');
				const cell = document.createElement('td');
				const bar = document.createElement('span');
				bar.className = 'length';
				const value = document.createElement('span');
				cell.append(bar, value, kind === 'sum' ? ' ms' : '');
				row.append(title, cell);
				this.#rows.set(name, { value, bar });
				return row;
			}),
		);
	}

	#writeFacts({ detections, backend, adapter }: FrameResult): void {
		const { numCandidates, truncated, count, bytesRead } = detections;
		write('fact-candidates', truncated ? `${numCandidates} (${truncated} cut)` : String(numCandidates));
		write('fact-kept', String(count));
		write('fact-bytes', bytesRead < 1000 ? `${bytesRead} B` : `${(bytesRead / 1000).toFixed(1)} kB`);
		write('fact-backend', backend.kind);
		write('fact-reason', backend.reason);
		write('fact-adapter', adapter);
	}

	#writeAgreement({ agreement, detections }: FrameResult): void {
		const state = agreement ? (agreement.equal ? 'equal' : 'different') : 'none';
		byId('agree', HTMLElement).dataset.state = state;
		const texts = {
			equal: 'GPU and CPU agree, bit for bit',
			different: 'GPU and CPU differ',
			none: detections.backend === 'cpu' ? 'CPU only, nothing to compare' : 'Not compared',
		};
		write('agree-text', texts[state]);
		const counts = this.#compared ? `${this.#equal.toLocaleString('en')} of ${this.#compared.toLocaleString('en')} frames equal` : '';
		write('agree-detail', agreement?.difference ?? (this.#lastDifference ? `${counts}; last: ${this.#lastDifference}` : counts));
	}
}

/** The list under the picture: the same detections as text. */
function writeFound(objects: readonly Detection[]): void {
	const shown = objects.slice(0, 24);
	write('found-count', objects.length > shown.length ? `${objects.length}, the best ${shown.length} listed` : String(objects.length));
	byId('found', HTMLElement).replaceChildren(
		...shown.map(({ label, score, classId, box }) => {
			const item = document.createElement('li');
			const swatch = document.createElement('span');
			swatch.className = 'swatch';
			swatch.style.background = classColour(classId);
			const name = document.createElement('span');
			name.className = 'name';
			name.textContent = label;
			const numbers = document.createElement('span');
			numbers.className = 'numbers';
			numbers.textContent = `${(score * 100).toFixed(1)}% · ${Math.round(box.xmax - box.xmin)} × ${Math.round(box.ymax - box.ymin)}`;
			item.append(swatch, name, numbers);
			return item;
		}),
	);
}

function write(id: string, text: string): void {
	const element = byId(id, HTMLElement);
	if (element.textContent !== text) element.textContent = text;
}
