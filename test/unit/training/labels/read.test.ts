// `readLabels` as a whole: one data set in three formats, mixtures, limits (6-faults G5), a hundred thousand files, progress and the
// end by a signal, and the arguments.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type LabelFile, type LabelProgress, type Labels, labelSizes, readLabels } from '../../../../src/training.js';
import { cocoJson, labelFile, pngHeader, type SampleImage, vocXml, yoloText } from '../../../support/label-files.js';
import { random } from '../../../support/random.js';

const NAMES = ['bicycle', 'car', 'dog'];
/** Boxes of whole pixels in images of many sizes, from a seed. */
function sampleSet(numImages: number): SampleImage[] {
	const next = random(5);
	const whole = (low: number, high: number) => low + Math.floor(next() * (high - low));
	return Array.from({ length: numImages }, (_, i) => {
		const [width, height] = [whole(300, 1300), whole(200, 900)];
		const objects = Array.from({ length: whole(1, 6) }, () => {
			const [xmin, ymin] = [whole(0, width - 30), whole(0, height - 30)];
			return { name: NAMES[whole(0, 3)], box: [xmin, ymin, whole(xmin + 4, width + 1), whole(ymin + 4, height + 1)] as const };
		});
		return { stem: `picture_${i}`, width, height, objects };
	});
}

describe('one data set in three formats', () => {
	const set = sampleSet(200);
	const images = set.map(({ stem, width, height }) => labelFile(`images/${stem}.png`, pngHeader(width, height)));
	const inThree: Record<string, LabelFile[]> = {
		voc: set.map((image) => labelFile(`Annotations/${image.stem}.xml`, vocXml(image))),
		coco: [labelFile('instances.json', cocoJson(set, NAMES), 1000)],
		yolo: [...images, ...set.map((image) => labelFile(`labels/${image.stem}.txt`, yoloText(image, NAMES))), labelFile('classes.txt', NAMES.join('\n'))],
	};

	it.each(Object.keys(inThree))('gives the boxes that were written: %s', async (format) => {
		const labels = await readLabels(inThree[format]);
		expect([labels.format, labels.problems]).toEqual([format, []]);
		expect(labels.classNames).toEqual(NAMES);
		// what YOLO's digits leave of an edge at 0; sizes are as written
		const edges = set.flatMap(({ objects }) => objects.flatMap(({ box }) => [...box]));
		expect([...labels.boxes].map((x) => Math.round(x * 1e6) / 1e6 + 0)).toEqual(edges);
		expect([...labels.classIds]).toEqual(set.flatMap(({ objects }) => objects.map(({ name }) => NAMES.indexOf(name))));
		const { sizes, imageSizes } = labelSizes(labels);
		expect([...sizes]).toEqual(set.flatMap(({ objects }) => objects.flatMap(({ box: [x0, y0, x1, y1] }) => [x1 - x0, y1 - y0])));
		expect([...imageSizes]).toEqual(set.flatMap(({ width, height, objects }) => objects.flatMap(() => [width, height])));
	});

	it('is refused as a mixture, unless one format is named', async () => {
		const mixed = [...inThree.yolo, ...inThree.voc];
		await expect(readLabels(mixed)).rejects.toThrow(
			/^readLabels: files must have labels of one format; got ".*\.txt \(yolo\), .*\.xml \(voc\)" \(give format to read one of them\)$/,
		);
		await expect(readLabels([...inThree.voc, ...inThree.coco])).rejects.toThrow(RangeError);
		const voc = await readLabels(mixed, { format: 'voc' });
		expect([voc.format, voc.numFiles, voc.numIgnored, voc.numProblems]).toEqual(['voc', 200, 401, 0]);
	});

	it('is not made a mixture by notes, empty texts and settings beside it', async () => {
		const strangers = [
			...[labelFile('notes.txt', 'by hand'), labelFile('000005.txt', '000005 -1\n'), labelFile('empty.txt', ''), labelFile('settings.json', '{"a":1}')],
			...[labelFile('.DS_Store', '\0'), labelFile('movie.mp4', '\0'), labelFile('._picture_0.xml', '\0')],
		];
		for (const files of [
			[...inThree.voc, ...strangers],
			[...strangers, ...inThree.voc],
		]) {
			const { format, problems, numFiles, numIgnored } = await readLabels(files);
			expect([format, problems, numFiles, numIgnored]).toEqual(['voc', [], 200, 7]);
		}
	});
});

describe('limits and broken files (G5)', () => {
	const good = [labelFile('a.png', pngHeader(10, 10)), labelFile('a.txt', '0 0.5 0.5 1 1')];
	const withOne = async (file: LabelFile, options = {}) => {
		const labels = await readLabels([...good, file], options);
		expect([...labels.boxes]).toEqual([0, 0, 10, 10]);
		expect(labels.numFailed).toBe(1);
		return labels.problems[0];
	};

	it('100 MB are refused before a byte is read', async () => {
		const huge: LabelFile = {
			...labelFile('b.txt', ''),
			size: 100e6,
			arrayBuffer: () => {
				throw new Error('must not be read');
			},
		};
		expect(await withOne(huge)).toEqual({ file: 'b.txt', what: 'has 100000000 bytes, more than limits.textBytes, 16777216', dropped: Infinity });
		expect((await withOne({ ...labelFile('b.txt', 'x'.repeat(100)), size: 1 }, { limits: { textBytes: 99 } })).what).toMatch(/^has 100 bytes/);
		expect((await withOne(labelFile('b.json', '[]  '), { limits: { jsonBytes: 3 } })).what).toBe('is longer than limits.jsonBytes, 3');
		expect((await withOne({ ...labelFile('b.json', '[]  '), size: 1 }, { limits: { jsonBytes: 3 } })).what).toBe('is longer than limits.jsonBytes, 3');
	});

	it('a million lines are a million problems, of which a thousand are kept', async () => {
		const labels = await readLabels([...good, labelFile('b.png', pngHeader(10, 10)), labelFile('b.txt', `0 0.5 0.5 0.5 0.5\n${'0 0.5\n'.repeat(1_000_000)}`)]);
		expect([labels.boxes.length, labels.numProblems, labels.numDropped, labels.problems.length]).toEqual([8, 1_000_000, 1_000_000, 1000]);
		expect(labels.problems[999].line).toBe(1001);
	});

	it.each([
		['NUL bytes', '0 0.5 0.5 1 1\n0 0.5\0 0.5', { line: 2, what: 'holds a NUL character; it is not a text file' }],
		['broken UTF-8', Uint8Array.of(48, 10, 10, 0xc3, 0x28), { line: 3, what: 'is not UTF-8' }],
		['UTF-8 that is cut', Uint8Array.of(48, 10, 0xe2, 0x82), { line: 2, what: 'is not UTF-8' }],
		['UTF-16', Uint8Array.of(0xff, 0xfe, 48, 0), { what: 'is UTF-16, not UTF-8; save it as UTF-8' }],
	])('%s: the line is named', async (_, content, expected) => {
		expect(await withOne(labelFile('b.txt', content))).toEqual({ file: 'b.txt', dropped: Infinity, ...expected });
	});

	it('one endless text in JSON is refused', async () => {
		const problem = await withOne(labelFile('b.json', `{"info":"${'x'.repeat(3_000_000)}"}`));
		expect(problem).toMatchObject({ what: 'has a value longer than 1048576 bytes', line: 1 });
	});

	it('boxes beyond their number end the reading', async () => {
		const files = [labelFile('a.png', pngHeader(10, 10)), labelFile('a.txt', '0 0.5 0.5 1 1\n0 0.5 0.5 1 0.5\n0 0.5 0.5 0.5 1')];
		expect((await readLabels(files, { limits: { boxes: 3 } })).boxes.length).toBe(12);
		await expect(readLabels(files, { limits: { boxes: 2 } })).rejects.toThrow('readLabels: a.txt:3 has a box beyond limits.boxes, 2');
	});

	it('images cut short, of no size, or without end say so', async () => {
		const of = async (picture: LabelFile, options = {}) => (await readLabels([labelFile('a.txt', '0 0.5 0.5 1 1'), picture], options)).problems[0];
		expect((await of(labelFile('a.png', pngHeader(10, 10).slice(0, 20)))).what).toMatch(/^does not say its size/);
		expect((await of(labelFile('a.png', pngHeader(10, 0)))).what).toBe('says that it is 10 x 0 pixels');
		const noise = labelFile('a.jpg', new Uint8Array(100_000).fill(7), 1000);
		expect((await of(noise, { limits: { headerBytes: 5000 } })).what).toBe('does not say its size in its first 5000 bytes, limits.headerBytes');
	});

	it('files that cannot be read are problems too', async () => {
		const denied = () => Promise.reject(new DOMException('The file could not be read', 'NotReadableError'));
		expect(await withOne({ ...labelFile('b.txt', ''), arrayBuffer: denied })).toMatchObject({
			file: 'b.txt',
			what: 'cannot be read: The file could not be read',
		});
		const stream = () => new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
		expect((await withOne({ ...labelFile('b.json', ''), stream })).what).toBe('cannot be read: gone');
	});
});

describe('many files', () => {
	const COUNT = 100_000;
	const text = '0 0.5 0.5 0.25 0.5\n1 0.25 0.25 0.125 0.125\n';
	const xml = vocXml({ stem: 'a', width: 64, height: 64, objects: [{ name: 'dog', box: [1, 2, 30, 40] }] });
	setFlagsFromString('--expose-gc');
	const collectGarbage = runInNewContext('gc') as () => void;

	/** Reads files that are made when they are asked for; half-way, counts those that are still held. */
	async function readMany(make: (i: number) => LabelFile, options = {}): Promise<{ labels: Labels; numHeld: number }> {
		const files: WeakRef<LabelFile>[] = [];
		let numHeld = Infinity;
		async function* generated() {
			for (let i = 0; i < COUNT; i++) {
				if (i === COUNT / 2) {
					// weak references hold what they were made of until the turn ends
					await new Promise((resolve) => setTimeout(resolve, 0));
					collectGarbage();
					numHeld = files.filter((file) => file.deref()).length;
				}
				const file = make(i);
				files.push(new WeakRef(file));
				yield file;
			}
		}
		return { labels: await readLabels(generated(), options), numHeld };
	}

	it('100,000 YOLO files are read and let go', async () => {
		const { labels, numHeld } = await readMany((i) => labelFile(`labels/${i}.txt`, text), { imageSize: [32, 64] });
		expect([labels.boxes.length / 4, labels.images.length, labels.numProblems]).toEqual([2 * COUNT, COUNT, 0]);
		expect([...labels.boxes.subarray(-8)]).toEqual([24, 8, 40, 24, 12, 6, 20, 10]);
		expect(numHeld).toBeLessThan(50);
	});

	it('100,000 VOC files are read and let go', async () => {
		const { labels, numHeld } = await readMany((i) => labelFile(`${i}.xml`, xml));
		expect([labels.boxes.length / 4, labels.images.length, labels.numProblems]).toEqual([COUNT, COUNT, 0]);
		expect(numHeld).toBeLessThan(50);
	});
});

describe('progress and the end by a signal', () => {
	const xml = vocXml({ stem: 'a', width: 9, height: 9, objects: [] });
	/** Some files take their time, so that reports and signals have one. */
	const slowly = (file: LabelFile): LabelFile => ({
		...file,
		arrayBuffer: async () => {
			await new Promise((resolve) => setTimeout(resolve, 60));
			return file.arrayBuffer();
		},
	});
	const many = Array.from({ length: 300 }, (_, i) => labelFile(`${i}.xml`, xml)).map((file, i) => (i % 100 === 50 ? slowly(file) : file));

	it('tells how far it is, and at the end all', async () => {
		const told: LabelProgress[] = [];
		const labels = await readLabels(many, { onProgress: (progress) => told.push(progress) });
		expect(told.length).toBeGreaterThan(1);
		expect(told.map((p) => p.files)).toEqual(told.map((p) => p.files).sort((a, b) => a - b));
		expect(told.at(-1)).toEqual({ files: 300, bytes: many.reduce((sum, file) => sum + file.size, 0), images: 300, boxes: 0, problems: 0, file: '299.xml' });
		expect(labels.numFiles).toBe(300);
	});

	it('ends before, and in the middle, with the reason of the signal; the rest is not asked for', async () => {
		await expect(readLabels(many, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
		const controller = new AbortController();
		let asked = 0;
		let closed = false;
		async function* files() {
			try {
				for (const file of many) {
					asked++;
					yield file;
				}
			} finally {
				closed = true;
			}
		}
		const onProgress = () => controller.abort(new Error('enough'));
		await expect(readLabels(files(), { signal: controller.signal, onProgress })).rejects.toThrow('enough');
		expect(asked).toBeLessThan(300);
		expect(closed).toBe(true);
	});

	it('ends within a large JSON file, whose stream is cancelled', async () => {
		let cancelled = false;
		const pull = (controller: ReadableStreamDefaultController) => controller.enqueue(new TextEncoder().encode(' [1, 2, 3],'.repeat(1000)));
		const start = (controller: ReadableStreamDefaultController) => controller.enqueue(new TextEncoder().encode('{"info":['));
		const cancel = () => {
			cancelled = true;
		};
		const endless: LabelFile = { ...labelFile('a.json', ''), size: 1e9, stream: () => new ReadableStream({ start, pull, cancel }) };
		await expect(readLabels([endless], { signal: AbortSignal.timeout(200) })).rejects.toThrow(/timeout/i);
		expect(cancelled).toBe(true);
	});
});

describe('arguments', () => {
	it.each([
		[5, {}, /^readLabels: files must be a list of files, or an iterable or async iterable of them; got 5$/],
		[[5], {}, /^readLabels: files\[0\] must be a File, or an object with name, size, arrayBuffer\(\) and stream\(\); got 5$/],
		[[{ ...labelFile('', ''), name: 3 }], {}, /^readLabels: files\[0\]\.name must be a string; got 3$/],
		[[{ ...labelFile('', ''), size: NaN }], {}, /^readLabels: files\[0\]\.size must be a number of bytes; got NaN$/],
		[[], { format: 'Coco' }, /did you mean 'coco'\?/],
		[[], { formt: 'coco' }, /did you mean format\?/],
		[[], { onProblem: 'ignore' }, /^readLabels: onProblem must be 'report' or 'error'/],
		[[], { vocCorners: 1 }, /^readLabels: vocCorners must be/],
		[[], { imageSize: [640] }, /^readLabels: imageSize must be \[height, width\]/],
		[[], { imageSize: [640, 0] }, /^readLabels: imageSize\[1\]/],
		[[], { classNames: ['a', 1] }, /^readLabels: classNames\[1\] must be a string; got 1$/],
		[[], { keypointShape: [17, 4] }, /^readLabels: keypointShape\[1\] must be an integer from 2 to 3; got 4$/],
		[[], { limits: { boxes: 0 } }, /^readLabels: limits\.boxes must be an integer from 1 /],
		[[], { limits: { bytes: 1 } }, /^readLabels: limits may hold textBytes, jsonBytes/],
		[[], { signal: 1 }, /^readLabels: signal must be an AbortSignal; got 1$/],
		[[], { onProgress: 1 }, /^readLabels: onProgress must be a function; got 1$/],
		[[], JSON.parse('{"__proto__":{"format":"coco"}}'), /got "__proto__"$/],
	])('%j with %j are refused', async (files, options, message) => {
		await expect(readLabels(files as LabelFile[], options)).rejects.toThrow(message);
	});

	it('no files are no labels', async () => {
		const { images, boxes, classIds, imageIndices, flags, classNames, format, problems } = await readLabels([]);
		expect([images, boxes, classIds, imageIndices, flags, classNames]).toEqual([
			[],
			new Float32Array(),
			new Uint32Array(),
			new Uint32Array(),
			new Uint8Array(),
			[],
		]);
		expect([format, problems]).toEqual([undefined, []]);
	});

	it('files of a page and of a folder dropped on it are taken as they are', async () => {
		const file = new File([vocXml({ stem: 'a', width: 9, height: 9, objects: [{ name: 'dog', box: [1, 1, 5, 6] }] })], 'a.xml');
		Object.defineProperty(file, 'webkitRelativePath', { value: 'set/Annotations/a.xml' });
		const labels = await readLabels([file, new File([cocoJson([], ['x'])], 'c.json')], { format: 'voc' });
		expect([labels.images[0].file, [...labels.boxes]]).toEqual(['set/Annotations/a.xml', [1, 1, 5, 6]]);
		const json = await readLabels([new File([cocoJson(sampleSet(3), NAMES)], 'c.json')]);
		expect([json.images.length, json.numProblems]).toEqual([3, 0]);
	});

	it('labelSizes takes labels alone', () => {
		expect(() => labelSizes({} as Labels)).toThrow('labelSizes: labels must be what readLabels gives; got undefined');
		expect(() => labelSizes({ images: [] } as unknown as Labels, { crowds: true } as never)).toThrow(/did you mean crowd\?/);
	});
});
