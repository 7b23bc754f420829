// What every row of the bench gives, whatever it measures: lines with values, held against a gate and a target in one place.

/** Where a row runs. */
export type Place = 'chromium' | 'node';

/** How a row is to be run. */
export interface Run {
	readonly place: Place;
	/** Fewer rounds. */
	readonly quick: boolean;
	/** Gets a sentence now and then. */
	progress(text: string): void;
	/** Milliseconds of CPU time that this thread has used so far; undefined where nobody can tell. Only a browser has it. */
	threadTime?(): Promise<number | undefined>;
	/** torchvision's nms on cases of plain arrays, by Python; there for rows of that option. */
	torchvision?(cases: readonly TorchvisionCase[]): Promise<TorchvisionReport>;
}

/** Boxes [n, 4] xyxy, scores and, for batched_nms, class ids [n]. */
export interface TorchvisionCase {
	readonly boxes: readonly number[];
	readonly scores: readonly number[];
	readonly classIds?: readonly number[];
	readonly iouThreshold: number;
}

/** What Python gives: kept indices, best first, and milliseconds. */
export interface TorchvisionReport {
	/** What computed: a GPU, or the CPU and its threads. */
	readonly device: string;
	readonly isCuda: boolean;
	readonly versions: Readonly<Record<string, string | null>>;
	readonly cases: readonly {
		readonly indices: readonly number[];
		readonly median: number;
		readonly low: number;
		readonly high: number;
		readonly rounds: number;
	}[];
}

/** What a number is held against. */
export interface Goal {
	/** Missed, it fails the run. */
	readonly gate?: number;
	/** Missed, it is marked. */
	readonly target?: number;
	/** Default 'at least'. */
	readonly sense?: 'at least' | 'at most';
}

/** '' where nothing was asked for. */
export type Verdict = 'gate missed' | 'target missed' | 'met' | '';

/** A line of the table: a contestant, or a quantity. */
export interface Line extends Goal {
	readonly label: string;
	readonly value: number;
	/** Of the value: 'ms', 'bytes', or '' for a count. */
	readonly unit: string;
	/** First and third quartile of the value. */
	readonly low?: number;
	readonly high?: number;
	/** Against the first line; gate and target are for it where it is there, else for the value. */
	readonly ratio?: number;
	/** First and third quartile of the ratio. */
	readonly ratioLow?: number;
	readonly ratioHigh?: number;
	readonly verdict: Verdict;
	/** More of it, in a few words. */
	readonly note?: string;
}

/** What a row gives. A kind adds what its printer and its plot need. */
export interface Result {
	/** Which printer and which plot show it. */
	readonly kind: string;
	readonly name: string;
	/** What was worked on, in a line. */
	readonly what: string;
	readonly lines: readonly Line[];
	/** Answers that differ and gates that were missed, in words; each fails the run. */
	readonly failures: readonly string[];
	/** Targets that were missed, in words. */
	readonly misses: readonly string[];
}

/** A row of the bench. */
export interface Row {
	readonly name: string;
	readonly what: string;
	/** Where it can run; everywhere by default. */
	readonly places?: readonly Place[];
	/** It needs WebGPU: in Node Dawn is loaded for it. */
	readonly gpu?: boolean;
	/** The option that asks for it; none: it runs always. */
	readonly option?: 'torchvision';
	run(run: Run): Promise<Result>;
}

/** Whether the value is what was asked for. NaN never is. */
export function judge(value: number, { gate, target, sense = 'at least' }: Goal): Verdict {
	const reaches = (goal: number) => (sense === 'at least' ? value >= goal : value <= goal);
	if (gate !== undefined && !reaches(gate)) return 'gate missed';
	if (target !== undefined && !reaches(target)) return 'target missed';
	return gate === undefined && target === undefined ? '' : 'met';
}

/** A line with its verdict. */
export function lineOf(line: Omit<Line, 'verdict'>): Line {
	return { ...line, verdict: judge(line.ratio ?? line.value, line) };
}

/** Numbers of like length, whatever their size. */
export function shortNumber(value: number): string {
	if (!Number.isFinite(value)) return String(value);
	if (Number.isInteger(value)) return String(value);
	return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

/** A result with the failures and misses of its lines; `differences` are failures, too. */
export function resultOf<T extends Omit<Result, 'failures' | 'misses'>>(result: T, differences: readonly string[] = []): T & Result {
	const saying = (verdict: Verdict, kind: 'gate' | 'target') =>
		result.lines
			.filter((line) => line.verdict === verdict)
			.map(({ label, ratio, value, unit, sense = 'at least', ...goal }) => {
				const got = ratio === undefined ? `${shortNumber(value)} ${unit}`.trim() : `${shortNumber(ratio)}x`;
				return `${label}: ${got}, ${kind} ${sense} ${goal[kind]}${ratio === undefined ? '' : 'x'}`;
			});
	return { ...result, failures: [...differences, ...saying('gate missed', 'gate')], misses: saying('target missed', 'target') };
}
