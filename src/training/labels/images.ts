// Sizes of images from the beginnings of their files. The headers are read by image-dimensions; the orientation that cameras note
// in JPEG files (EXIF 2.3, tag 0x0112) is read here: 5 to 8 exchange the sides, as viewers and training frameworks do.

import { imageDimensionsFromData } from 'image-dimensions';
import { FileFault } from './labels.js';

/** The size of an image as it is shown, from chunks of its bytes. Throws a FileFault when the first `limit` bytes do not say it. */
export async function readImageSize(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<{ width: number; height: number }> {
	let head: Uint8Array = new Uint8Array(0);
	for await (const chunk of chunks) {
		head = joined(head, chunk);
		const found = imageDimensionsFromData(head);
		if (found && !(found.width > 0 && found.height > 0)) throw new FileFault(`says that it is ${found.width} x ${found.height} pixels`);
		if (found) return found.type === 'jpeg' && isTurned(head) ? { width: found.height, height: found.width } : { width: found.width, height: found.height };
		if (head.length > limit) throw new FileFault(`does not say its size in its first ${limit} bytes, limits.headerBytes`);
	}
	throw new FileFault('does not say its size as JPEG, PNG, GIF, WebP, AVIF or HEIC files do; it may be cut short, or of another format');
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
	if (!a.length) return b;
	const both = new Uint8Array(a.length + b.length);
	both.set(a);
	both.set(b, a.length);
	return both;
}

/** Whether a JPEG's EXIF orientation is 5, 6, 7 or 8: a quarter turn. `bytes` reach to the frame header, behind the EXIF segment. */
function isTurned(bytes: Uint8Array): boolean {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (let at = 2; at + 10 < bytes.length && bytes[at] === 0xff; ) {
		const [marker, length] = [bytes[at + 1], view.getUint16(at + 2)];
		// APP1 that begins with "Exif", 0, 0; the TIFF header follows
		const isExif = marker === 0xe1 && view.getUint32(at + 4) === 0x45786966 && view.getUint16(at + 8) === 0;
		if (isExif) return orientationOf(new DataView(view.buffer, view.byteOffset + at + 10, Math.max(0, Math.min(length - 8, bytes.length - at - 10)))) >= 5;
		if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) return false;
		at += 2 + length;
	}
	return false;
}

/** The orientation, 1 to 8, of a TIFF block's first directory; 1 where it says none. */
function orientationOf(tiff: DataView): number {
	if (tiff.byteLength < 8) return 1;
	const little = tiff.getUint16(0) === 0x4949;
	const directory = tiff.getUint32(4, little);
	if (directory + 2 > tiff.byteLength) return 1;
	const numEntries = tiff.getUint16(directory, little);
	for (let i = 0; i < numEntries; i++) {
		const entry = directory + 2 + 12 * i;
		if (entry + 12 > tiff.byteLength) return 1;
		if (tiff.getUint16(entry, little) !== 0x0112) continue;
		const value = tiff.getUint16(entry + 8, little);
		return value >= 1 && value <= 8 ? value : 1;
	}
	return 1;
}
