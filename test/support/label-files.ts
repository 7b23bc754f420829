// Label files and images in memory, and the one small data set that is written in all three formats.

import type { LabelFile } from '../../src/training/labels/labels.js';

/** A file as a page or Node would hand it over. `chunk`: bytes per chunk of its stream. */
export function labelFile(name: string, content: string | Uint8Array, chunk = 65_536): LabelFile {
	const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
	return {
		name,
		size: bytes.length,
		arrayBuffer: async () => bytes.slice(),
		async *stream() {
			for (let i = 0; i < bytes.length; i += chunk) yield bytes.subarray(i, i + chunk);
		},
	};
}

/** The signature and IHDR chunk of a PNG (its CRC left at 0: nobody looks). */
export function pngHeader(width: number, height: number): Uint8Array {
	const bytes = new Uint8Array(33);
	bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
	const view = new DataView(bytes.buffer);
	view.setUint32(16, width);
	view.setUint32(20, height);
	bytes.set([8, 2, 0, 0, 0], 24);
	return bytes;
}

/** A JPEG up to its frame header; with an EXIF segment of one entry where an orientation is given. */
export function jpegHeader(width: number, height: number, orientation?: number, littleEndian = true): Uint8Array {
	const soi = [0xff, 0xd8];
	const jfif = [0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0];
	const frame = [0xff, 0xc0, 0, 17, 8, height >> 8, height & 255, width >> 8, width & 255, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
	if (orientation === undefined) return Uint8Array.from([...soi, ...jfif, ...frame, 0xff, 0xd9]);
	const tiff = new DataView(new ArrayBuffer(26));
	tiff.setUint16(0, littleEndian ? 0x4949 : 0x4d4d);
	tiff.setUint16(2, 42, littleEndian);
	tiff.setUint32(4, 8, littleEndian);
	tiff.setUint16(8, 1, littleEndian);
	tiff.setUint16(10, 0x0112, littleEndian);
	tiff.setUint16(12, 3, littleEndian);
	tiff.setUint32(14, 1, littleEndian);
	tiff.setUint16(18, orientation, littleEndian);
	const exif = [0xff, 0xe1, 0, 2 + 6 + 26, 0x45, 0x78, 0x69, 0x66, 0, 0, ...new Uint8Array(tiff.buffer)];
	return Uint8Array.from([...soi, ...exif, ...frame, 0xff, 0xd9]);
}

/** An object of the common data set: class, and the edges of its box in pixels from 0. */
export interface SampleObject {
	readonly name: string;
	readonly box: readonly [xmin: number, ymin: number, xmax: number, ymax: number];
}

export interface SampleImage {
	readonly stem: string;
	readonly width: number;
	readonly height: number;
	readonly objects: readonly SampleObject[];
}

/** A VOC annotation, corners as numbers of the first and last pixel. */
export function vocXml({ stem, width, height, objects }: SampleImage): string {
	const items = objects.map(({ name, box: [xmin, ymin, xmax, ymax] }) => {
		const box = `<bndbox><xmin>${xmin + 1}</xmin><ymin>${ymin + 1}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox>`;
		return `\t<object>\n\t\t<name>${name}</name>\n\t\t<difficult>0</difficult>\n\t\t${box}\n\t</object>`;
	});
	const size = `<size><width>${width}</width><height>${height}</height><depth>3</depth></size>`;
	return `<annotation>\n\t<filename>${stem}.png</filename>\n\t${size}\n${items.join('\n')}\n</annotation>\n`;
}

/** COCO's JSON of images, with gaps between the ids. */
export function cocoJson(images: readonly SampleImage[], names: readonly string[]): string {
	const annotations = images.flatMap(({ objects }, i) =>
		objects.map(({ name, box: [xmin, ymin, xmax, ymax] }) => ({
			segmentation: [[xmin, ymin, xmax, ymin, xmax, ymax]],
			area: (xmax - xmin) * (ymax - ymin),
			iscrowd: 0,
			image_id: 100 + 7 * i,
			bbox: [xmin, ymin, xmax - xmin, ymax - ymin],
			category_id: 3 + 2 * names.indexOf(name),
		})),
	);
	return JSON.stringify({
		info: { description: 'sample' },
		images: images.map(({ stem, width, height }, i) => ({ id: 100 + 7 * i, file_name: `${stem}.png`, width, height })),
		annotations: annotations.map((annotation, i) => ({ ...annotation, id: 1000 + i })),
		categories: names.map((name, i) => ({ id: 3 + 2 * i, name, supercategory: 'thing' })),
	});
}

/** YOLO lines of an image. */
export function yoloText({ width, height, objects }: SampleImage, names: readonly string[]): string {
	const lines = objects.map(({ name, box: [xmin, ymin, xmax, ymax] }) => {
		const parts = [(xmin + xmax) / 2 / width, (ymin + ymax) / 2 / height, (xmax - xmin) / width, (ymax - ymin) / height];
		return `${names.indexOf(name)} ${parts.map((x) => x.toFixed(9)).join(' ')}\n`;
	});
	return lines.join('');
}
