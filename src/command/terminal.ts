// What a person at a terminal sees: one line of progress that is written over, and texts of strangers without their control characters.

/** A failure that a person can do something about: one line, and how the program ends (1 failed, 2 wrongly called). */
export class Failure extends Error {
	constructor(
		message: string,
		readonly exitCode: 1 | 2 = 1,
	) {
		super(message);
	}
}

/** Control characters move cursors, and those of direction turn texts round: none of them is printed, nor what XML may not hold. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;

export function printable(text: string): string {
	return text.replace(UNPRINTABLE, '\ufffd');
}

/** A text of several lines as one. */
export function oneLine(text: string): string {
	return printable(text.trim().replace(/\s*\n\s*/g, ' '));
}

/** Where progress is shown: a stream that may be a terminal. */
export interface Screen {
	readonly isTTY?: boolean;
	readonly columns?: number;
	write(text: string): unknown;
}

/** Milliseconds between two lines: written over on a terminal, one below the other in a log. */
const INTERVAL = { terminal: 100, log: 10_000 };

/** One line of progress. */
export class ProgressLine {
	#last: number;
	#isShown = false;
	constructor(
		readonly screen: Screen,
		readonly isQuiet: boolean,
		readonly now: () => number = () => performance.now(),
	) {
		this.#last = now();
	}

	/** Shows how far it is, if it is time to. */
	show(line: () => string): void {
		const { isTTY, columns = 80 } = this.screen;
		if (this.isQuiet || this.now() - this.#last < (isTTY ? INTERVAL.terminal : INTERVAL.log)) return;
		this.#last = this.now();
		const text = printable(line());
		// back to the beginning, and the rest of the line erased
		this.screen.write(isTTY ? `\r${text.slice(0, columns - 1)}\u001b[K` : `${text}\n`);
		this.#isShown = true;
	}

	/** Takes the line away. */
	clear(): void {
		if (this.#isShown && this.screen.isTTY) this.screen.write('\r\u001b[K');
		this.#isShown = false;
	}
}
