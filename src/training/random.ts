// Random numbers that a seed repeats, on every engine: PCG32 (O'Neill 2014, XSH-RR on 64 bits of state, kept in two words), and normal
// deviates by the rule of Box and Muller in the float32 steps of functions.ts, for Math.log and Math.cos differ from engine to engine.

import { checkInteger } from '../checks.js';
import { cos32, log32, sin32, sqrt32 } from '../functions.js';

const round = Math.fround;
const TWO_PI = round(2 * Math.PI);

/** A stream of random numbers, the same for a seed everywhere. */
export interface SeededRandom {
	/** Uniform in [0, 1), in steps of 2^-32. */
	next(): number;
	/** Of the normal distribution with mean 0 and deviation 1; a float32. */
	normal(): number;
	/** Uniform in 0, 1, ... n - 1, for n from 1 to 2^32: without the bias of a remainder. */
	integer(n: number): number;
}

// state * MULTIPLIER + increment, modulo 2^64
const MULTIPLIER_HIGH = 0x5851f42d;
const MULTIPLIER_LOW = 0x4c957f2d;
/** The stream of pcg32's own demonstration, so that its published numbers are the test. */
const STREAM = 54;

/** A generator for a seed, an integer from 0 to 2^53 - 1. Throws for anything else. */
export function seededRandom(seed: number): SeededRandom {
	return new Pcg32(checkInteger('seededRandom', 'seed', seed, 0, Number.MAX_SAFE_INTEGER));
}

class Pcg32 implements SeededRandom {
	#high = 0;
	#low = 0;
	/** Box and Muller make two at a time. */
	#spare: number | undefined;

	constructor(seed: number) {
		this.#step();
		const low = this.#low + (seed >>> 0);
		this.#high = (this.#high + Math.floor(seed / 2 ** 32) + (low > 0xffffffff ? 1 : 0)) >>> 0;
		this.#low = low >>> 0;
		this.#step();
	}

	#step(): void {
		const low = (Math.imul(this.#low, MULTIPLIER_LOW) >>> 0) + (STREAM * 2 + 1);
		const high = highOfProduct(this.#low, MULTIPLIER_LOW) + Math.imul(this.#low, MULTIPLIER_HIGH) + Math.imul(this.#high, MULTIPLIER_LOW);
		this.#high = (high + (low > 0xffffffff ? 1 : 0)) >>> 0;
		this.#low = low >>> 0;
	}

	/** 32 bits. */
	#word(): number {
		const high = this.#high;
		const low = this.#low;
		this.#step();
		// ((state >> 18) ^ state) >> 27, turned by the top five bits
		const mixedHigh = high ^ (high >>> 18);
		const mixedLow = low ^ ((high << 14) | (low >>> 18));
		const word = (mixedHigh << 5) | (mixedLow >>> 27);
		const turn = high >>> 27;
		return ((word >>> turn) | (word << (-turn & 31))) >>> 0;
	}

	next(): number {
		return this.#word() / 2 ** 32;
	}

	normal(): number {
		if (this.#spare !== undefined) {
			const spare = this.#spare;
			this.#spare = undefined;
			return spare;
		}
		const radius = sqrt32(round(-2 * log32(round((this.#word() + 1) / 2 ** 32))));
		const angle = round(TWO_PI * round(this.next()));
		this.#spare = round(radius * sin32(angle));
		return round(radius * cos32(angle));
	}

	integer(n: number): number {
		// words below the remainder of 2^32 would favour the small numbers
		const least = 2 ** 32 % n;
		let word = this.#word();
		while (word < least) word = this.#word();
		return word % n;
	}
}

/** The upper 32 bits of a product of two words. */
function highOfProduct(a: number, b: number): number {
	const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
	const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
	return aHigh * bHigh + (middle >>> 16) + ((aLow * bHigh + (middle & 0xffff)) >>> 16);
}
