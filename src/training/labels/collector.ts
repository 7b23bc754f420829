// Where boxes, images, classes and problems of all files come together. Boxes are checked here, so that every format
// has the same rules, and kept in flat arrays that double.

import { KedgeError } from '../../errors.js';
import type { FileFault, LabelFormat, LabelledImage, LabelProblem, Labels } from './labels.js';
import type { LabelSettings } from './options.js';

type Numbers = Float32Array | Float64Array | Uint32Array | Int32Array | Uint8Array;

/** A typed array that grows. */
export class Growing<T extends Numbers> {
	length = 0;
	constructor(private items: T) {}
	push(...values: number[]): void {
		if (this.length + values.length > this.items.length) {
			const wider = new (this.items.constructor as new (length: number) => T)(Math.max(64, this.items.length * 2, this.length + values.length));
			wider.set(this.items);
			this.items = wider;
		}
		for (const value of values) this.items[this.length++] = value;
	}
	at(index: number): number {
		return this.items[index];
	}
	set(index: number, value: number): void {
		this.items[index] = value;
	}
	trimmed(): T {
		return this.items.slice(0, this.length) as T;
	}
}

/** Where in a file something was found. */
export interface Place {
	readonly file: string;
	readonly line?: number;
	readonly column?: number;
}

/** From here on float32 cannot tell neighbouring pixels apart. */
const TOO_FAR = 2 ** 24;

export class Collector {
	readonly images: LabelledImage[] = [];
	readonly problems: LabelProblem[] = [];
	/** COCO files by the images they list. */
	readonly imageFiles = new Map<string, string>();
	numProblems = 0;
	numDropped = 0;
	numFailed = 0;
	#boxes = new Growing(new Float32Array(256));
	#classIds = new Growing(new Uint32Array(64));
	#imageIndices = new Growing(new Uint32Array(64));
	#flags = new Growing(new Uint8Array(64));
	#classes = new Map<string, number>();

	constructor(
		readonly where: string,
		readonly settings: LabelSettings,
	) {}

	get numBoxes(): number {
		return this.#classIds.length;
	}

	/** Notes a problem, or ends the reading with it. `dropped`: boxes lost. */
	report({ file, line, column }: Place, what: string, dropped: number): void {
		const problem: LabelProblem = { file, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }), what, dropped };
		if (this.settings.stopAtProblem) throw this.error(problem);
		this.numProblems++;
		if (dropped === Infinity) this.numFailed++;
		else this.numDropped += dropped;
		if (this.problems.length < this.settings.limits.problems) this.problems.push(problem);
	}

	/** A problem as an error that carries its fields. */
	error({ file, line, column, what }: Omit<LabelProblem, 'dropped'>): KedgeError {
		const place = [file, line, column].filter((part) => part !== undefined).join(':');
		return Object.assign(new KedgeError('BAD_FILE', `${this.where}: ${place} ${what}`), { file, line, column });
	}

	/** A file that is left out whole. */
	fail(file: string, fault: FileFault): void {
		this.report({ file, line: fault.line, column: fault.column }, fault.what, Infinity);
	}

	addImage(image: LabelledImage): number {
		return this.images.push(image) - 1;
	}

	/** The number of a class by its name. */
	classOf(name: string): number {
		const known = this.#classes.get(name) ?? this.#classes.size;
		this.#classes.set(name, known);
		return known;
	}

	/** Takes a box, xyxy in pixels, unless it is not one; `what` says which box it is in a problem's text. */
	addBox(place: Place, what: string, imageIndex: number, classId: number, flags: number, xmin: number, ymin: number, xmax: number, ymax: number): void {
		const { width, height } = this.images[imageIndex];
		const fault = faultOf(xmin, ymin, xmax, ymax, width, height);
		if (fault) this.report(place, `${what} ${fault.what}`, fault.dropped);
		if (fault?.dropped) return;
		if (this.numBoxes >= this.settings.limits.boxes) {
			const { file, line, column } = place;
			throw this.error({ file, line, column, what: `has a box beyond limits.boxes, ${this.settings.limits.boxes}` });
		}
		this.#boxes.push(xmin, ymin, xmax, ymax);
		this.#classIds.push(classId);
		this.#imageIndices.push(imageIndex);
		this.#flags.push(flags);
	}

	/** What was collected. Names given by number replace those by name; `sortClasses` puts names met in any order into one. */
	finish(format: LabelFormat | undefined, counts: { numFiles: number; numIgnored: number }, names?: readonly string[]): Labels {
		const { images, problems, numProblems, numDropped, numFailed } = this;
		const classIds = this.#classIds.trimmed();
		let classNames = names ?? [...this.#classes.keys()];
		if (format === 'voc') {
			// VOC has no list of classes: the order of the files is not to decide their numbers
			const met = classNames;
			classNames = [...met].sort();
			const newId = new Map(classNames.map((name, id) => [name, id]));
			classIds.forEach((id, i) => {
				classIds[i] = newId.get(met[id]) as number;
			});
		}
		return {
			...{ format, images, classIds, classNames, problems, numProblems, numDropped, numFailed, ...counts },
			boxes: this.#boxes.trimmed(),
			imageIndices: this.#imageIndices.trimmed(),
			flags: this.#flags.trimmed(),
		};
	}
}

/** Why a box is not taken, or is remarkable; undefined for one as it should be. Sizes of 0 are unknown ones. */
function faultOf(xmin: number, ymin: number, xmax: number, ymax: number, width: number, height: number): { what: string; dropped: 0 | 1 } | undefined {
	const say = (what: string, dropped: 0 | 1) => ({
		what: what.replace('[]', `[${[xmin, ymin, xmax, ymax].map((x) => Number(x.toPrecision(7))).join(', ')}]`),
		dropped,
	});
	const isNear = (x: number) => Math.abs(x) < TOO_FAR;
	if (!(isNear(xmin) && isNear(ymin) && isNear(xmax) && isNear(ymax))) return say('has a corner beyond 2^24 pixels: []', 1);
	const hasSides = Math.fround(xmax) > Math.fround(xmin) && Math.fround(ymax) > Math.fround(ymin);
	if (!hasSides) return say('has a side that is zero or negative: []', 1);
	if (!width || !height) return undefined;
	if (xmin >= width || ymin >= height || xmax <= 0 || ymax <= 0) return say(`lies outside of its image of ${width} x ${height}: []`, 1);
	// rounding of normalised numbers moves an edge by less
	const beyond = Math.max(-xmin, -ymin, xmax - width, ymax - height);
	return beyond > 1 ? say(`reaches outside of its image of ${width} x ${height}: []; it is kept as it is`, 0) : undefined;
}
