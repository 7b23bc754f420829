// Which image belongs to which label: by its path, else by its name where only one folder has it.

import { assert, test } from 'vitest';
import { ImageFiles } from '../../../../src/training/labels/image-files.js';
import type { LabelFile } from '../../../../src/training/labels/labels.js';

/** Images of these paths, and the path found for each question. */
function found(paths: readonly string[], questions: readonly string[]): (string | undefined)[] {
	const images = new ImageFiles(1024);
	for (const path of paths) images.add(path, new File([], path) as LabelFile);
	return questions.map((question) => images.find(question)?.path);
}

test('by the path without labels, images and the ending', () => {
	assert.deepEqual(found(['set/images/train/a.jpg', 'set/images/val/a.jpg'], ['set/labels/train/a.txt', 'set/labels/val/a.txt']), [
		'set/images/train/a.jpg',
		'set/images/val/a.jpg',
	]);
});

test('by the name where one folder has it, and by none where several have', () => {
	assert.deepEqual(found(['x/a.jpg', 'y/b.jpg'], ['labels/a.txt', 'labels/b.txt']), ['x/a.jpg', 'y/b.jpg']);
	assert.deepEqual(found(['x/a.jpg', 'y/a.jpg'], ['z/a.txt', 'x/a.txt']), [undefined, 'x/a.jpg']);
	// a second file of one of them does not settle it
	assert.deepEqual(found(['x/a.jpg', 'y/a.jpg', 'y/a.png'], ['z/a.txt']), [undefined]);
	assert.deepEqual(found(['y/a.jpg', 'y/a.png'], ['z/a.txt']), ['y/a.png']);
});
