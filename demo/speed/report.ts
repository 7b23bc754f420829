// What a run of the speed page gives: the machine, the rows with their contestants, and what 'auto' would have chosen. Plain
// data, for it comes from a worker, and is shown, copied and drawn.

import type { BackendKind } from 'kedge';
import type { AdapterFacts as BenchAdapter } from '../../test/bench/gpu/device.js';
import type { EffortName } from './clock.js';

/** What computes, as WebGPU tells; texts are '' where the browser hides them. */
export type AdapterFacts = Omit<BenchAdapter, 'maxBytes'>;

/** The machine and the browser. */
export interface Facts {
	readonly kedge: string;
	/** ISO 8601, UTC. */
	readonly date: string;
	/** Undefined where there is none. */
	readonly adapter?: AdapterFacts;
	/** Why WebGPU cannot be used; a sentence without its end. */
	readonly noGpu?: string;
	/** 'Google Chrome 150.0.7000.1', or '' where only the user agent tells. */
	readonly browser: string;
	readonly userAgent: string;
	readonly platform: string;
	readonly cores: number;
	/** Whether the page is isolated from other origins, which gives it a finer clock. */
	readonly isolated: boolean;
	/** Milliseconds between two ticks of the clock. */
	readonly resolution: number;
}

/** One contestant of a row. Times are milliseconds per frame or call. */
export interface Line {
	readonly name: string;
	/** Which of kedge's backends it is; other contestants have none. */
	readonly side?: BackendKind;
	/** Without times where answers differ. */
	readonly time?: { readonly median: number; readonly low: number; readonly high: number; readonly rounds: number; readonly batch: number };
	/** Times slower than the row's first contestant: the median of all rounds, in each of which both had their turn. */
	readonly ratio?: number;
	/** It waits for the GPU: then a frame does not keep the thread that asks for it all of its time. */
	readonly waits?: boolean;
	/** How long it keeps it, where it waits and the clock can tell. */
	readonly thread?: number;
	/** Bytes copied from the GPU. */
	readonly bytesRead?: number;
	/** Milliseconds of each stage, means over frames: by the GPU's own clock what is done there, by the page's what is not. */
	readonly stages?: Readonly<Record<string, number>>;
	/** To what the browser rounds the GPU's clock, in milliseconds, where it does. */
	readonly stageTick?: number;
	/** In what its answer differs from that of the first one, and where. */
	readonly difference?: string;
}

/** A row: contestants that do the same work. */
export interface RowReport {
	readonly id: string;
	readonly title: string;
	/** Where the work is when it begins, and what it is. */
	readonly what: string;
	/** Detections of each frame, as the first contestant found them. */
	readonly detections: readonly number[];
	readonly lines: readonly Line[];
	/** Why there are no times. */
	readonly problem?: string;
	/** Who is left out, and why. */
	readonly note?: string;
}

/** What 'auto' does with a kind of tensor. */
export interface Choice {
	/** The row in which it was measured. */
	readonly row: string;
	readonly tensor: string;
	readonly kind: BackendKind;
	readonly reason: string;
}

/** All of it. */
export interface Report {
	readonly facts: Facts;
	readonly effort: EffortName;
	readonly rows: readonly RowReport[];
	readonly choices: readonly Choice[];
	/** What must be known to read the numbers, in sentences. */
	readonly notes: readonly string[];
}

/** Whether all contestants of a row found the same. */
export const answersEqual = ({ lines }: RowReport) => lines.length > 0 && lines.every(({ difference }) => !difference);

/** How 'auto' fared: the fastest of kedge's backends in its row, and how many times longer the chosen one took. */
export interface Verdict extends Choice {
	readonly fastest?: BackendKind;
	readonly factor?: number;
}

/** Holds the choices against what was measured. */
export function verdictsOf({ choices, rows }: Pick<Report, 'choices' | 'rows'>): Verdict[] {
	return choices.map((choice) => {
		const lines = rows.find(({ id }) => id === choice.row)?.lines ?? [];
		const ours = lines.filter(({ side, time }) => side && time) as Required<Pick<Line, 'side' | 'time'>>[];
		const best = ours.reduce<(typeof ours)[number] | undefined>((a, b) => (a && a.time.median <= b.time.median ? a : b), undefined);
		const chosen = ours.find(({ side }) => side === choice.kind);
		return { ...choice, fastest: best?.side, factor: best && chosen && chosen.time.median / best.time.median };
	});
}

/** Within this factor two times are the same. */
const ALIKE = 1.1;

/** A verdict in words. */
export function verdictText({ kind, fastest, factor }: Verdict): string {
	if (fastest === undefined) return 'not measured';
	if (factor === undefined) return `${fastest}; ${kind} was not measured`;
	if (fastest === kind) return `${fastest}`;
	return factor < ALIKE ? `${fastest}, by less than a tenth` : `${fastest}; ${kind} takes ${ratioText(factor)} as long`;
}

/** Milliseconds with three digits: '0.412 ms', '1,980 ms'. */
export function timeText(milliseconds: number): string {
	return `${milliseconds >= 100 ? Math.round(milliseconds).toLocaleString('en') : milliseconds.toPrecision(3)} ms`;
}

/** Two digits: '0.83×', '3.9×', '140×'. */
export function ratioText(ratio: number): string {
	return `${ratio >= 100 ? Number(ratio.toPrecision(2)).toLocaleString('en') : ratio.toPrecision(2)}×`;
}

/** '9.6 kB', '2.82 MB'. */
export function bytesText(bytes: number): string {
	if (bytes < 1000) return `${bytes} B`;
	return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

/** How many were found, in words; frames may differ. */
export function detectionsText(detections: readonly number[]): string {
	const [least, most] = [Math.min(...detections), Math.max(...detections)];
	return `${least === most ? least.toLocaleString('en') : `${least.toLocaleString('en')} to ${most.toLocaleString('en')}`} kept`;
}

/** How long a frame keeps its thread, in words. */
export function threadText({ waits, thread, time }: Line): string {
	if (!waits && time) return 'all';
	return thread === undefined ? '–' : timeText(thread);
}
