// Lines and columns of places in a stream of bytes, asked for from front to back.

export class LineCounter {
	#chunk: Uint8Array = new Uint8Array(0);
	/** Offset of the chunk's first byte. */
	#start = 0;
	#line = 1;
	/** Offset of the line's first byte. */
	#lineStart = 0;
	/** Offset of the next line's end, or of the chunk's. */
	#nextBreak = -1;

	/** Goes on to the next chunk. */
	next(chunk: Uint8Array): void {
		this.at(this.#start + this.#chunk.length);
		this.#start += this.#chunk.length;
		this.#chunk = chunk;
		this.#nextBreak = this.#breakFrom(this.#start);
	}

	/** Line and column, both from 1, of a byte in the chunk that is not before the last one asked for. */
	at(offset: number): { line: number; column: number } {
		while (this.#nextBreak >= 0 && this.#nextBreak < offset) {
			this.#line++;
			this.#lineStart = this.#nextBreak + 1;
			this.#nextBreak = this.#breakFrom(this.#lineStart);
		}
		return { line: this.#line, column: Math.max(1, offset - this.#lineStart + 1) };
	}

	#breakFrom(offset: number): number {
		const found = this.#chunk.indexOf(10, offset - this.#start);
		return found < 0 ? -1 : this.#start + found;
	}
}
