// Most anchors need no memory: a level whose cells all carry the same rows, a fixed step apart, is told by one cell and
// two steps, and a kernel can compute any row of it. This finds that cell and those steps in the rows themselves, and
// answers only when float32 arithmetic gives back every row bit by bit, with or without fused multiply-add.

/** Where a level's anchors stand among the rows; a `Level` of a head is one. */
export interface LatticeLevel {
	readonly firstAnchor: number;
	readonly numAnchors: number;
	/** [height, width] in cells. */
	readonly grid: readonly [number, number];
	/** Anchors per cell. */
	readonly numShapes: number;
	/** 'yxa': shapes innermost. 'ayx': shapes outermost. */
	readonly order: 'yxa' | 'ayx';
}

/** One cell and the way to its neighbours. */
export interface Lattice {
	/** Rows of cell (0, 0), [numShapes, 4]. */
	readonly shapes: Float32Array<ArrayBuffer>;
	/** Added per cell to x (to both corners of xyxy); a float32, every multiple of which within the grid is one too. 0 in a single column. */
	readonly stepX: number;
	/** Added per cell to y. */
	readonly stepY: number;
}

const SMALLEST_NORMAL = 2 ** -126;
/** A lattice finer than this against its own step is none; it bounds the search. */
const MOST_HALVINGS = 48;
const round = Math.fround;

/**
 * The lattice of a level of `rows` [numAnchors, 4], or undefined when there is none: when any row differs in a bit from
 * shape + (f32(x) * stepX, f32(y) * stepY, the same again for 'xyxy', 0 else), product and sum each rounded once to
 * float32; when a product is not exact, for then a fused multiply-add would differ; when a value is not finite, or so
 * small that a GPU may flush it to 0; or when the level has no anchors, or not grid x numShapes of them. Throws nothing.
 */
export function findLattice(rows: Float32Array, level: LatticeLevel, format: 'xyxy' | 'cxcywh' | 'point'): Lattice | undefined {
	const { firstAnchor, numAnchors, numShapes, order } = level;
	const [height, width] = level.grid;
	const end = (firstAnchor + numAnchors) * 4;
	if (numAnchors === 0 || numAnchors !== height * width * numShapes || end > rows.length) return undefined;
	// floats from a row to its neighbours
	const [nextShape, nextX] = order === 'yxa' ? [4, numShapes * 4] : [height * width * 4, 4];
	const walk: Walk = { first: firstAnchor * 4, numShapes, height, width, nextShape, nextX, nextY: width * nextX, far: format === 'xyxy' };

	const shapes = new Float32Array(numShapes * 4);
	for (let s = 0; s < numShapes; s++) shapes.set(rows.subarray(walk.first + s * nextShape, walk.first + s * nextShape + 4), s * 4);
	const stepX = findStep(rows, walk, 0, width, nextX);
	const stepY = findStep(rows, walk, 1, height, walk.nextY);
	if (stepX === undefined || stepY === undefined) return undefined;
	const shiftsX = multiples(stepX, width);
	const shiftsY = multiples(stepY, height);
	if (!shiftsX || !shiftsY || !sameRows(rows, walk, shapes, shiftsX, shiftsY)) return undefined;
	return { shapes, stepX, stepY };
}

interface Walk {
	readonly first: number;
	readonly numShapes: number;
	readonly height: number;
	readonly width: number;
	readonly nextShape: number;
	readonly nextX: number;
	readonly nextY: number;
	/** The third and fourth number move too. */
	readonly far: boolean;
}

/**
 * The step along one axis. The last cell's rows were rounded, so each leaves an interval in which the step must lie; of
 * those that all intervals share, the one with the fewest bits is taken. Whether it is right is for `sameRows` to say.
 */
function findStep(rows: Float32Array, walk: Walk, axis: 0 | 1, count: number, next: number): number | undefined {
	if (count === 1) return 0;
	let least = -Infinity;
	let most = Infinity;
	for (let s = 0; s < walk.numShapes; s++) {
		for (let k = axis; k < (walk.far ? 4 : 2); k += 2) {
			const place = walk.first + s * walk.nextShape + k;
			const last = rows[place + (count - 1) * next];
			const way = last - rows[place];
			const slack = unitOf(last) / 2;
			least = Math.max(least, (way - slack) / (count - 1));
			most = Math.min(most, (way + slack) / (count - 1));
		}
	}
	const step = simplest(least, most);
	return step !== undefined && round(step) === step ? step : undefined;
}

/** Distance from a float32 to the next one farther from 0; 0 for 0, which only an exact sum gives. */
function unitOf(value: number): number {
	return value === 0 ? 0 : 2 ** (Math.floor(Math.log2(Math.abs(value))) - 23);
}

/** The number with the fewest bits from `least` to `most`. */
function simplest(least: number, most: number): number | undefined {
	if (!(least <= most) || most - least === Infinity) return undefined;
	if (least <= 0 && most >= 0) return 0;
	if (most < 0) {
		const mirrored = simplest(-most, -least);
		return mirrored === undefined ? undefined : -mirrored;
	}
	let unit = 2 ** Math.floor(Math.log2(most));
	for (let i = 0; i < MOST_HALVINGS; i++, unit /= 2) {
		const multiple = Math.ceil(least / unit) * unit;
		if (multiple <= most) return multiple;
	}
	return undefined;
}

/** f32(i) * step for every i below `count`, or undefined when one is not exact. */
function multiples(step: number, count: number): Float32Array | undefined {
	const products = new Float32Array(count);
	for (let i = 0; i < count; i++) {
		products[i] = i * step;
		// i * step has at most 24 + 24 bits: exact here
		if (round(i) !== i || products[i] !== i * step || isTiny(products[i])) return undefined;
	}
	return products;
}

function isTiny(value: number): boolean {
	return value !== 0 && Math.abs(value) < SMALLEST_NORMAL;
}

/** Whether every row is its shape, moved, to the bit. */
function sameRows(rows: Float32Array, walk: Walk, shapes: Float32Array, shiftsX: Float32Array, shiftsY: Float32Array): boolean {
	const { first, numShapes, height, width, nextShape, nextX, nextY, far } = walk;
	for (let y = 0; y < height; y++) {
		const dy = shiftsY[y];
		for (let x = 0; x < width; x++) {
			const dx = shiftsX[x];
			let place = first + y * nextY + x * nextX;
			for (let s = 0; s < numShapes * 4; s += 4, place += nextShape) {
				const same =
					sameBits(rows[place], shapes[s] + dx) &&
					sameBits(rows[place + 1], shapes[s + 1] + dy) &&
					sameBits(rows[place + 2], shapes[s + 2] + (far ? dx : 0)) &&
					sameBits(rows[place + 3], shapes[s + 3] + (far ? dy : 0));
				if (!same) return false;
			}
		}
	}
	return true;
}

/** Whether a float32 is the sum of two others, rounded, -0 and 0 told apart. NaN, infinite and tiny values never are. */
function sameBits(value: number, sum: number): boolean {
	return value === round(sum) && (value !== 0 || Object.is(value, round(sum))) && value - value === 0 && !isTiny(value);
}
