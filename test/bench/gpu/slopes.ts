// How cost grows: the local exponent between neighbouring points of a curve, and from it what a further point would take,
// so that one that would burst its budget is reported with that figure instead of being run or left out.

/** A measured point of a curve. */
export interface Point {
	readonly n: number;
	/** Milliseconds. */
	readonly time: number;
}

/** The exponent p of time ~ n^p between two points; NaN where it cannot be told. */
export function exponent(a: Point, b: Point): number {
	return a.n > 0 && a.n !== b.n && a.time > 0 && b.time > 0 ? Math.log(b.time / a.time) / Math.log(b.n / a.n) : Number.NaN;
}

/** The exponent at each point against the one before it; the first has none. */
export function exponents(points: readonly Point[]): (number | undefined)[] {
	return points.map((point, i) => (i === 0 ? undefined : exponent(points[i - 1], point)));
}

/** Fixed costs hide the growth of small points: nothing here grows slower than n in the end, or faster than its square. */
const LEAST = 1;
const MOST = 2;

/** Milliseconds that n would take, from the last two points; a little is added to the exponent, which rises along a curve. Undefined before the first point. */
export function predict(points: readonly Point[], n: number, leastExponent = LEAST): number | undefined {
	const last = points.at(-1);
	if (!last) return undefined;
	const before = points.at(-2);
	const local = before ? exponent(before, last) : leastExponent;
	const p = Math.min(MOST, Math.max(leastExponent, (Number.isNaN(local) ? leastExponent : local) + 0.2));
	return last.time * (n / last.n) ** p;
}

/** A time in words, for estimates. */
export function roughly(ms: number): string {
	if (ms < 1000) return `${Number(ms.toPrecision(2))} ms`;
	if (ms < 120_000) return `${Number((ms / 1000).toPrecision(2))} s`;
	if (ms < 7_200_000) return `${Number((ms / 60_000).toPrecision(2))} min`;
	return `${Number((ms / 3_600_000).toPrecision(2))} h`;
}
