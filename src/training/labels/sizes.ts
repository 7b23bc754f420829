// From labels to what clustering takes: the widths and heights of the boxes, each with the size of its image.

import { checkBoolean, checkMethods, readOptions } from '../../checks.js';
import { LABEL_FLAGS, type Labels } from './labels.js';

/** Options of `labelSizes`. */
export interface LabelSizesOptions {
	/** Take COCO's groups too. Default false: their boxes surround many objects. */
	crowd?: boolean;
	/** Take VOC's difficult objects too. Default false, as in the usual conversions to YOLO labels. */
	difficult?: boolean;
}

/** M boxes as clustering sees them. */
export interface LabelSizes {
	/** [M, 2] width and height in pixels of the image. */
	readonly sizes: Float32Array;
	/** [M, 2] width and height of the image. */
	readonly imageSizes: Float32Array;
	/** [M] which of the labels' boxes each is. */
	readonly indices: Uint32Array;
	/** Boxes left out as groups, as difficult, and because the size of their image is not known. */
	readonly numCrowd: number;
	readonly numDifficult: number;
	readonly numUnsized: number;
}

/** Widths and heights of the labels' boxes, and of their images, in the order of the labels. */
export function labelSizes(labels: Labels, options?: LabelSizesOptions): LabelSizes {
	const where = 'labelSizes';
	checkMethods(where, 'labels', labels?.images, 'what readLabels gives', ['map']);
	const read = readOptions(where, 'options', options, ['crowd', 'difficult']);
	const takeCrowd = checkBoolean(where, 'crowd', read.crowd ?? false);
	const takeDifficult = checkBoolean(where, 'difficult', read.difficult ?? false);
	const { boxes, flags, imageIndices, images } = labels;
	const left = { numCrowd: 0, numDifficult: 0, numUnsized: 0 };
	const indices = new Uint32Array(flags.length);
	let count = 0;
	flags.forEach((bits, i) => {
		if (bits & LABEL_FLAGS.crowd && !takeCrowd) left.numCrowd++;
		else if (bits & LABEL_FLAGS.difficult && !takeDifficult) left.numDifficult++;
		else if (!images[imageIndices[i]].width) left.numUnsized++;
		else indices[count++] = i;
	});
	const sizes = new Float32Array(2 * count);
	const imageSizes = new Float32Array(2 * count);
	for (let k = 0; k < count; k++) {
		const i = indices[k];
		const { width, height } = images[imageIndices[i]];
		sizes.set([boxes[4 * i + 2] - boxes[4 * i], boxes[4 * i + 3] - boxes[4 * i + 1]], 2 * k);
		imageSizes.set([width, height], 2 * k);
	}
	return { sizes, imageSizes, indices: indices.slice(0, count), ...left };
}
