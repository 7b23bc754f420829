// YOLO labels: one text file per image, one box per line, `class cx cy w h` in parts of the image's width and height. Lines of
// segmentation sets (`class x1 y1 x2 y2 …`) become the boxes around their points. Pixels need the image: see images.ts.
// Format: https://docs.ultralytics.com/datasets/detect

import { show } from '../../errors.js';
import { type Collector, Growing } from './collector.js';
import { toNumber } from './text.js';

/** Class numbers beyond this are taken for a mistake: names are kept for each up to the highest. */
const MAX_CLASS = 65_535;
/** As ultralytics allows, for rounding. */
const SLACK = 0.01;

/** One label file, its boxes still in parts of an unknown size. */
interface YoloFile {
	readonly file: string;
	readonly first: number;
	readonly count: number;
}

/** Boxes of all label files until their images' sizes are known. */
export class YoloBoxes {
	readonly files: YoloFile[] = [];
	#corners = new Growing(new Float64Array(256));
	#classIds = new Growing(new Uint32Array(64));
	#lines = new Growing(new Uint32Array(64));
	#maxClass = -1;

	/** Reads one file. Where no line is a label, nothing is taken, and the first line's fault is told. */
	read(file: string, text: string, collector: Collector): 'labels' | 'empty' | { fault: string } {
		const first = this.#classIds.length;
		const lines = text.split('\n').map((line) => line.trim());
		const boxes = lines.map((line) => (line ? parseLine(line, collector.settings.keypointShape) : undefined));
		const fault = boxes.find((box) => typeof box === 'string');
		const isEmpty = !boxes.some((box) => box);
		if (fault && !boxes.some((box) => typeof box === 'object')) return { fault };
		const seen = new Set<string>();
		for (const [i, box] of boxes.entries()) {
			if (!box) continue;
			const place = { file, line: i + 1 };
			if (typeof box === 'string') collector.report(place, box, 1);
			// as ultralytics does
			else if (seen.has(lines[i])) collector.report(place, 'says what an earlier line says', 1);
			else {
				seen.add(lines[i]);
				this.#corners.push(...box.corners);
				this.#classIds.push(box.classId);
				this.#lines.push(i + 1);
				this.#maxClass = Math.max(this.#maxClass, box.classId);
			}
		}
		this.files.push({ file, first, count: this.#classIds.length - first });
		return isEmpty ? 'empty' : 'labels';
	}

	/** Hands a file's boxes over in pixels. */
	add({ file, first, count }: YoloFile, name: string, { width, height }: { width: number; height: number }, collector: Collector): void {
		const imageIndex = collector.addImage({ name, file, width, height });
		for (let i = first; i < first + count; i++) {
			const [xmin, ymin, xmax, ymax] = [0, 1, 2, 3].map((k) => this.#corners.at(4 * i + k));
			const place = { file, line: this.#lines.at(i) };
			collector.addBox(place, 'the box', imageIndex, this.#classIds.at(i), 0, xmin * width, ymin * height, xmax * width, ymax * height);
		}
	}

	/** The name of every class up to the highest that is used; reports those that the list does not have. */
	classNames(listed: readonly string[], listFile: string | undefined, collector: Collector): string[] {
		if (this.#maxClass >= listed.length && listFile !== undefined) {
			collector.report({ file: listFile }, `names ${listed.length} classes, but labels have class ${this.#maxClass}; it goes by its number`, 0);
		}
		return Array.from({ length: Math.max(listed.length, this.#maxClass + 1) }, (_, id) => listed[id] ?? String(id));
	}
}

interface YoloLine {
	readonly classId: number;
	/** xyxy in parts of the image. */
	readonly corners: readonly number[];
}

/** A line's box, or what is wrong with it. */
function parseLine(line: string, shape: readonly [number, number] | undefined): YoloLine | string {
	const words = line.split(/\s+/);
	const numbers = words.map(toNumber);
	const bad = numbers.findIndex((x) => Number.isNaN(x));
	if (bad >= 0) return `must hold numbers; got ${show(words[bad])}`;
	const [classId, ...rest] = numbers;
	if (!(Number.isInteger(classId) && classId >= 0 && classId <= MAX_CLASS)) return `must begin with a class from 0 to ${MAX_CLASS}; got ${show(words[0])}`;
	const isBox = rest.length === 4 || (shape !== undefined && rest.length === 4 + shape[0] * shape[1]);
	const isPolygon = !shape && rest.length >= 6 && rest.length % 2 === 0;
	if (!isBox && !isPolygon) return countFault(numbers.length, shape);
	const parts = isBox ? rest.slice(0, 4) : rest;
	const outside = parts.find((x) => !(x >= -SLACK && x <= 1 + SLACK));
	if (outside !== undefined) return `must hold parts of the image, 0 to 1; got ${outside}${Math.abs(outside) > 2 ? ' (are these pixels?)' : ''}`;
	return { classId, corners: isBox ? aroundCentre(parts) : aroundPoints(parts) };
}

function countFault(count: number, shape: readonly [number, number] | undefined): string {
	if (shape) return `must hold ${5 + shape[0] * shape[1]} numbers: class, box, and ${shape[0]} points of ${shape[1]}; got ${count}`;
	const remedy = count === 6 ? ' (a prediction with its score?)' : count > 6 ? ' (a pose? give keypointShape)' : '';
	return `must hold 5 numbers, class cx cy w h, or a class and three points or more; got ${count}${remedy}`;
}

const aroundCentre = ([cx, cy, w, h]: readonly number[]) => [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];

function aroundPoints(points: readonly number[]): number[] {
	const [xs, ys] = [points.filter((_, i) => i % 2 === 0), points.filter((_, i) => i % 2 === 1)];
	// a line has no limit on its points: no spread into Math.min
	const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));
	const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));
	return [least(xs), least(ys), most(xs), most(ys)];
}
