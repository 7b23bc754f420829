// Which image file belongs to which label, and how large it is. Files are held until somebody asks for the size.

import { readChunks } from './files.js';
import { FileFault, type LabelFile } from './labels.js';

export interface ImageEntry {
	readonly path: string;
	/** Once somebody looked: the size, or why there is none. */
	size?: { readonly width: number; readonly height: number };
	fault?: FileFault;
	/** Until somebody looked. */
	file?: LabelFile;
}

const FOLDERS = ['labels', 'images', 'Annotations', 'JPEGImages'];

/** Image files by the labels that could belong to them: same path without `labels`, `images` and the ending, else same name. */
export class ImageFiles {
	readonly #headerBytes: number;
	#byKey = new Map<string, ImageEntry>();
	/** Undefined where several folders have one of this name. */
	#byName = new Map<string, ImageEntry | undefined>();

	/** `headerBytes`: how much of a file is looked through. */
	constructor(headerBytes: number) {
		this.#headerBytes = headerBytes;
	}

	add(path: string, file: LabelFile): ImageEntry {
		const entry = { path, file };
		const [key, name] = keysOf(path);
		const other = this.#byName.get(name);
		const isOnlyOne = !this.#byName.has(name) || (other !== undefined && keysOf(other.path)[0] === key);
		this.#byName.set(name, isOnlyOne ? entry : undefined);
		this.#byKey.set(key, entry);
		return entry;
	}

	/** The image of a label file, or of the name that labels give. */
	find(path: string): ImageEntry | undefined {
		const [key, name] = keysOf(path);
		return this.#byKey.get(key) ?? this.#byName.get(name);
	}

	/** Looks for the size of an image; it has a size or a fault afterwards, and its file is forgotten. Never rejects. */
	async measure(entry: ImageEntry): Promise<ImageEntry> {
		const { file } = entry;
		entry.file = undefined;
		if (!file) return entry;
		const { readImageSize } = await import('./images.js');
		try {
			entry.size = await readImageSize(readChunks(file), this.#headerBytes);
		} catch (error) {
			entry.fault = error instanceof FileFault ? error : new FileFault(`has a header that cannot be read: ${String(error)}`);
		}
		return entry;
	}
}

/** `set/labels/train/a.txt` and `set/images/train/a.jpg` are both `set/train/a`, and `a`. */
export function keysOf(path: string): [key: string, name: string] {
	const parts = path.replace(/\.[^./]*$/, '').split('/');
	const folder = Math.max(...FOLDERS.map((name) => parts.slice(0, -1).lastIndexOf(name)));
	if (folder >= 0) parts.splice(folder, 1);
	return [parts.filter((part) => part && part !== '.').join('/'), parts.at(-1) as string];
}
