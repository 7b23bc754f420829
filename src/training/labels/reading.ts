// One call of `readLabels`: which format it is, which image belongs to which label, and how far it is.

import { refuse } from '../../checks.js';
import { ahead } from './ahead.js';
import { Collector } from './collector.js';
import { type FileKind, kindOf, readBytes, readChunks } from './files.js';
import { ImageFiles, keysOf } from './image-files.js';
import { FileFault, type LabelFile, type LabelFormat, type LabelledImage, type Labels, pathOf } from './labels.js';
import type { LabelSettings } from './options.js';
import { decodeText } from './text.js';
import type { YoloBoxes } from './yolo.js';

/** Milliseconds between reports, and between pauses in which a page can draw and a signal can come. */
const PAUSE = 50;

/** A file on its way: text files with their bytes, or with why there are none. */
export interface Prepared {
	readonly file: LabelFile;
	readonly path: string;
	readonly kind: FileKind;
	readonly bytes?: Uint8Array;
	readonly fault?: FileFault;
}

export class Reading {
	readonly #collector: Collector;
	readonly #images: ImageFiles;
	#format: LabelFormat | undefined;
	/** The file that told the format. */
	#firstPath = '';
	/** Files that are of no format, but by their ending could be of one: told at the end, when it is known which. */
	#strangers: { path: string; kind: LabelFormat; fault: FileFault }[] = [];
	#yolo: YoloBoxes | undefined;
	#names: { path: string; names: string[] } | undefined;
	#numFiles = 0;
	#numIgnored = 0;
	#numBytes = 0;
	#lastPath = '';
	#lastPause = performance.now();

	constructor(
		readonly where: string,
		readonly settings: LabelSettings,
	) {
		this.#collector = new Collector(where, settings);
		this.#images = new ImageFiles(settings.limits.headerBytes);
		this.#format = settings.format === 'auto' ? undefined : settings.format;
	}

	/** Gets a file's bytes where they are read at once. Never rejects. */
	async prepare(file: LabelFile): Promise<Prepared> {
		const path = pathOf(file);
		const kind = this.#kindOf(path);
		if (kind === 'image') {
			const entry = this.#images.add(path, file);
			// YOLO labels need every size: looked at now, so that the file can be forgotten
			if (this.#format === 'yolo') await this.#images.measure(entry);
		}
		if (kind !== 'voc' && kind !== 'yolo' && kind !== 'names') return { file, path, kind };
		try {
			return { file, path, kind, bytes: await readBytes(file, this.settings.limits.textBytes) };
		} catch (error) {
			if (error instanceof FileFault) return { file, path, kind, fault: error };
			throw error;
		}
	}

	#kindOf(path: string): FileKind {
		const kind = kindOf(path);
		const { format } = this.settings;
		const isWanted = kind === 'image' || format === 'auto' || kind === format || (kind === 'names' && format === 'yolo');
		return isWanted ? kind : 'other';
	}

	/** Reads one file. */
	async take(prepared: Prepared): Promise<void> {
		const { path, kind, bytes } = prepared;
		this.settings.signal?.throwIfAborted();
		this.#lastPath = path;
		try {
			if (prepared.fault) throw prepared.fault;
			if (kind === 'voc' || kind === 'yolo') await this.#takeText(path, kind, decodeText(bytes as Uint8Array));
			else if (kind === 'names') this.#takeNames(path, decodeText(bytes as Uint8Array));
			else if (kind === 'coco') await this.#takeJson(prepared);
			else this.#numIgnored++;
		} catch (error) {
			if (!(error instanceof FileFault)) throw error;
			this.#collector.fail(path, error);
		}
		this.#numBytes += bytes?.length ?? 0;
		await this.#pause();
	}

	async #takeText(path: string, kind: 'voc' | 'yolo', text: string): Promise<void> {
		if (kind === 'voc') {
			const { readVoc } = await import('./voc.js');
			if (readVoc(path, text, this.#collector)) this.#accept(kind, path);
			else this.#stranger(path, kind, 'is XML, but no VOC annotation');
			return;
		}
		if (!this.#yolo) this.#yolo = new (await import('./yolo.js')).YoloBoxes();
		const found = this.#yolo.read(path, text, this.#collector);
		if (found === 'labels') this.#accept(kind, path);
		else if (found === 'empty') this.#numFiles++;
		else this.#stranger(path, kind, `holds no label: it ${found.fault}`);
	}

	#takeNames(path: string, text: string): void {
		const names = text.split('\n').map((line) => line.trim());
		while (names.length && !names.at(-1)) names.pop();
		if (!this.#names) this.#names = { path, names };
		else if (names.join('\n') !== this.#names.names.join('\n'))
			this.#collector.report({ file: path }, `differs from ${this.#names.path}, whose names are taken`, 0);
		this.#numIgnored++;
	}

	async #takeJson({ file, path }: Prepared): Promise<void> {
		const { CocoReader } = await import('./coco.js');
		const { jsonBytes } = this.settings.limits;
		const tooLong = new FileFault(`is longer than limits.jsonBytes, ${jsonBytes}`);
		if (file.size > jsonBytes) throw tooLong;
		const reader = new CocoReader(path, this.#collector);
		let length = 0;
		for await (const chunk of readChunks(file)) {
			length += chunk.length;
			if (length > jsonBytes) throw tooLong;
			reader.write(chunk);
			this.#numBytes += chunk.length;
			await this.#pause();
		}
		if (reader.end()) this.#accept('coco', path);
		else this.#stranger(path, 'coco', 'is JSON, but no COCO data set with boxes');
	}

	/** Labels were found in a file of this kind. */
	#accept(kind: LabelFormat, path: string): void {
		this.#numFiles++;
		if (this.#format === undefined) [this.#format, this.#firstPath] = [kind, path];
		if (this.#format === kind) return;
		const found = `${this.#firstPath} (${this.#format}), ${path} (${kind})`;
		refuse(RangeError, this.where, 'files', 'must have labels of one format', found, 'give format to read one of them');
	}

	#stranger(path: string, kind: LabelFormat, what: string): void {
		this.#strangers.push({ path, kind, fault: new FileFault(what) });
	}

	/** Tells how far it is, lets others have a turn, and ends when the signal says so. */
	async #pause(isEnd = false): Promise<void> {
		this.settings.signal?.throwIfAborted();
		if (!isEnd && performance.now() - this.#lastPause < PAUSE) return;
		const { images, numBoxes: boxes, numProblems: problems } = this.#collector;
		this.settings.onProgress?.({ files: this.#numFiles, bytes: this.#numBytes, images: images.length, boxes, problems, file: this.#lastPath });
		await new Promise((resolve) => setTimeout(resolve, 0));
		this.settings.signal?.throwIfAborted();
		this.#lastPause = performance.now();
	}

	/** What could only be done with all files seen. `width`: images looked at at once. */
	async finish(width: number): Promise<Labels> {
		const collector = this.#collector;
		for (const { path, kind, fault } of this.#strangers) {
			if (this.#format === undefined || this.#format === kind) collector.fail(path, fault);
			else this.#numIgnored++;
		}
		const yolo = this.#yolo;
		const numEmpty = yolo && this.#format !== 'yolo' ? yolo.files.length : 0;
		// empty texts alone are YOLO's: images without an object. Beside other labels they are nothing
		if (numEmpty && this.#format === undefined) this.#format = 'yolo';
		else {
			this.#numFiles -= numEmpty;
			this.#numIgnored += numEmpty;
		}
		let names: readonly string[] | undefined;
		if (this.#format === 'yolo' && yolo) {
			await this.#scaleYolo(yolo, width);
			names = yolo.classNames(this.settings.classNames ?? this.#names?.names ?? [], this.settings.classNames ? 'classNames' : this.#names?.path, collector);
		} else await this.#findSizes(width);
		await this.#pause(true);
		return collector.finish(this.#format, { numFiles: this.#numFiles, numIgnored: this.#numIgnored }, names);
	}

	async #scaleYolo(yolo: YoloBoxes, width: number): Promise<void> {
		const sizeOf = async (labels: (typeof yolo.files)[number]) => {
			const entry = this.#images.find(labels.file);
			return { labels, entry: entry && (await this.#images.measure(entry)) };
		};
		for await (const { labels, entry } of ahead(yolo.files, width, sizeOf)) {
			const size = entry?.size ?? this.#givenSize();
			if (entry?.fault) this.#collector.report({ file: entry.path }, entry.fault.what, 0);
			if (size) yolo.add(labels, entry?.path ?? keysOf(labels.file)[1], size, this.#collector);
			else {
				const why = entry ? `the size of its image ${entry.path} is not known` : 'there is no image of its name';
				this.#collector.report({ file: labels.file }, `${why}, so its ${labels.count} boxes have no pixels (give the images, or imageSize)`, labels.count);
			}
			await this.#pause();
		}
	}

	/** Sizes of images whose labels have none. */
	async #findSizes(width: number): Promise<void> {
		const { images } = this.#collector;
		const without = images.map((_, i) => i).filter((i) => !images[i].width);
		const sizeOf = async (i: number) => {
			const entry = (this.#format === 'voc' ? this.#images.find(images[i].file) : undefined) ?? this.#images.find(images[i].name);
			return { i, entry: entry && (await this.#images.measure(entry)) };
		};
		for await (const { i, entry } of ahead(without, width, sizeOf)) {
			const size = entry?.size ?? this.#givenSize();
			if (entry?.fault) this.#collector.report({ file: entry.path }, entry.fault.what, 0);
			if (size) images[i] = { ...images[i], ...size } satisfies LabelledImage;
			else this.#collector.report({ file: images[i].file }, `does not say the size of ${images[i].name}, and no image file does`, 0);
			await this.#pause();
		}
	}

	#givenSize(): { width: number; height: number } | undefined {
		const { imageSize } = this.settings;
		return imageSize && { width: imageSize[1], height: imageSize[0] };
	}
}
