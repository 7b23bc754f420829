// Files and their bytes: what a name says about a file, and reading that never ends in anything but bytes or a FileFault.

import { type ByteStream, FileFault, type LabelFile, type LabelFormat } from './labels.js';

/** What a file is, by its name: labels, an image, a list of class names, or nothing that is looked at. */
export type FileKind = LabelFormat | 'image' | 'names' | 'other';

const IMAGE = /\.(jpe?g|jfif|png|gif|webp|avif|heic|heif|bmp|tiff?|dng|mpo|pfm)$/i;
/** Texts that stand beside YOLO labels: lists of images, and what exporters say about themselves. */
const NO_LABELS = /^(train|val|valid|test|trainval|autosplit_.*|requirements|licen[sc]e|readme.*)\.txt$/i;

export function kindOf(path: string): FileKind {
	const name = path.replace(/^.*\//, '');
	// what systems leave in folders
	if (name.startsWith('.')) return 'other';
	if (/^classes\.txt$|\.names$/i.test(name)) return 'names';
	if (IMAGE.test(name)) return 'image';
	if (/\.xml$/i.test(name)) return 'voc';
	if (/\.json$/i.test(name)) return 'coco';
	return /\.txt$/i.test(name) && !NO_LABELS.test(name) ? 'yolo' : 'other';
}

/** All bytes of a file that may have so many. */
export async function readBytes(file: LabelFile, limit: number): Promise<Uint8Array> {
	const check = (size: number) => {
		if (size > limit) throw new FileFault(`has ${size} bytes, more than limits.textBytes, ${limit}`);
	};
	check(file.size);
	const bytes = new Uint8Array(await reading(() => file.arrayBuffer()));
	check(bytes.length);
	return bytes;
}

/** The bytes of a file from the beginning; the stream is cancelled when the reader has enough. */
export async function* readChunks(file: LabelFile): AsyncGenerator<Uint8Array> {
	const stream = await reading(() => file.stream());
	// Safari's streams cannot be iterated
	const chunks = 'getReader' in stream ? fromReader(stream.getReader()) : (stream as Exclude<ByteStream, ReadableStream>)[Symbol.asyncIterator]();
	let hasMore = true;
	const next = async () => {
		hasMore = false;
		const result = await reading(() => chunks.next());
		hasMore = !result.done;
		return result;
	};
	try {
		for (let result = await next(); !result.done; result = await next()) yield result.value;
	} finally {
		if (hasMore) await chunks.return?.();
	}
}

function fromReader(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncIterator<Uint8Array> {
	return {
		next: async () => {
			const { done, value } = await reader.read();
			return done ? { done, value: undefined } : { done, value };
		},
		return: async () => {
			await reader.cancel();
			return { done: true, value: undefined };
		},
	};
}

/** What a file system or a page refuses becomes a fault of the file. */
async function reading<T>(work: () => T | Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (cause) {
		throw new FileFault(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
	}
}
