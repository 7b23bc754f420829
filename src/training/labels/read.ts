// `readLabels`: files in, flat boxes out. Files are taken one after another, a few being brought ahead, and forgotten once read;
// the parsers are fetched when the first file of their format comes.

import { checkMethods, refuse } from '../../checks.js';
import { ahead } from './ahead.js';
import type { LabelFile, Labels } from './labels.js';
import { checkLabelOptions, type ReadLabelsOptions } from './options.js';
import { Reading } from './reading.js';

/** Files that are read while others are parsed: a page's files answer slowly. */
const AHEAD = 16;

/**
 * Reads the labels of a data set: VOC XML, COCO JSON or YOLO text files, in any order, with the images among them where sizes are needed
 * (YOLO; VOC and COCO files that leave them out). Files are asked for their bytes once, and not held.
 *
 * Whatever is wrong in a file is a problem that names file and line: kept in `problems` with the rest of the data set read, or, with
 * `onProblem: 'error'`, the end. Boxes are never moved or clipped; those without an area, beyond their image or of unlisted images are
 * dropped, each with its problem.
 *
 * @throws {TypeError | RangeError} for arguments, and for files of several formats where none was named
 * @throws {KedgeError} BAD_FILE at a problem with `onProblem: 'error'`, and at a box beyond `limits.boxes`
 */
export async function readLabels(files: Iterable<LabelFile> | AsyncIterable<LabelFile>, options?: ReadLabelsOptions): Promise<Labels> {
	const where = 'readLabels';
	const settings = checkLabelOptions(where, options);
	if (typeof files !== 'object' || files === null || !(Symbol.iterator in files || Symbol.asyncIterator in files)) {
		refuse(TypeError, where, 'files', 'must be a list of files, or an iterable or async iterable of them', files);
	}
	settings.signal?.throwIfAborted();
	const reading = new Reading(where, settings);
	let index = 0;
	const prepared = ahead(files, AHEAD, (file) => {
		checkFile(where, `files[${index++}]`, file);
		return reading.prepare(file);
	});
	for await (const file of prepared) await reading.take(file);
	return reading.finish(AHEAD);
}

function checkFile(where: string, argument: string, file: LabelFile): void {
	checkMethods(where, argument, file, 'a File, or an object with name, size, arrayBuffer() and stream()', ['arrayBuffer', 'stream']);
	if (typeof file.name !== 'string') refuse(TypeError, where, `${argument}.name`, 'must be a string', file.name);
	if (!(typeof file.size === 'number' && file.size >= 0)) refuse(TypeError, where, `${argument}.size`, 'must be a number of bytes', file.size);
}
