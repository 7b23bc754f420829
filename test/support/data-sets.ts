// Folders of one data set in the three formats, written to a temporary place: boxes of whole pixels whose shapes lie around known ones.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cocoJson, jpegHeader, pngHeader, type SampleImage, vocXml, yoloText } from './label-files.js';
import { random } from './random.js';

export const FORMATS = ['voc', 'coco', 'yolo'] as const;

/** Widths and heights in pixels of images that are 640 on their longer side. */
export const SHAPES = [
	[12, 16],
	[24, 20],
	[30, 60],
	[70, 50],
	[60, 130],
	[140, 110],
	[150, 300],
	[330, 200],
	[400, 390],
] as const;

const SIZES = [
	[640, 480],
	[480, 640],
	[1280, 960],
	[320, 240],
] as const;

/** Images with boxes near the shapes, scaled with the image; sides differ by up to a tenth. */
export function shapedSet(numImages: number, names: readonly string[], seed = 1): SampleImage[] {
	const next = random(seed);
	return Array.from({ length: numImages }, (_, i) => {
		const [width, height] = SIZES[i % SIZES.length];
		const scale = Math.max(width, height) / 640;
		const objects = Array.from({ length: 9 }, (_, k) => {
			const [w, h] = SHAPES[k].map((side) => Math.max(2, Math.round(side * scale * (0.9 + 0.2 * next()))));
			const [boxWidth, boxHeight] = [Math.min(w, width), Math.min(h, height)];
			const [xmin, ymin] = [Math.floor(next() * (width - boxWidth + 1)), Math.floor(next() * (height - boxHeight + 1))];
			return { name: names[Math.floor(next() * names.length)], box: [xmin, ymin, xmin + boxWidth, ymin + boxHeight] as const };
		});
		return { stem: `image_${String(i).padStart(4, '0')}`, width, height, objects };
	});
}

/** A temporary folder with `voc`, `coco` and `yolo` in it. */
export function writeDataSets(images: readonly SampleImage[], names: readonly string[]): { folder: string; remove(): void } {
	const folder = mkdtempSync(path.join(tmpdir(), 'kedge-labels-'));
	const write = (name: string, content: string | Uint8Array) => {
		const file = path.join(folder, name);
		mkdirSync(path.dirname(file), { recursive: true });
		writeFileSync(file, content);
	};
	write('coco/annotations/instances_train.json', cocoJson(images, names));
	write('yolo/classes.txt', names.join('\n'));
	for (const [i, image] of images.entries()) {
		const { stem, width, height } = image;
		write(`voc/Annotations/${stem}.xml`, vocXml(image));
		write(`yolo/labels/train/${stem}.txt`, yoloText(image, names));
		// every fourth lies turned in its file, as cameras hold them
		if (i % 4 === 1) write(`yolo/images/train/${stem}.jpg`, jpegHeader(height, width, 6));
		else write(`yolo/images/train/${stem}.png`, pngHeader(width, height));
	}
	return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
