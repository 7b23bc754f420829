// The files of a data set's folder as `readLabels` takes them, in the order of their names on every system.

import { createReadStream, existsSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { LabelFile } from '../training.js';
import { Failure } from './terminal.js';

/** Folders that hold no labels, however many files. */
const SKIPPED = new Set(['node_modules', '__pycache__']);

/**
 * All files of a folder and the folders in it, or the one file. Links are followed, each folder once. For the `labels` folder of a
 * YOLO data set, the `images` folder beside it comes too.
 */
export function* filesOf(place: string): Generator<LabelFile> {
	const root = statOf(place);
	if (!root) throw new Failure(`${place} is not there; give the folder of a data set, or a label file`, 2);
	if (root.isFile()) return yield fileAt(place, path.basename(place), root);
	if (!root.isDirectory()) throw new Failure(`${place} is neither a folder nor a file`, 2);
	const seen = new Set<string>();
	let hasImages = false;
	for (const file of walk(place, '', seen)) {
		hasImages ||= /\.(jpe?g|png|webp)$/i.test(file.name);
		yield file;
	}
	const images = imagesBeside(place);
	if (!hasImages && images) yield* walk(images, '', seen);
}

/** `set/labels/train` has its images in `set/images/train`. */
function imagesBeside(place: string): string | undefined {
	const parts = path.resolve(place).split(path.sep);
	const at = parts.lastIndexOf('labels');
	if (at < 0) return undefined;
	const images = [...parts.slice(0, at), 'images', ...parts.slice(at + 1)].join(path.sep);
	return existsSync(images) ? images : undefined;
}

function* walk(folder: string, name: string, seen: Set<string>): Generator<LabelFile> {
	const real = realpathSync(folder);
	if (seen.has(real)) return;
	seen.add(real);
	let entries: string[];
	try {
		entries = readdirSync(folder).sort();
	} catch (cause) {
		throw new Failure(`${folder} cannot be read: ${(cause as Error).message}`);
	}
	for (const entry of entries) {
		if (entry.startsWith('.') || SKIPPED.has(entry)) continue;
		const [place, below] = [path.join(folder, entry), name ? `${name}/${entry}` : entry];
		const stats = statOf(place);
		if (stats?.isDirectory()) yield* walk(place, below, seen);
		else if (stats?.isFile()) yield fileAt(place, below, stats);
	}
}

/** Undefined for nothing, and for links to nothing or to themselves. */
function statOf(place: string): Stats | undefined {
	try {
		return statSync(place, { throwIfNoEntry: false });
	} catch (cause) {
		const { code, message } = cause as NodeJS.ErrnoException;
		if (code === 'ELOOP') return undefined;
		throw new Failure(`${place} cannot be read: ${message}`);
	}
}

function fileAt(place: string, name: string, { size }: Stats): LabelFile {
	return { name, size, arrayBuffer: () => readFile(place), stream: () => createReadStream(place) };
}
