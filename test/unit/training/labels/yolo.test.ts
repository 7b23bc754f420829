// YOLO labels: numbers by hand, images found by their folders, sizes from headers, and lines of every wrong kind.

import { describe, expect, it } from 'vitest';
import { readLabels } from '../../../../src/training.js';
import { jpegHeader, labelFile, pngHeader } from '../../../support/label-files.js';

const image = labelFile('set/images/train/a.png', pngHeader(200, 100));
const read = (text: string, options = {}) => readLabels([image, labelFile('set/labels/train/a.txt', text)], options);

describe('YOLO labels', () => {
	it('are boxes in pixels of the image', async () => {
		// 0.5 · 200 ± 0.25 · 200 / 2, 0.4 · 100 ± 0.2 · 100 / 2
		const labels = await read('3 0.5 0.4 0.25 0.2\r\n\r\n0 0.25 0.5 0.5 1\n');
		expect([...labels.boxes]).toEqual([75, 30, 125, 50, 0, 0, 100, 100]);
		expect([...labels.classIds]).toEqual([3, 0]);
		expect(labels.classNames).toEqual(['0', '1', '2', '3']);
		expect(labels.images).toEqual([{ name: 'set/images/train/a.png', file: 'set/labels/train/a.txt', width: 200, height: 100 }]);
		expect([labels.format, labels.numProblems, labels.numFiles]).toEqual(['yolo', 0, 1]);
	});

	it('of a segmentation set are the boxes around the points', async () => {
		const labels = await read('1 0.1 0.9 0.3 0.2 0.25 0.5\n0 0.1 0.1 0.2 0.1 0.2 0.4 0.1 0.4\n');
		expect([...labels.boxes]).toEqual([20, 20, 60, 90, 20, 10, 40, 40].map(Math.fround));
		expect(labels.numProblems).toBe(0);
	});

	it('of a pose set are told from polygons by keypointShape', async () => {
		const line = `0 0.5 0.5 0.5 0.5 ${'0.1 0.9 2 '.repeat(2)}`;
		const labels = await read(line, { keypointShape: [2, 3] });
		expect([...labels.boxes]).toEqual([50, 25, 150, 75]);
		expect((await read(`0 0.5 0.5 0.5 0.5 ${'0.1 0.9 2 '.repeat(3)}`)).problems[0].what).toMatch(/got 14 \(a pose\? give keypointShape\)$/);
	});

	it.each([
		['beside their image', 'd/a.txt', 'd/a.jpg'],
		['in parallel folders below', 'train/labels/a.txt', 'train/images/a.jpg'],
		['in parallel folders above', 'labels/train/a.txt', 'images/train/a.jpg'],
		['dropped without folders', 'a.txt', 'a.jpg'],
		['in folders of other names, by their own', 'my_labels/a.txt', 'my_pictures/a.JPG'],
		['with Windows paths', 'labels\\a.txt', 'images\\a.jpg'],
	])('find their image: %s', async (_, text, picture) => {
		for (const order of [1, -1]) {
			const files = [labelFile(text, '0 0.5 0.5 0.5 0.5'), labelFile(picture, jpegHeader(64, 32))].sort(() => order);
			const labels = await readLabels(files);
			expect([...labels.boxes]).toEqual([16, 8, 48, 24]);
			expect(labels.numProblems).toBe(0);
		}
	});

	it('do not take another folder for theirs: the same name twice is told apart, or missing', async () => {
		const files = ['train', 'val'].flatMap((part, i) => [
			labelFile(`labels/${part}/a.txt`, '0 0.5 0.5 1 1'),
			labelFile(`images/${part}/a.png`, pngHeader(10 + i, 20)),
		]);
		expect([...(await readLabels(files)).boxes]).toEqual([0, 0, 10, 20, 0, 0, 11, 20]);
		const lost = await readLabels([...files, labelFile('labels/test/a.txt', '0 0.5 0.5 1 1')]);
		expect(lost.problems).toEqual([
			{
				file: 'labels/test/a.txt',
				what: 'there is no image of its name, so its 1 boxes have no pixels (give the images, or imageSize)',
				dropped: 1,
			},
		]);
	});

	it.each([1, 2, 3, 4])('of an upright picture (orientation %i) keep its sides', async (orientation) => {
		const files = [labelFile('a.txt', '0 0.5 0.5 1 1'), labelFile('a.jpg', jpegHeader(640, 480, orientation))];
		expect([...(await readLabels(files)).boxes]).toEqual([0, 0, 640, 480]);
	});

	it.each([5, 6, 7, 8])('of a turned picture (orientation %i) have its sides exchanged', async (orientation) => {
		for (const littleEndian of [true, false]) {
			const files = [labelFile('a.txt', '0 0.5 0.5 1 1'), labelFile('a.jpg', jpegHeader(640, 480, orientation, littleEndian), 7)];
			expect([...(await readLabels(files)).boxes]).toEqual([0, 0, 480, 640]);
		}
	});

	it('take a given size where there is no image, or none that says it', async () => {
		const files = [labelFile('a.txt', '0 0.5 0.5 1 1'), labelFile('a.bmp', 'BM')];
		expect([...(await readLabels(files.slice(0, 1), { imageSize: [30, 40] })).boxes]).toEqual([0, 0, 40, 30]);
		const { boxes, problems } = await readLabels(files);
		expect([boxes.length, problems.map(({ file, dropped }) => [file, dropped])]).toEqual([
			0,
			[
				['a.bmp', 0],
				['a.txt', 1],
			],
		]);
		expect(problems[0].what).toMatch(/^does not say its size as JPEG, PNG/);
	});

	it('have names from classes.txt, a .names file, or the caller', async () => {
		const label = labelFile('set/labels/train/a.txt', '1 0.5 0.5 0.5 0.5');
		expect((await readLabels([image, label, labelFile('set/classes.txt', 'cat\ndog\n')])).classNames).toEqual(['cat', 'dog']);
		expect((await readLabels([image, labelFile('obj.names', 'ant\nbee\nowl'), label])).classNames).toEqual(['ant', 'bee', 'owl']);
		expect((await readLabels([image, label], { classNames: ['x', '<b>y</b>'] })).classNames).toEqual(['x', '<b>y</b>']);
		const short = await readLabels([image, label, labelFile('classes.txt', 'cat')]);
		expect([short.classNames, short.problems[0].what]).toEqual([['cat', '1'], 'names 1 classes, but labels have class 1; it goes by its number']);
	});

	it('leave lists and notes beside them alone; an empty file is an image without objects', async () => {
		const files = [image, labelFile('README.roboflow.txt', 'Hello'), labelFile('train.txt', 'images/a.png'), labelFile('set/labels/train/a.txt', '')];
		const labels = await readLabels(files);
		expect([labels.format, labels.numFiles, labels.numIgnored, labels.numProblems, labels.images.length]).toEqual(['yolo', 1, 3, 0, 1]);
	});
});

describe('what is wrong in YOLO labels', () => {
	it.each([
		['0 0.5 0.5 0.5', 'must hold 5 numbers, class cx cy w h, or a class and three points or more; got 4'],
		['0 0.5 0.5 0.5 0.5 0.9', 'must hold 5 numbers, class cx cy w h, or a class and three points or more; got 6 (a prediction with its score?)'],
		['cat 0.5 0.5 0.5 0.5', 'must hold numbers; got "cat"'],
		['0 0.5 0,5 0.5 0.5', 'must hold numbers; got "0,5"'],
		['0 0.5 NaN 0.5 0.5', 'must hold numbers; got "NaN"'],
		['1.5 0.5 0.5 0.5 0.5', 'must begin with a class from 0 to 65535; got "1.5"'],
		['-1 0.5 0.5 0.5 0.5', 'must begin with a class from 0 to 65535; got "-1"'],
		['4294967295 0.5 0.5 0.5 0.5', 'must begin with a class from 0 to 65535; got "4294967295"'],
		['0 320 240 100 50', 'must hold parts of the image, 0 to 1; got 320 (are these pixels?)'],
		['0 0.5 -0.2 0.5 0.5', 'must hold parts of the image, 0 to 1; got -0.2'],
		['0 0.5 0.5 0 0.5', 'the box has a side that is zero or negative: [100, 25, 100, 75]'],
		['2 0.5 0.5 0.5 0.5', 'says what an earlier line says'],
	])('costs the line: %s', async (line, what) => {
		const labels = await read(`2 0.5 0.5 0.5 0.5\n${line}\n`);
		expect([...labels.boxes]).toEqual([50, 25, 150, 75]);
		expect(labels.problems).toEqual([{ file: 'set/labels/train/a.txt', line: 2, what, dropped: 1 }]);
	});

	it('costs the file where no line is a label', async () => {
		const { problems, boxes } = await read('Hello\nworld\n');
		expect([boxes.length, problems]).toEqual([
			0,
			[{ file: 'set/labels/train/a.txt', what: 'holds no label: it must hold numbers; got "Hello"', dropped: Infinity }],
		]);
	});

	it('is an error that names file and line, where asked', async () => {
		await expect(read('2 0.5 0.5 0.5 0.5\n2 0.5', { onProblem: 'error' })).rejects.toThrow(
			'readLabels: set/labels/train/a.txt:2 must hold 5 numbers, class cx cy w h, or a class and three points or more; got 2',
		);
	});
});
