// COCO data sets: numbers by hand, sections in any order, sparse ids, chunks that split everything, and JSON that is broken in
// every way, with the place named.

import { describe, expect, it } from 'vitest';
import { LABEL_FLAGS, type Labels, labelSizes, readLabels } from '../../../../src/training.js';
import { labelFile, pngHeader } from '../../../support/label-files.js';

const SECTIONS = {
	info: { year: 2017, nested: { annotations: [{ bbox: [1] }] } },
	images: [
		{ id: 139, file_name: '000139.jpg', width: 640, height: 426, license: 2 },
		{ id: 285, file_name: 'zwölf/000285.jpg', width: 586, height: 640 },
	],
	annotations: [
		{ id: 7, image_id: 285, category_id: 90, bbox: [10, 20, 30, 40.5], iscrowd: 0, segmentation: [[1, 2, 3, 4, 5, 6], []], area: 1215 },
		{ id: 8, image_id: 139, category_id: 1, bbox: [0, 0, 640, 426], iscrowd: 1, segmentation: { size: [426, 640], counts: '}]"\\' } },
		{ id: 9, image_id: 139, category_id: 18, bbox: [0.25, 0.5, 1e1, 2], caption: 'a "segmentation": [', extra: null },
	],
	categories: [
		{ id: 18, name: 'dog', supercategory: 'animal' },
		{ id: 1, name: 'person' },
		{ id: 90, name: 'toothbrush' },
	],
};
const ORDERS: (keyof typeof SECTIONS)[][] = [
	['info', 'images', 'annotations', 'categories'],
	['annotations', 'categories', 'info', 'images'],
	['categories', 'annotations', 'images'],
];
const json = (order = ORDERS[0], indent?: string) => JSON.stringify(Object.fromEntries(order.map((key) => [key, SECTIONS[key]])), null, indent);
const read = (text: string | Uint8Array, options = {}, chunk?: number) => readLabels([labelFile('instances.json', text, chunk)], options);
const dataSet = (annotation: unknown, more: Record<string, unknown> = {}) =>
	JSON.stringify({
		images: [{ id: 1, file_name: 'a.jpg', width: 100, height: 100 }],
		categories: [{ id: 1, name: 'cat' }],
		annotations: [annotation],
		...more,
	});
const GOOD = { id: 5, image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] };
const plain = ({ images, boxes, classIds, imageIndices, flags, classNames }: Labels) => ({
	...{ classNames, boxes: [...boxes], classIds: [...classIds], flags: [...flags] },
	of: [...imageIndices].map((i) => images[i].name),
});

describe('a COCO data set', () => {
	const expected = {
		classNames: ['person', 'dog', 'toothbrush'],
		boxes: [10, 20, 40, 60.5, 0, 0, 640, 426, 0.25, 0.5, 10.25, 2.5],
		classIds: [2, 0, 1],
		flags: [0, LABEL_FLAGS.crowd, 0],
		of: ['zwölf/000285.jpg', '000139.jpg', '000139.jpg'],
	};

	it('gives its boxes, classes in the order of their ids, and groups', async () => {
		const labels = await read(json());
		expect(plain(labels)).toEqual(expected);
		expect(labels.images[1]).toEqual({ name: 'zwölf/000285.jpg', file: 'instances.json', width: 586, height: 640 });
		expect([labels.format, labels.numProblems, labels.numFiles]).toEqual(['coco', 0, 1]);
	});

	it.each(ORDERS.map((order) => [order.join(', '), order] as const))('is read in any order of its sections, in chunks of any size: %s', async (_, order) => {
		for (const [indent, chunk] of [
			['', 1],
			['\t', 3],
			['  ', 7],
			['', 1000],
		] as const) {
			const labels = await read(json(order, indent), {}, chunk);
			expect(plain(labels)).toEqual(expected);
			expect(labels.numProblems).toBe(0);
		}
	});

	it('begins with a byte order mark, or is written with escapes', async () => {
		expect(plain(await read(`\ufeff${json()}`))).toEqual(expected);
		const escaped = json().replace('ö', '\\u00f6').replace('"images"', '"im\\u0061ges"');
		expect(plain(await read(escaped))).toEqual(expected);
	});

	it('leaves groups out of what clustering gets, unless asked', async () => {
		const labels = await read(json());
		expect(labelSizes(labels)).toEqual({
			sizes: Float32Array.of(30, 40.5, 10, 2),
			imageSizes: Float32Array.of(586, 640, 640, 426),
			indices: Uint32Array.of(0, 2),
			...{ numCrowd: 1, numDifficult: 0, numUnsized: 0 },
		});
		expect([...labelSizes(labels, { crowd: true }).sizes]).toEqual([30, 40.5, 640, 426, 10, 2]);
	});

	it('without sizes takes those of its images', async () => {
		const text = dataSet(GOOD, { images: [{ id: 1, file_name: 'a.png' }] });
		const labels = await readLabels([labelFile('c.json', text), labelFile('train/a.png', pngHeader(7, 9))]);
		expect([labels.images, labels.numProblems]).toEqual([[{ name: 'a.png', file: 'c.json', width: 7, height: 9 }], 0]);
		const alone = await read(text);
		expect(alone.problems.map((p) => p.what)).toEqual(['does not say the size of a.png, and no image file does']);
		expect([alone.boxes.length, labelSizes(alone).numUnsized]).toEqual([4, 1]);
	});

	it('has ids that are texts, where a tool writes them so', async () => {
		const labels = await read(
			dataSet({ ...GOOD, image_id: 'x', category_id: '__proto__' }, { images: [{ id: 'x', file_name: 'x.jpg', width: 9, height: 9 }], categories: [] }),
		);
		expect([...labels.boxes]).toEqual([1, 2, 4, 6]);
		expect(labels.classNames).toEqual(['__proto__']);
		expect(labels.problems.map((p) => p.what)).toEqual(['has no category with the id "__proto__"; it goes by its id']);
	});

	it('with keys of the prototype changes nothing', async () => {
		const text = json()
			.replace('"info"', '"__proto__":{"polluted":1},"constructor":[1],"info"')
			.replace('"id":7', '"__proto__":{"polluted":1},"toString":{},"id":7');
		expect(plain(await read(text))).toEqual(expected);
		expect(({} as Record<string, unknown>).polluted).toBe(undefined);
	});

	it('beside a second one of the same images is told to count twice', async () => {
		const text = json();
		const labels = await readLabels([labelFile('instances.json', text), labelFile('keypoints.json', text)]);
		expect([labels.boxes.length / 4, labels.classNames.length, labels.images.length]).toEqual([6, 3, 4]);
		expect(labels.problems).toEqual([
			{ file: 'keypoints.json', what: 'lists 2 images that instances.json lists too; the boxes of both are taken', dropped: 0 },
		]);
	});
});

describe('what is wrong in a COCO data set', () => {
	it.each([
		['an unknown image', { image_id: 2 }, 'annotations[1] is of image 2, which the file does not list'],
		['no image', { image_id: undefined }, 'annotations[1] must have an image_id; got undefined'],
		['a broken image id', { image_id: 1.5 }, 'annotations[1] must have an image_id; got 1.5'],
		['no category', { category_id: null }, 'annotations[1] must have a category_id; got null'],
		['three numbers', { bbox: [1, 2, 3] }, 'annotations[1] must have four numbers as bbox; got [1, 2, 3]'],
		['texts', { bbox: ['1', 2, 3, 4] }, 'annotations[1] must have four numbers as bbox; got [1, 2, 3, 4]'],
		['no box', { bbox: undefined }, 'annotations[1] must have four numbers as bbox; got undefined'],
		['a negative side', { bbox: [10, 10, -5, 4] }, 'annotations[1] has a side that is zero or negative: [10, 10, 5, 14]'],
		['a twin', { id: 5 }, 'annotations[1] has the id of an earlier annotation, 5'],
	])('costs the annotation: %s', async (_, change, what) => {
		const annotations = [GOOD, { ...GOOD, id: 6, ...change }];
		const text = JSON.stringify(JSON.parse(dataSet(GOOD, { annotations })), null, 1);
		const labels = await read(text);
		expect([...labels.boxes]).toEqual([1, 2, 4, 6]);
		const line = text.split('\n').lastIndexOf('  {') + 1;
		expect(line).toBeGreaterThan(20);
		expect(labels.problems).toEqual([{ file: 'instances.json', line, column: 3, what, dropped: 1 }]);
	});

	it('names the columns where all is in one line', async () => {
		const text = dataSet({ ...GOOD, bbox: [] });
		const { problems } = await read(text, {}, 5);
		expect(problems).toMatchObject([{ line: 1, column: text.indexOf('{"id":5') + 1 }]);
	});

	it('in images and categories costs nothing that can be kept', async () => {
		const images = [{ id: 1, file_name: 'a.jpg', width: 100, height: 100 }, { id: 1, file_name: 'b.jpg', width: 5, height: 5 }, { file_name: 'c.jpg' }, 7];
		const categories = [{ id: 1, name: 'cat' }, { id: 1, name: 'dog' }, { id: 2 }, { id: 3, name: 'cat' }];
		const labels = await read(dataSet(GOOD, { images, categories }));
		expect([[...labels.boxes], labels.classNames, labels.numDropped]).toEqual([[1, 2, 4, 6], ['cat', '2'], 0]);
		expect(labels.problems.map((p) => p.what)).toEqual([
			'images[1] has the id of an earlier image, 1; the earlier one is taken',
			'images[2] must have an id; got undefined',
			'images[3] must be an object; got 7',
			'categories[1] has the id of an earlier category, 1; the earlier one is taken',
			'categories[2] (id 2) must have a name; got undefined; it goes by its id',
			'has two categories named "cat", ids 1 and 3; they are taken as one',
		]);
	});

	const two = '{"images":[],\n"annotations":[{"id":1,}],"categories":[]}';
	it.each([
		['a comma too many', two, 2, 'is not JSON: "}" is not expected here'],
		['a comma missing', two.replace(',}', ' "a"}'), 2, 'is not JSON: "a" is not expected here'],
		['a missing value', '{"images":[],\n\n"info":,"annotations":[]}', 3, 'is not JSON: a value is missing'],
		['single quotes', "{\n'images':[]}", 2, 'is not JSON: "\'" is not expected here'],
		['a bracket of the wrong kind', '{"images":[],\n"info":{"a":[1}}', 2, 'is not JSON: "}" closes what was not opened'],
		['the end of a text', json().slice(0, 300), 1, 'ends too early; it may be cut short'],
		['the end of a bracket', json().slice(0, -1), 1, 'ends too early; it may be cut short'],
		['nothing', '', 1, 'ends too early; it may be cut short'],
		['two documents', `${json()}\n{}`, 2, 'is not JSON: "{" is not expected here'],
		['an object of annotations', '{"images":[],"annotations":{"a":{}}}', 1, 'must have an array as "annotations"'],
		['a section twice', '{"images":[],"images":[]}', 1, 'has "images" twice'],
	])('costs the file: %s', async (_, text, line, what) => {
		for (const chunk of [1, 65536]) {
			const labels = await readLabels([labelFile('bad.json', text, chunk), labelFile('good.json', dataSet(GOOD))]);
			expect([...labels.boxes]).toEqual([1, 2, 4, 6]);
			expect(labels.problems).toEqual([{ file: 'bad.json', line, column: expect.any(Number), what, dropped: Infinity }]);
		}
	});

	it('is said where bytes are not UTF-8', async () => {
		const bytes = new TextEncoder().encode(json());
		bytes[json().indexOf('zw') + 1] = 0xff;
		const { problems } = await read(bytes);
		expect(problems).toMatchObject([{ what: 'is not UTF-8', dropped: Infinity, line: 1 }]);
	});

	it('is an error with file, line and column, where asked', async () => {
		const error = await read(two, { onProblem: 'error' }).catch((e) => e);
		expect(error.message).toBe('readLabels: instances.json:2:24 is not JSON: "}" is not expected here');
		expect(error).toMatchObject({ code: 'BAD_FILE', file: 'instances.json', line: 2, column: 24 });
		await expect(read(dataSet({ ...GOOD, bbox: [] }), { onProblem: 'error' })).rejects.toThrow(/instances\.json:1:\d+ annotations\[0\] must have four numbers/);
	});

	it('is said of JSON of another kind', async () => {
		for (const text of [
			'{"name":"x"}',
			'[]',
			'3',
			'[{"image_id":1,"bbox":[1,2,3,4]}]',
			'{"images":[],"annotations":[{"id":1,"image_id":2,"caption":"a cat"}]}',
		]) {
			expect((await read(text)).problems.map((p) => p.what)).toEqual(['is JSON, but no COCO data set with boxes']);
		}
	});

	it('stops at its depth, also in what is skipped', async () => {
		const deep = (n: number) => dataSet({ ...GOOD, segmentation: 0 }).replace('"segmentation":0', `"segmentation":${'['.repeat(n)}${']'.repeat(n)}`);
		expect((await read(deep(29))).numProblems).toBe(0);
		expect((await read(deep(30))).problems[0].what).toBe('has brackets within each other beyond limits.depth, 32');
		expect((await read('['.repeat(5_000_000))).numFailed).toBe(1);
	});
});
