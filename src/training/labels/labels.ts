// What the readers of label files take and give: files as pages and Node have them in, flat boxes out, and with them everything
// that was wrong. The formats themselves are in voc.ts, coco.ts and yolo.ts.

/** The formats that are read: PASCAL VOC (XML, one file per image), COCO (JSON, many images per file), YOLO (text, one file per image). */
export type LabelFormat = 'voc' | 'coco' | 'yolo';

/** Bytes as they come: a stream of a page or of Node. */
export type ByteStream = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** A file to read. A `File` of a page is one; in Node anything with these fields is. */
export interface LabelFile {
	/** With the folders before it, where they are known: they tell which image a YOLO label belongs to. */
	readonly name: string;
	/** What a page knows of the folders: taken instead of `name` where it is not empty. */
	readonly webkitRelativePath?: string;
	/** Bytes. */
	readonly size: number;
	/** All bytes: VOC and YOLO files are read by it. */
	arrayBuffer(): Promise<ArrayBuffer | Uint8Array>;
	/** The bytes from the beginning: COCO files are read by it, and the headers of images, of which the rest is never asked for. */
	stream(): ByteStream;
}

/** An image as its labels know it. */
export interface LabelledImage {
	/** As the labels name it, or as the image file is called. */
	readonly name: string;
	/** The label file. */
	readonly file: string;
	/** Pixels, as shown: turned pictures have their sides exchanged. 0 where neither the labels nor an image file say it. */
	readonly width: number;
	readonly height: number;
}

/** Something wrong in a file. */
export interface LabelProblem {
	readonly file: string;
	/** From 1, where there is one. */
	readonly line?: number;
	/** From 1, where there is one. */
	readonly column?: number;
	/** A sentence. */
	readonly what: string;
	/** Boxes that are not in the result because of it; Infinity for a file that was left out whole. 0 when all were kept. */
	readonly dropped: number;
}

/** Bits of `Labels.flags`. */
export const LABEL_FLAGS = {
	/** COCO's `iscrowd`: a group, not one object. */
	crowd: 1,
	/** VOC's `difficult`. */
	difficult: 2,
	/** VOC's `truncated`: the object goes on outside of the box. */
	truncated: 4,
} as const;

/** A data set's labels: N boxes, each of one image and one class. */
export interface Labels {
	/** Undefined when there was no label file. */
	readonly format: LabelFormat | undefined;
	readonly images: readonly LabelledImage[];
	/** [N, 4] xyxy in pixels of the image. */
	readonly boxes: Float32Array;
	/** [N] which of `classNames`. */
	readonly classIds: Uint32Array;
	/** [N] which of `images`. */
	readonly imageIndices: Uint32Array;
	/** [N] bits of `LABEL_FLAGS`. */
	readonly flags: Uint8Array;
	/** As the files say, or the number as text where they have none. Untrusted text. */
	readonly classNames: readonly string[];
	/** Up to `limits.problems` of them, in the order found. */
	readonly problems: readonly LabelProblem[];
	/** All of them. */
	readonly numProblems: number;
	/** Boxes that problems cost, without those of files that were left out whole. */
	readonly numDropped: number;
	/** Files that were left out whole, each with its problem. */
	readonly numFailed: number;
	/** Label files read, and files that are neither labels nor looked into (images beside VOC and COCO labels, for example). */
	readonly numFiles: number;
	readonly numIgnored: number;
}

/** What `onProgress` is told, now and then and at the end. */
export interface LabelProgress {
	/** Label files done, and the bytes of them and of the one that is being read. */
	readonly files: number;
	readonly bytes: number;
	readonly images: number;
	readonly boxes: number;
	readonly problems: number;
	/** The file read last. */
	readonly file: string;
}

/** A file that cannot be taken, or a box; becomes a problem or, with `onProblem: 'error'`, an error. */
export class FileFault extends Error {
	constructor(
		readonly what: string,
		readonly line?: number,
		readonly column?: number,
	) {
		super(what);
	}
}

/** The name by which a file is spoken of, folders and all. */
export function pathOf(file: LabelFile): string {
	return (file.webkitRelativePath || file.name).replaceAll('\\', '/');
}
