// Levels of cells, each with the same anchor shapes in every cell: what the rules of YOLO match against, numbered as the
// rows of kedge's heads and of `cellAnchors` are. Level, shape, y, x, or level, y, x, shape.

import { checkGrid, checkPositive, checkPositiveNumber, type GridSize, levelGrids } from '../../anchors/levels.js';
import type { CellLevel } from '../../anchors/points.js';
import type { AnchorTable } from '../../anchors/yolo.js';
import { checkWord, readOptions, refuse } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';

/** How anchors are numbered inside a level. 'ayx': shape * cells + cell (maps as convolutions leave them). 'yxa': cell * shapes + shape (channels last). */
export type CellOrder = 'ayx' | 'yxa';
/** All of them. */
export const CELL_ORDERS: readonly CellOrder[] = ['ayx', 'yxa'];

/** Cells without shapes: one point each. */
export interface GridLevel {
	/** [height, width] in cells. */
	readonly grid: GridSize;
	/** Pixels per cell. */
	readonly stride: number;
}

/** Options of `cellLevels`. */
export interface CellLevelsOptions {
	/** Network input in pixels, [height, width]. */
	inputSize: readonly [number, number];
	/** Pixels per cell of each level, fine to coarse. */
	strides: readonly number[];
	/** Width, height, ... of each level's shapes, fine to coarse: a table of kedge's, as `YOLOV3_ANCHORS`, or what `splitAnchors` gives. */
	anchors: AnchorTable | readonly FloatsLike[];
	/** What the table counts in. 'cells': YOLOv2's. Default 'pixels'. */
	unit?: 'pixels' | 'cells';
	/** How the levels follow one another: as the head's option of the same name. 'coarse-to-fine' is the default of `yolov3`. Default 'fine-to-coarse', as `yolov5` and `yolov4` have it. */
	order?: 'fine-to-coarse' | 'coarse-to-fine';
}

/**
 * The levels of a YOLO head, for `matchYoloGrid`, `matchYolov5` and `cellAnchors`. Grids are ceil(input / stride). Throws a TypeError or
 * RangeError that names the option.
 */
export function cellLevels(options: CellLevelsOptions): CellLevel[] {
	const given = readOptions('cellLevels', 'options', options, ['inputSize', 'strides', 'anchors', 'unit', 'order']) as Partial<CellLevelsOptions>;
	const strides = checkPositive('cellLevels', 'strides', given.strides);
	const grids = levelGrids('cellLevels', given.inputSize as CellLevelsOptions['inputSize'], strides);
	const unit = checkWord('cellLevels', 'unit', given.unit ?? 'pixels', ['pixels', 'cells']);
	const order = checkWord('cellLevels', 'order', given.order ?? 'fine-to-coarse', ['fine-to-coarse', 'coarse-to-fine']);
	const table: unknown = given.anchors;
	if (!Array.isArray(table) || table.length !== strides.length) {
		refuse(RangeError, 'cellLevels', 'anchors', `must have one list per stride, ${strides.length}`, table);
	}
	const levels = grids.map((grid, i) => {
		const shapes = checkShapes('cellLevels', `anchors[${i}]`, table[i]);
		return { grid, stride: strides[i], shapes: unit === 'cells' ? shapes.map((size) => size * strides[i]) : shapes.slice() };
	});
	return order === 'coarse-to-fine' ? levels.reverse() : levels;
}

/** A list of width, height, ... in pixels. */
function checkShapes(where: string, argument: string, value: unknown): readonly number[] {
	const isTyped = ArrayBuffer.isView(value) && !(value instanceof DataView);
	const shapes = checkPositive(where, argument, isTyped ? Array.from(value as unknown as ArrayLike<number>) : value);
	if (shapes.length % 2) refuse(RangeError, where, argument, 'must hold width, height, ...: an even count', shapes.length);
	return shapes;
}

/** A level of points, and where its rows begin. */
export interface PlacedGrid extends GridLevel {
	readonly firstAnchor: number;
}

/** A level of anchors, and where its rows begin. */
export interface PlacedCells extends PlacedGrid {
	/** [numShapes, 2] width and height in pixels, float32. */
	readonly shapes: Float32Array;
	readonly numShapes: number;
}

/** Rows that fit a typed array with room to spare. */
const MOST_ANCHORS = 2 ** 28;

/** One level of points, checked. */
export function checkGridLevel(where: string, value: unknown): PlacedGrid {
	return placeLevel(where, 'level', value, ['grid', 'stride'], 0).placed;
}

/** Levels of points, checked; and how many points they have. */
export function checkGridLevels(where: string, value: unknown): { levels: PlacedGrid[]; numAnchors: number } {
	return placeLevels(where, value, ['grid', 'stride'], (placed) => ({ ...placed, numShapes: 1 }));
}

/** Levels with anchor shapes, checked; and how many anchors they have. */
export function checkCellLevels(where: string, value: unknown): { levels: PlacedCells[]; numAnchors: number } {
	return placeLevels(where, value, ['grid', 'stride', 'shapes'], (placed, level, name): PlacedCells => {
		const shapes = Float32Array.from(checkShapes(where, `${name}.shapes`, level.shapes));
		return { ...placed, shapes, numShapes: shapes.length / 2 };
	});
}

type Given = Partial<Record<string, unknown>>;

function placeLevels<T extends PlacedGrid & { numShapes: number }>(
	where: string,
	value: unknown,
	keys: readonly string[],
	read: (placed: PlacedGrid, level: Given, name: string) => T,
): { levels: T[]; numAnchors: number } {
	if (!Array.isArray(value) || value.length === 0) refuse(TypeError, where, 'levels', `must be a list of { ${keys.join(', ')} }`, value);
	let numAnchors = 0;
	const levels = value.map((entry: unknown, i) => {
		const { placed, level } = placeLevel(where, `levels[${i}]`, entry, keys, numAnchors);
		const whole = read(placed, level, `levels[${i}]`);
		numAnchors += whole.grid[0] * whole.grid[1] * whole.numShapes;
		return whole;
	});
	checkNumAnchors(where, 'levels', numAnchors);
	return { levels, numAnchors };
}

function placeLevel(where: string, name: string, entry: unknown, keys: readonly string[], firstAnchor: number): { placed: PlacedGrid; level: Given } {
	if (entry === undefined) refuse(TypeError, where, name, `must be { ${keys.join(', ')} }`, entry);
	const level = readOptions(where, name, entry, keys);
	const grid = checkGrid(where, `${name}.grid`, level.grid);
	const stride = checkPositiveNumber(where, `${name}.stride`, level.stride);
	checkNumAnchors(where, `${name}.grid`, grid[0] * grid[1]);
	return { placed: { grid: [grid[0], grid[1]], stride, firstAnchor }, level };
}

function checkNumAnchors(where: string, argument: string, numAnchors: number): void {
	if (numAnchors > MOST_ANCHORS) refuse(RangeError, where, argument, `must have at most ${MOST_ANCHORS} anchors`, numAnchors);
}

/** The row of an anchor. */
export function rowOf(level: PlacedCells, order: CellOrder, shape: number, y: number, x: number): number {
	const [height, width] = level.grid;
	const inLevel = order === 'ayx' ? (shape * height + y) * width + x : (y * width + x) * level.numShapes + shape;
	return level.firstAnchor + inLevel;
}
