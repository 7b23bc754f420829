// COCO labels: one JSON file with `images`, `annotations` (bbox: x, y, width, height in pixels) and `categories`. The file is never in
// memory whole: tokens come from a stream, and what is not needed, above all `segmentation`, is dropped token by token.
// Format: https://cocodataset.org/#format-data

import { type ParsedTokenInfo, Tokenizer, TokenizerError, TokenParser, TokenParserError, TokenType } from '@streamparser/json';
import { show } from '../../errors.js';
import { CocoEntries, type CocoSection } from './coco-entries.js';
import type { Collector } from './collector.js';
import { FileFault } from './labels.js';
import { LineCounter } from './lines.js';

type Token = ParsedTokenInfo;

/** Members that are read, by section; all others are skipped. */
const MEMBERS: Record<CocoSection, readonly string[]> = {
	images: ['id', 'file_name', 'width', 'height'],
	annotations: ['id', 'image_id', 'category_id', 'bbox', 'iscrowd'],
	categories: ['id', 'name'],
};

/** One value (a text, a number, white space) may not be longer: none that is read is. */
const LONGEST_VALUE = 2 ** 20;

const { LEFT_BRACE, RIGHT_BRACE, LEFT_BRACKET, RIGHT_BRACKET, COLON, COMMA, NULL } = TokenType;

/** Reads one COCO file from chunks of bytes. Lives as long as the file. */
export class CocoReader {
	readonly #tokenizer = new Tokenizer();
	readonly #parser = new TokenParser({ paths: ['$.images.*', '$.annotations.*', '$.categories.*'], keepStack: false });
	readonly #entries: CocoEntries;
	readonly #maxDepth: number;
	readonly #lines = new LineCounter();
	/** The brackets that are open. */
	readonly #open: TokenType[] = [];
	readonly #sections = new Set<string>();
	#section: CocoSection | undefined;
	/** How many brackets are open around the value that is being skipped; -1: none is. */
	#skipAt = -1;
	#lastText = '';
	#startsSection = false;
	#numBytes = 0;
	#lastOffset = 0;

	constructor(file: string, collector: Collector) {
		this.#entries = new CocoEntries(file, collector);
		this.#maxDepth = collector.settings.limits.depth;
		this.#tokenizer.onToken = (token) => this.#take(token);
		this.#parser.onValue = ({ value }) => this.#section && this.#entries.add(this.#section, value);
		// only white space may follow
		this.#parser.onEnd = () => {
			if (!this.#tokenizer.isEnded) this.#tokenizer.end();
		};
	}

	/** Takes the next bytes. Throws a FileFault for what is not JSON. */
	write(chunk: Uint8Array): void {
		this.#lines.next(chunk);
		this.#guard(() => this.#tokenizer.write(chunk));
		this.#numBytes += chunk.length;
		if (!this.#parser.isEnded && this.#numBytes - this.#lastOffset > LONGEST_VALUE) this.#fail(`has a value longer than ${LONGEST_VALUE} bytes`);
	}

	/** The end of the file: hands everything over. False when it is JSON, but no COCO data set. */
	end(): boolean {
		if (!this.#parser.isEnded && !this.#tokenizer.isEnded) this.#guard(() => this.#tokenizer.end());
		if (!this.#parser.isEnded) this.#fail('ends too early; it may be cut short', this.#numBytes);
		if (!this.#sections.has('annotations') || !this.#sections.has('images') || !this.#entries.hasBoxes) return false;
		this.#entries.finish();
		return true;
	}

	/** Runs the tokenizer; its errors become faults of the file, with their place. */
	#guard(work: () => void): void {
		try {
			work();
		} catch (error) {
			if (error instanceof TokenParserError) this.#fail(`is not JSON: ${show(this.#lastText)} is not expected here`);
			// a decoder's complaint
			if (error instanceof TypeError) this.#fail('is not UTF-8');
			if (!(error instanceof TokenizerError)) throw error;
			const found = /^Unexpected "([\s\S]*?)" at .* \(absolute position "(\d+)"\)/.exec(error.message);
			if (found) this.#fail(`is not JSON: ${show(found[1])} is not expected here`, Number(found[2]));
			this.#fail('ends too early; it may be cut short', this.#numBytes);
		}
	}

	#fail(what: string, offset = this.#lastOffset): never {
		const { line, column } = this.#lines.at(offset);
		throw new FileFault(what, line, column);
	}

	/** One token: followed through the brackets, skipped, or handed to the parser. */
	#take(token: Token): void {
		const { token: kind, offset } = token;
		this.#lastOffset = offset;
		if (kind === LEFT_BRACE || kind === LEFT_BRACKET) {
			if (this.#open.length >= this.#maxDepth) this.#fail(`has brackets within each other beyond limits.depth, ${this.#maxDepth}`);
			this.#open.push(kind);
		} else if (kind === RIGHT_BRACE || kind === RIGHT_BRACKET) {
			if (this.#open.pop() !== (kind === RIGHT_BRACE ? LEFT_BRACE : LEFT_BRACKET)) this.#fail(`is not JSON: ${show(token.value)} closes what was not opened`);
		}
		if (this.#skipAt >= 0) this.#skip(kind);
		else this.#keep(token);
	}

	/** The value that nobody needs ends with a bracket, or at once; for the parser it was null. */
	#skip(kind: TokenType): void {
		const depth = this.#open.length;
		if (depth > this.#skipAt) return;
		if (depth < this.#skipAt || kind === COMMA || kind === COLON) this.#fail('is not JSON: a value is missing');
		this.#skipAt = -1;
		this.#parser.write({ token: NULL, value: null });
	}

	#keep(token: Token): void {
		const depth = this.#open.length;
		if (this.#startsSection && token.token !== LEFT_BRACKET) this.#fail(`must have an array as ${show(this.#section)}`);
		this.#startsSection = false;
		if (token.token === LEFT_BRACE && depth === 3) this.#entries.begin(this.#lines.at(token.offset));
		if (token.token !== COLON) this.#lastText = String(token.value);
		this.#parser.write(token);
		if (token.token !== COLON) return;
		if (depth === 1) this.#enter(this.#lastText);
		else if (depth === 3 && this.#section && !MEMBERS[this.#section].includes(this.#lastText)) this.#skipAt = depth;
	}

	/** A member of the whole file begins. */
	#enter(name: string): void {
		this.#section = Object.hasOwn(MEMBERS, name) ? (name as CocoSection) : undefined;
		if (!this.#section) {
			this.#skipAt = 1;
			return;
		}
		if (this.#sections.has(name)) this.#fail(`has ${show(name)} twice`);
		this.#sections.add(name);
		this.#startsSection = true;
	}
}
