// `kedge anchors PATH`: its options, its work in four steps (read, cluster, evolve, report), and the two files that it leaves.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { Labels } from '../training.js';
import { chartOf } from './chart.js';
import { findAnchors, type Settings } from './find-anchors.js';
import { filesOf } from './folder.js';
import { jsonOf, textOf } from './report.js';
import { Failure, oneLine, ProgressLine, printable } from './terminal.js';

/** The command; `signal` ends its work. */
export function anchorsCommand(signal: AbortSignal): Command {
	const command = new Command('anchors')
		.description('Cluster the boxes of a data set into anchors, and evolve them.')
		.addArgument(new Argument('<path>', 'folder of the data set (VOC, COCO or YOLO labels), or one label file'))
		.addOption(new Option('--size <pixels>', 'longer side of the network input, to which images are scaled').argParser(number(1, 65_536)).default(640))
		.addOption(new Option('--count <n>', 'anchors').argParser(whole(1, 512)).default(9))
		.addOption(new Option('--levels <n>', 'levels over which they are split; must divide the count').argParser(whole(1, 512)).default(3))
		.addOption(new Option('--strides <list>', 'pixels per cell of each level').argParser(strides).default(undefined, '8,16,32,… doubled per level'))
		.addOption(new Option('--distance <kind>', 'by which boxes are clustered').choices(['iou', 'euclidean', 'whitened']).default('iou'))
		.addOption(new Option('--update <kind>', 'what a centre becomes of its boxes').choices(['mean', 'median']).default('mean'))
		.addOption(new Option('--restarts <n>', 'starts, of which the best is kept').argParser(whole(1, 10_000)).default(10))
		.addOption(new Option('--generations <n>', 'mutants that evolution tries').argParser(whole(1, 10_000_000)).default(1000))
		.addOption(new Option('--no-evolve', 'cluster only'))
		.addOption(
			new Option('--ratio <t>', 'an anchor serves a box whose sides are less than t times longer or shorter').argParser(number(1, 1000, true)).default(4),
		)
		.addOption(
			new Option('--min-size <pixels>', 'boxes with both sides below this, at the size of the input, do not cluster').argParser(number(0, 65_536)).default(2),
		)
		.addOption(new Option('--seed <n>', 'the same seed gives the same anchors').argParser(whole(0, Number.MAX_SAFE_INTEGER)).default(0))
		.addOption(new Option('--backend <kind>', 'webgpu needs the npm package webgpu').choices(['cpu', 'webgpu']).default('cpu'))
		.addOption(new Option('--check <anchors>', 'tell how well these fit too: "10,13 16,30 33,23"').argParser(pairs))
		.optionsGroup('Reading:')
		.addOption(new Option('--format <kind>', 'which labels to read').choices(['auto', 'voc', 'coco', 'yolo']).default('auto'))
		.addOption(new Option('--voc-corners <kind>', 'VOC: numbers of pixels from 1, or edges from 0').choices(['inclusive', 'edges']).default('inclusive'))
		.addOption(new Option('--keypoints <KxD>', 'YOLO-pose: points per box and numbers per point, as 17x3').argParser(keypoints))
		.addOption(new Option('--image-size <WxH>', 'size of images that are not found').argParser(cross))
		.addOption(new Option('--all', "take COCO's crowds and VOC's difficult objects too").default(false))
		.addOption(new Option('--strict', 'stop at the first problem').default(false))
		.optionsGroup('Output:')
		.addOption(new Option('--out <folder>', 'where kedge-anchors.json and kedge-anchors.svg go').default('.', 'here'))
		.addOption(new Option('--no-files', 'write no files'))
		.addOption(new Option('--json', 'print the JSON instead of the table').default(false))
		.addOption(new Option('--quiet', 'print the anchors alone, and no progress').default(false))
		.addHelpText('after', HELP)
		.exitOverride();
	command.configureOutput({ outputError: (text, write) => write(`kedge: ${oneLine(text.replace(/^error: /, ''))} (kedge anchors --help)\n`) });
	return command.action((place: string) => run(place, command.opts() as Options, signal));
}

const HELP = `
Examples:
  kedge anchors datasets/coco128 --size 640 --count 9 --levels 3
  kedge anchors annotations/instances_train2017.json --out runs
  kedge anchors VOCdevkit/VOC2012 --format voc --distance euclidean --no-evolve

Exit codes: 0 done, 1 failed, 2 wrongly called, 130 interrupted.`;

interface Options extends Omit<Settings, 'strides' | 'imageSize' | 'keypointShape' | 'current'> {
	strides?: readonly number[];
	check?: Float32Array;
	keypoints?: readonly [number, number];
	imageSize?: readonly [number, number];
	out: string;
	files: boolean;
	json: boolean;
	quiet: boolean;
}

async function run(place: string, options: Options, signal: AbortSignal): Promise<void> {
	const { count: numAnchors, levels } = options;
	if (numAnchors % levels) throw new Failure(`--levels must divide --count; got ${levels} and ${numAnchors} (with 3 levels take 6, 9 or 12 anchors)`, 2);
	const strides = options.strides ?? Array.from({ length: levels }, (_, level) => 8 * 2 ** level);
	if (strides.length !== levels) throw new Failure(`--strides must have one number for each of the ${levels} levels; got ${strides.length}`, 2);
	const { out, files, json, quiet, check: current, keypoints, imageSize, ...asked } = options;
	const settings: Settings = {
		...asked,
		...{ strides, current },
		keypointShape: keypoints as readonly [number, 2 | 3] | undefined,
		imageSize: imageSize && [imageSize[1], imageSize[0]],
	};
	const progress = new ProgressLine(process.stderr, quiet);
	let labels: Labels | undefined;
	const work = findAnchors(filesOf(place), settings, signal, progress, (read) => (labels = read));
	const found = await work.finally(() => {
		progress.clear();
		// of work that failed they are often the reason
		if (labels && !quiet && !signal.aborted) reportProblems(labels);
	});
	const data = jsonOf(place, settings, found);
	// first, so that a folder that takes no files does not cost the anchors
	process.stdout.write(json ? data : textOf(place, settings, found, quiet));
	if (files) writeFiles(out, data, chartOf(place, settings, found));
	if (files && !quiet) process.stderr.write(`wrote ${['json', 'svg'].map((ending) => printable(path.join(out, `kedge-anchors.${ending}`))).join(' and ')}\n`);
}

/** Problems that are printed; the JSON has up to a thousand. */
const SHOWN = 10;

function reportProblems({ problems, numProblems, numDropped, numFailed }: Labels): void {
	for (const { file, line, column, what } of problems.slice(0, SHOWN)) {
		const place = [file, line, column].filter((part) => part !== undefined).join(':');
		process.stderr.write(`${oneLine(`${place} ${what}`)}\n`);
	}
	if (numProblems > SHOWN) process.stderr.write(`and ${count(numProblems - SHOWN, 'more problem')}; kedge-anchors.json has up to a thousand\n`);
	if (numProblems)
		process.stderr.write(`${count(numProblems, 'problem')}: ${count(numDropped, 'box', 'boxes')} and ${count(numFailed, 'whole file')} left out\n`);
}

const count = (n: number, one: string, many = `${one}s`) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

function writeFiles(folder: string, json: string, svg: string): void {
	try {
		mkdirSync(folder, { recursive: true });
		writeFileSync(path.join(folder, 'kedge-anchors.json'), json);
		writeFileSync(path.join(folder, 'kedge-anchors.svg'), svg);
	} catch (cause) {
		throw new Failure(`cannot write into ${folder}: ${(cause as Error).message} (give another folder with --out, or --no-files)`);
	}
}

/** Reads a number from `low` to `high`; `isOpen`: above `low`. */
function number(low: number, high: number, isOpen = false): (text: string) => number {
	return (text) => {
		const value = text.trim() === '' ? NaN : Number(text);
		const isIn = value <= high && (isOpen ? value > low : value >= low);
		if (!isIn) throw new InvalidArgumentError(isOpen ? `Expected a number above ${low}, up to ${high}.` : `Expected a number from ${low} to ${high}.`);
		return value;
	};
}

function whole(low: number, high: number): (text: string) => number {
	return (text) => {
		const value = text.trim() === '' ? NaN : Number(text);
		if (!(Number.isInteger(value) && value >= low && value <= high)) throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}.`);
		return value;
	};
}

/** 8,16,32: the smallest anchors are on the first level. */
function strides(text: string): number[] {
	const steps = text.split(',').map(number(1, 65_536));
	if (steps.some((step, i) => step < steps[i - 1])) throw new InvalidArgumentError('Expected the finest level first, as in 8,16,32.');
	return steps;
}

/** 17x3 */
function keypoints(text: string): readonly [number, number] {
	const [points, numbers] = cross(text);
	if (points > 10_000 || numbers < 2 || numbers > 3) throw new InvalidArgumentError('Expected up to 10000 points of 2 or 3 numbers, as in 17x3.');
	return [points, numbers];
}

/** 1920x1080 */
function cross(text: string): readonly [number, number] {
	const found = /^(\d{1,7})[x×](\d{1,7})$/i.exec(text.trim());
	if (!found || !Number(found[1]) || !Number(found[2])) throw new InvalidArgumentError('Expected two numbers, as in 1920x1080.');
	return [Number(found[1]), Number(found[2])];
}

/** "10,13 16,30" */
function pairs(text: string): Float32Array {
	const numbers = text
		.split(/[\s,;]+/)
		.filter(Boolean)
		.map(Number);
	if (!numbers.length || numbers.length % 2 || !numbers.every((x) => x > 0 && x < 65_536))
		throw new InvalidArgumentError('Expected widths and heights in pixels, as in "10,13 16,30".');
	return Float32Array.from(numbers);
}
