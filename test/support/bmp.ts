// Writes a 24-bit BMP, the simplest picture file there is: header, then rows from the bottom, blue first.

import type { Picture } from './scene.js';

/** The file's bytes. */
export function bmp({ width, height, rgb }: Picture): Uint8Array {
	const row = Math.ceil((3 * width) / 4) * 4;
	const bytes = new Uint8Array(54 + row * height);
	const view = new DataView(bytes.buffer);
	bytes.set([0x42, 0x4d]);
	view.setUint32(2, bytes.length, true);
	view.setUint32(10, 54, true);
	view.setUint32(14, 40, true);
	view.setInt32(18, width, true);
	view.setInt32(22, height, true);
	view.setUint16(26, 1, true);
	view.setUint16(28, 24, true);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			const from = 3 * (y * width + x);
			bytes.set([rgb[from + 2], rgb[from + 1], rgb[from]], 54 + (height - 1 - y) * row + 3 * x);
		}
	}
	return bytes;
}
