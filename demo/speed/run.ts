// Row after row: what fails on the GPU is told, and the rest runs on the CPU alone. A device that was lost stays away.

import { type RowRun, runRow } from './bench.js';
import type { EffortName } from './clock.js';
import { notesOf } from './facts.js';
import type { Gpu } from './gpu.js';
import type { AdapterFacts, Facts, Report } from './report.js';
import type { Row } from './rows.js';

/** Where a run is. */
export interface Progress {
	/** Number of the row, from 0, and how many there are. */
	readonly row: number;
	readonly rows: number;
	readonly title: string;
	readonly doing: string;
	/** All that is there so far, at the end of a row. */
	readonly report?: Report;
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** One run. */
export class Run {
	readonly #runs: RowRun[] = [];
	readonly #failures: string[] = [];
	#gpu: Gpu | undefined;

	constructor(
		readonly facts: Facts,
		readonly effort: EffortName,
		readonly progress: (value: Progress) => void,
	) {}

	/** As far as it came. */
	report(): Report {
		const rows = this.#runs.map(({ report }) => report);
		const stageTick = rows.flatMap(({ lines }) => lines.flatMap((line) => line.stageTick ?? []))[0];
		return {
			facts: this.facts,
			effort: this.effort,
			rows,
			choices: this.#runs.flatMap(({ choice }) => choice ?? []),
			notes: notesOf(this.facts, { gpuFailures: this.#failures, stageTick }),
		};
	}

	/** Runs these rows, on a device that is opened where there is an adapter. */
	async all(all: readonly Row[], open: (adapter: AdapterFacts) => Promise<Gpu>): Promise<Report> {
		try {
			if (this.facts.adapter) this.#gpu = await open(this.facts.adapter);
		} catch (error) {
			this.#failures.push(`The GPU could not be opened: ${reasonOf(error)}.`);
		}
		for (const [i, row] of all.entries()) {
			const say = (doing: string, report?: Report) => this.progress({ row: i, rows: all.length, title: row.title, doing, report });
			const run = await this.#row(row, say);
			if (run) this.#runs.push(run);
			say('done', this.report());
		}
		this.#gpu?.backend.dispose();
		return this.report();
	}

	/** A row, without the GPU when that fails; undefined where nothing is left of it. */
	async #row(row: Row, say: (doing: string) => void): Promise<RowRun | undefined> {
		const manner = { effort: this.effort, resolution: this.facts.resolution, say };
		if (this.#gpu) {
			try {
				return await runRow(row, this.#gpu, manner);
			} catch (error) {
				// the news that the device is gone may come after the call's failure
				await new Promise((resolve) => setTimeout(resolve, 100));
				const { lost } = this.#gpu;
				if (lost !== undefined) this.#gpu = undefined;
				const what = lost === undefined ? reasonOf(error) : `the device was lost (${lost}), and the rest ran on the CPU alone`;
				this.#failures.push(`${row.title}: the GPU failed: ${what}.`);
			}
		}
		return row.needsGpu ? undefined : runRow(row, undefined, manner);
	}
}
