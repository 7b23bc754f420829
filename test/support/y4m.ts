// Writes YUV4MPEG2 video (4:2:0, BT.601 limited range), the raw format that Chromium plays as a fake camera. A row of
// black and white squares along the bottom spells each frame's number, so that a test knows which frame it looks at.

import type { Picture } from './scene.js';

/** Side of a square of the frame number, in pixels of a picture 640 wide; squares run from the left bottom corner, lowest bit first. */
export const MARK = { side: 16, bits: 8 } as const;

/** Paints the number into the picture's bottom row. */
export function markFrame(picture: Picture, frame: number): Picture {
	for (let bit = 0; bit < MARK.bits; bit++) {
		const value = (frame >> bit) & 1 ? 255 : 0;
		for (let y = picture.height - MARK.side; y < picture.height; y++) {
			const at = 3 * (y * picture.width + bit * MARK.side);
			picture.rgb.fill(value, at, at + 3 * MARK.side);
		}
	}
	return picture;
}

/** The video as bytes. Width and height must be even and the same for all pictures. */
export function y4m(pictures: readonly Picture[], rate: number): Uint8Array {
	const { width, height } = pictures[0];
	if (width % 2 || height % 2) throw new RangeError(`y4m: width and height must be even; got ${width} x ${height}`);
	const header = new TextEncoder().encode(`YUV4MPEG2 W${width} H${height} F${rate}:1 Ip A1:1 C420jpeg\n`);
	const marker = new TextEncoder().encode('FRAME\n');
	const plane = width * height;
	const bytes = new Uint8Array(header.length + pictures.length * (marker.length + plane * 1.5));
	bytes.set(header);
	let at = header.length;
	for (const picture of pictures) {
		bytes.set(marker, at);
		at += marker.length;
		writePlanes(picture, bytes.subarray(at, at + plane * 1.5));
		at += plane * 1.5;
	}
	return bytes;
}

function writePlanes({ width, height, rgb }: Picture, out: Uint8Array): void {
	const plane = width * height;
	for (let i = 0; i < plane; i++) {
		const [r, g, b] = [rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]];
		out[i] = Math.round(16 + 0.25679 * r + 0.50413 * g + 0.09791 * b);
	}
	for (let y = 0; y < height; y += 2) {
		for (let x = 0; x < width; x += 2) {
			const sum = [0, 0, 0];
			for (const at of [y * width + x, y * width + x + 1, (y + 1) * width + x, (y + 1) * width + x + 1])
				for (let c = 0; c < 3; c++) sum[c] += rgb[3 * at + c] / 4;
			const at = plane + (y / 2) * (width / 2) + x / 2;
			out[at] = Math.round(128 - 0.14822 * sum[0] - 0.29099 * sum[1] + 0.43922 * sum[2]);
			out[at + plane / 4] = Math.round(128 + 0.43922 * sum[0] - 0.36779 * sum[1] - 0.07143 * sum[2]);
		}
	}
}
