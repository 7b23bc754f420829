// The work of `kedge anchors` on folders: the same anchors from the same boxes in three formats, the report, the JSON and the chart, and
// that texts of strangers stay texts. How the command is called and how it ends is tested on the package.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SaxesParser } from 'saxes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chartOf } from '../../../src/command/chart.js';
import { type Found, findAnchors, type Settings } from '../../../src/command/find-anchors.js';
import { filesOf } from '../../../src/command/folder.js';
import { jsonOf, pixelsOf, textOf } from '../../../src/command/report.js';
import { oneLine, ProgressLine, printable, type Screen } from '../../../src/command/terminal.js';
import type { Labels } from '../../../src/training.js';
import { FORMATS, SHAPES, shapedSet, writeDataSets } from '../../support/data-sets.js';

const NAMES = ['bird', 'cat', '<img src=x onerror=alert(1)>'];
const SETTINGS: Settings = {
	...{ size: 640, count: 9, levels: 3, strides: [8, 16, 32], distance: 'iou', update: 'mean', restarts: 3, evolve: true, generations: 100 },
	...{ ratio: 4, minSize: 2, seed: 0, backend: 'cpu', current: undefined, format: 'auto', vocCorners: 'inclusive' },
	...{ keypointShape: undefined, imageSize: undefined, all: false, strict: true },
};
const screen = () => {
	const written: string[] = [];
	return { written, isTTY: true, columns: 40, write: (text: string) => written.push(text) } satisfies Screen & { written: string[] };
};
const quiet = () => new ProgressLine(screen(), true);
const find = (place: string, settings: Partial<Settings> = {}) =>
	findAnchors(filesOf(place), { ...SETTINGS, ...settings }, new AbortController().signal, quiet());

describe('one data set in three formats', () => {
	const images = shapedSet(40, NAMES);
	const found: Record<string, Found> = {};
	let sets: ReturnType<typeof writeDataSets>;
	beforeAll(async () => {
		// a name with markup is no name of XML's; as text it is
		const escaped = images.map((image) => ({ ...image, objects: image.objects.map((o) => ({ ...o, name: o.name.replace(/</g, '&lt;') })) }));
		sets = writeDataSets(images, NAMES);
		for (const image of escaped) {
			const { vocXml } = await import('../../support/label-files.js');
			writeFileSync(path.join(sets.folder, `voc/Annotations/${image.stem}.xml`), vocXml(image));
		}
		for (const format of FORMATS) found[format] = await find(path.join(sets.folder, format));
	});
	afterAll(() => sets?.remove());

	it('gives the same anchors, bit for bit', () => {
		const { voc, coco, yolo } = found;
		expect(voc.labels.format).toBe('voc');
		expect([coco.labels.format, yolo.labels.format]).toEqual(['coco', 'yolo']);
		expect(voc.sizes.length).toBe(2 * 9 * 40);
		expect([...coco.sizes]).toEqual([...voc.sizes]);
		expect([...yolo.sizes]).toEqual([...voc.sizes]);
		for (const { anchors, fitness, levels, best } of [coco, yolo]) expect({ anchors, fitness, levels, best }).toEqual({ ...pick(voc) });
		expect(coco.labels.classNames).toEqual(yolo.labels.classNames);
	});
	const pick = ({ anchors, fitness, levels, best }: Found) => ({ anchors, fitness, levels, best });

	it('finds the shapes that the boxes were made around', () => {
		const { anchors } = found.voc;
		SHAPES.forEach(([width, height], k) => {
			expect(Math.abs(anchors[2 * k] / width - 1)).toBeLessThan(0.1);
			expect(Math.abs(anchors[2 * k + 1] / height - 1)).toBeLessThan(0.1);
		});
		expect(found.voc.levels.map(({ boxes }) => boxes)).toEqual([120, 120, 120]);
		expect(found.voc.fitness.bestPossibleRecall).toBe(1);
		expect(found.voc.fitness.fitness).toBeGreaterThanOrEqual(found.voc.clustered.fitness);
	});

	it('is reported in a table, with the anchors as model files have them', () => {
		const text = textOf('a/voc', SETTINGS, found.voc, false);
		expect(text).toMatch(/^data set +a\/voc \(VOC\): 40 images, 360 boxes of 3 classes\n/);
		expect(text).toMatch(/\nbest possible recall +100\.00 %\n/);
		const rows = text.split('\n').filter((line) => /^\d/.test(line));
		expect(rows).toHaveLength(3);
		found.voc.levels.forEach(({ anchors }, i) => {
			expect(rows[i]).toBe(`${i + 1}      ${String(8 * 2 ** i).padStart(6)}   33.33 %  ${pixelsOf(anchors)}`);
		});
		expect(textOf('a/voc', SETTINGS, found.voc, true)).toBe(found.voc.levels.map(({ anchors }) => `${pixelsOf(anchors)}\n`).join(''));
	});

	it('is written as JSON that can stand in a page, whatever the labels are called', () => {
		const json = jsonOf('</script>', { ...SETTINGS, current: Float32Array.of(10, 13) }, found.coco);
		expect(json).not.toMatch(/[<>&]/);
		const data = JSON.parse(json);
		expect(data.dataSet).toEqual({ path: '</script>', format: 'coco', images: 40, boxes: 360, leftOut: { numCrowd: 0, numDifficult: 0, numUnsized: 0 } });
		expect(data.classes.map((entry: { name: string }) => entry.name)).toEqual(NAMES);
		expect(data.classes.reduce((sum: number, { boxes }: { boxes: number }) => sum + boxes, 0)).toBe(360);
		expect(Float32Array.from(data.anchors.flat())).toEqual(found.coco.anchors);
		expect(data.levels[1]).toMatchObject({ stride: 16, boxes: 120, share: 1 / 3 });
		expect(data.checked.anchors).toEqual([[10, 13]]);
		expect(data.problems).toEqual({ count: 0, boxesDropped: 0, filesFailed: 0, list: [] });
	});

	/** Elements, attributes and texts of an SVG, which must be well-formed XML. */
	function parseSvg(svg: string) {
		const parser = new SaxesParser();
		const seen = { elements: new Set<string>(), attributes: new Set<string>(), values: [] as string[], texts: [] as string[] };
		parser.on('error', (error) => {
			throw error;
		});
		parser.on('opentag', ({ name, attributes }) => {
			seen.elements.add(name);
			for (const [key, value] of Object.entries(attributes)) {
				seen.attributes.add(key);
				seen.values.push(String(value));
			}
		});
		parser.on('text', (text) => seen.texts.push(text));
		parser.write(svg).close();
		return seen;
	}

	it('is drawn: boxes, anchors, and what they are; names of folders are texts and nothing else (G4)', () => {
		const hostile = '<img src=x onerror=alert(1)>"\'&\u0000\u202e<script>alert(2)</script>';
		const svg = chartOf(hostile, SETTINGS, found.yolo);
		const { elements, attributes, values, texts } = parseSvg(svg);
		expect([...elements].filter((name) => !['svg', 'g', 'path', 'text', 'rect', 'defs', 'clipPath', 'style', 'tspan', 'circle'].includes(name))).toEqual([]);
		expect([...attributes].filter((name) => /^on|href/i.test(name))).toEqual([]);
		expect(values.filter((value) => /javascript|url\((?!#)/i.test(value))).toEqual([]);
		expect(texts.join('')).toContain('<img src=x onerror=alert(1)>"\'&');
		for (const banned of ['<img', '<script', '\u0000', '\u202e']) expect(svg).not.toContain(banned);
		for (const { anchors } of found.yolo.levels)
			for (let k = 0; k < 6; k += 2) expect(texts.join('|')).toContain(`${Math.round(anchors[k])} × ${Math.round(anchors[k + 1])}`);
		expect(texts.join('')).toContain('360 boxes, longer side 640');
		expect(svg.match(/<path/g)?.length).toBeGreaterThan(360);
	});

	it('measures other anchors beside, and can leave evolution out', async () => {
		const place = path.join(sets.folder, 'coco');
		const result = await find(place, { evolve: false, current: Float32Array.of(1, 1) });
		expect(result.fitness).toEqual(result.clustered);
		expect(result.current).toMatchObject({ fitness: 0, bestPossibleRecall: 0 });
		expect(textOf(place, { ...SETTINGS, evolve: false }, result, false)).toMatch(/checked anchors +fitness 0\.0000, best possible recall 0\.00 %/);
	});

	it('takes one file, and the labels folder alone with the images beside it', async () => {
		const file = await find(path.join(sets.folder, 'coco/annotations/instances_train.json'));
		expect(file.anchors).toEqual(found.coco.anchors);
		expect((await find(path.join(sets.folder, 'yolo/labels'))).sizes).toEqual(found.yolo.sizes);
		expect((await find(path.join(sets.folder, 'yolo/labels/train'))).sizes).toEqual(found.yolo.sizes);
	});

	it('refuses the three at once', async () => {
		await expect(find(sets.folder)).rejects.toThrow(/must have labels of one format; got .*give format/);
		expect((await find(sets.folder, { format: 'voc' })).anchors).toEqual(found.voc.anchors);
	});
});

describe('folders', () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(path.join(tmpdir(), 'kedge-folder-'));
		mkdirSync(path.join(folder, 'b/deep'), { recursive: true });
		mkdirSync(path.join(folder, 'node_modules/x'), { recursive: true });
		mkdirSync(path.join(folder, '.git'));
		for (const name of ['b/deep/2.txt', 'b/10.txt', 'a.txt', 'node_modules/x/n.txt', '.git/g.txt', '.hidden.txt']) writeFileSync(path.join(folder, name), 'x');
		symlinkSync('..', path.join(folder, 'b/up'));
		symlinkSync('nowhere', path.join(folder, 'b/broken.txt'));
		symlinkSync('itself.txt', path.join(folder, 'b/itself.txt'));
		symlinkSync('../a.txt', path.join(folder, 'b/link.txt'));
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	it('are walked in the order of names, links followed, circles once', () => {
		expect([...filesOf(folder)].map(({ name, size }) => [name, size])).toEqual([
			['a.txt', 1],
			['b/10.txt', 1],
			['b/deep/2.txt', 1],
			['b/link.txt', 1],
		]);
	});

	it('without boxes say why', async () => {
		const of = (name: string, text: string) => {
			const place = path.join(folder, 'case');
			rmSync(place, { recursive: true, force: true });
			mkdirSync(place);
			writeFileSync(path.join(place, name), text);
			return find(place, { strict: false });
		};
		await expect(find(path.join(folder, 'none'))).rejects.toThrow(/none is not there; give the folder of a data set, or a label file$/);
		await expect(of('movie.mp4', '')).rejects.toThrow('there are no labels among 1 files (VOC .xml, COCO .json and YOLO .txt are read)');
		await expect(of('a.txt', '')).rejects.toThrow('1 label files hold no box');
		await expect(of('a.txt', '0 0.5 0.5 0.5 0.5')).rejects.toThrow(
			'the images of 1 label files were not found, so 1 boxes cannot be scaled (give the folder that has the images too, or --image-size)',
		);
		await expect(of('a.xml', '<annotation>')).rejects.toThrow('none of 1 label files could be read');
		const crowd = {
			images: [{ id: 1, file_name: 'a', width: 9, height: 9 }],
			annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 5, 5], iscrowd: 1 }],
			categories: [],
		};
		await expect(of('a.json', JSON.stringify(crowd))).rejects.toThrow('all 1 boxes are crowds or difficult (give --all to take them)');
		const unsized = { ...crowd, images: [{ id: 1, file_name: 'a' }], annotations: [{ ...crowd.annotations[0], iscrowd: 0 }] };
		await expect(of('a.json', JSON.stringify(unsized))).rejects.toThrow(/sizes of the images are not known, so 1 boxes cannot be scaled/);
		const flat = { ...crowd, annotations: [{ ...crowd.annotations[0], bbox: [1, 1, 0, 5] }] };
		await expect(of('a.json', JSON.stringify(flat))).rejects.toThrow('all 1 boxes of 1 label files were left out');
		const few = { ...crowd, annotations: [{ ...crowd.annotations[0], iscrowd: 0 }] };
		await expect(of('a.json', JSON.stringify(few))).rejects.toThrow('the boxes have 1 different sizes, fewer than --count, 9');
		await expect(find(path.join(folder, 'case'), { strict: false, minSize: 600 })).rejects.toThrow(
			'the boxes have 0 different sizes (without 1 boxes below --min-size), fewer than --count, 9',
		);
	});

	it('with nothing to cluster still tell what was wrong', async () => {
		const heard: Labels[] = [];
		const files = [new File(['<annotation>\n<object>'], 'cut.xml')];
		const work = findAnchors(files, { ...SETTINGS, strict: false }, new AbortController().signal, quiet(), (labels) => void heard.push(labels));
		await expect(work).rejects.toThrow('none of 1 label files could be read');
		expect(heard.flatMap(({ problems }) => problems)).toMatchObject([{ file: 'cut.xml', line: 2 }]);
	});

	it('count per class the boxes that were taken, not the crowds that were left out', async () => {
		const box = (id: number, side: number, iscrowd: number) => ({ id, image_id: 1, category_id: 1, bbox: [1, 1, side, 5], iscrowd });
		const data = {
			images: [{ id: 1, file_name: 'a', width: 99, height: 99 }],
			annotations: [box(1, 5, 0), box(2, 90, 1), box(3, 50, 0)],
			categories: [{ id: 1, name: 'cat' }],
		};
		const settings = { ...SETTINGS, count: 1, levels: 1, strides: [8] };
		const found = await findAnchors([new File([JSON.stringify(data)], 'a.json')], settings, new AbortController().signal, quiet());
		const { classes, dataSet } = JSON.parse(jsonOf('a.json', settings, found));
		expect([classes, dataSet.boxes, dataSet.leftOut.numCrowd]).toEqual([[{ name: 'cat', boxes: 2 }], 2, 1]);
	});
});

describe('the terminal', () => {
	it('has one line of progress, written over and taken away', () => {
		let now = 0;
		const terminal = screen();
		const line = new ProgressLine(terminal, false, () => now);
		line.show(() => 'too early');
		now = 150;
		line.show(() => `reading \u001b[31m${'x'.repeat(60)}`);
		now = 200;
		line.show(() => 'too soon');
		line.clear();
		line.clear();
		expect(terminal.written).toEqual([`\rreading \ufffd[31m${'x'.repeat(26)}\u001b[K`, '\r\u001b[K']);
	});

	it('in a log has a line now and then, and nothing to erase; none when quiet', () => {
		let now = 0;
		const log = { ...screen(), isTTY: false };
		const lines = [new ProgressLine(log, false, () => now), new ProgressLine(log, true, () => now)];
		for (now = 0; now <= 25_000; now += 100) for (const line of lines) line.show(() => `at ${now}`);
		for (const line of lines) line.clear();
		expect(log.written).toEqual(['at 10000\n', 'at 20000\n']);
	});

	it('prints no control characters, and errors on one line', () => {
		expect(printable('a\u001b[2J\u0000\u202eb\ud800é👩‍🚀')).toBe('a\ufffd[2J\ufffd\ufffdb\ufffdé👩‍🚀');
		expect(oneLine(' a\n  b\r\nc ')).toBe('a b c');
	});

	it('sees how far the work is', async () => {
		const sets = writeDataSets(shapedSet(30, ['x']), ['x']);
		try {
			const terminal = { ...screen(), columns: 200 };
			let now = 0;
			const progress = new ProgressLine(terminal, false, () => (now += 200));
			await findAnchors(filesOf(path.join(sets.folder, 'coco')), { ...SETTINGS, generations: 500 }, new AbortController().signal, progress);
			const kinds = new Set(terminal.written.map((text) => /^\r(\w+)/.exec(text)?.[1]));
			expect([...kinds]).toEqual(['reading', 'clustering', 'evolving']);
		} finally {
			sets.remove();
		}
	});

	it('ends the work by its signal', async () => {
		const sets = writeDataSets(shapedSet(30, ['x']), ['x']);
		try {
			const files = filesOf(path.join(sets.folder, 'voc'));
			await expect(findAnchors(files, { ...SETTINGS, generations: 10_000_000 }, AbortSignal.timeout(300), quiet())).rejects.toThrow(/timeout/i);
		} finally {
			sets.remove();
		}
	});
});
