// A data set made of chance: sizes as a camera over a street has them, many slim pedestrians and small cars, few things close
// by. Kinds of objects with a typical shape and a log-normal size, in pictures of 1280 x 720 or 960; no data of anyone is in it.

/** What the page clusters: one row per object, in pixels of its image. */
export interface DataSet {
	readonly title: string;
	/** [N, 2] width, height, pixels of the image. */
	readonly sizes: Float32Array;
	/** [N, 2] width, height of the image that each object is in. */
	readonly images: Float32Array;
	readonly numImages: number;
	readonly numClasses: number;
	/** Untrusted text. */
	readonly classNames: readonly string[];
}

interface Kind {
	readonly name: string;
	readonly share: number;
	/** Typical height over width, and how far objects stray from it (of its logarithm). */
	readonly ratio: number;
	readonly ratioSpread: number;
	/** Typical side, pixels at half the size: the square root of the area. */
	readonly side: number;
	readonly sideSpread: number;
}

/** What a camera over a street sees. */
const KINDS: readonly Kind[] = [
	{ name: 'pedestrian', share: 0.34, ratio: 2.7, ratioSpread: 0.2, side: 27, sideSpread: 0.55 },
	{ name: 'car', share: 0.27, ratio: 0.72, ratioSpread: 0.24, side: 42, sideSpread: 0.6 },
	{ name: 'sign', share: 0.14, ratio: 1.1, ratioSpread: 0.24, side: 13, sideSpread: 0.4 },
	{ name: 'cyclist', share: 0.1, ratio: 1.7, ratioSpread: 0.24, side: 40, sideSpread: 0.5 },
	{ name: 'van', share: 0.09, ratio: 0.85, ratioSpread: 0.22, side: 85, sideSpread: 0.45 },
	{ name: 'bus', share: 0.06, ratio: 0.6, ratioSpread: 0.28, side: 165, sideSpread: 0.4 },
];

/** Numbers in [0, 1), the same for a seed everywhere (mulberry32). */
export function chance(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** The kind that a number from 0 to 1 falls to. */
function pick(at: number): Kind {
	let sum = 0;
	for (const kind of KINDS) {
		sum += kind.share;
		if (at < sum) return kind;
	}
	return KINDS[0];
}

/** The sample: `count` objects, about seven in an image. */
export function sampleDataSet(count = 8000, seed = 7): DataSet {
	const next = chance(seed);
	const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
	const sizes = new Float32Array(2 * count);
	const images = new Float32Array(2 * count);
	for (let i = 0; i < count; ) {
		const [width, height] = next() < 0.72 ? [1280, 720] : [1280, 960];
		const kind = pick(next());
		const side = 2 * kind.side * Math.exp(kind.sideSpread * normal());
		const ratio = kind.ratio * Math.exp(kind.ratioSpread * normal());
		const w = Math.min(width, side / Math.sqrt(ratio));
		const h = Math.min(height, side * Math.sqrt(ratio));
		if (w < 3 || h < 3) continue;
		// labels are drawn to a tenth of a pixel at best
		sizes.set([Math.round(10 * w) / 10, Math.round(10 * h) / 10], 2 * i);
		images.set([width, height], 2 * i);
		i++;
	}
	return { title: 'Street', sizes, images, numImages: Math.round(count / 7.3), numClasses: KINDS.length, classNames: KINDS.map(({ name }) => name) };
}
