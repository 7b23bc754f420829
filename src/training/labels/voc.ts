// A PASCAL VOC annotation: one XML file per image, <annotation> with <size> and one <object> per box. Read by saxes, which never
// expands an entity; documents that declare one are refused. Format: the development kit of VOC2012, section "Annotation".

import { SaxesParser } from 'saxes';
import { show } from '../../errors.js';
import type { Collector, Place } from './collector.js';
import { FileFault, LABEL_FLAGS } from './labels.js';
import { toNumber } from './text.js';

/** The leaves of an <object> that are read; <part>s and <polygon>s within it have other paths. */
interface VocObject {
	readonly line: number;
	name?: string;
	difficult?: string;
	truncated?: string;
	hasBox: boolean;
	corners: Record<string, string>;
}

interface VocImage {
	filename?: string;
	width?: string;
	height?: string;
	readonly objects: VocObject[];
}

const SIDES = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

/** Reads one file into the collector; false when it is XML, but no VOC annotation. Throws a FileFault when it is broken. */
export function readVoc(file: string, text: string, collector: Collector): boolean {
	const image = parseVoc(text, collector.settings.limits.depth);
	if (!image) return false;
	const [width, height] = [image.width, image.height].map((side) => toNumber(side ?? '0'));
	if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 0 && height >= 0)) {
		throw new FileFault(`has a <size> of ${show(image.width)} x ${show(image.height)}; whole numbers of pixels are expected`);
	}
	// some tools write 0 x 0 where they did not look
	const known = width > 0 && height > 0;
	const stem = file.replace(/^.*\//, '').replace(/\.[^.]*$/, '');
	const imageIndex = collector.addImage({ name: image.filename || stem, file, width: known ? width : 0, height: known ? height : 0 });
	image.objects.forEach((object, i) => addObject({ file, line: object.line }, `object ${i + 1}`, object, imageIndex, collector));
	return true;
}

function addObject(place: Place, what: string, object: VocObject, imageIndex: number, collector: Collector): void {
	const refuse = (fault: string) => collector.report(place, `${what} ${fault}`, 1);
	if (!object.name) return refuse('has no <name>');
	if (!object.hasBox) return refuse(`(${show(object.name)}) has no <bndbox>`);
	const corners = SIDES.map((side) => toNumber(object.corners[side] ?? ''));
	const bad = corners.findIndex((x) => Number.isNaN(x));
	if (bad >= 0) return refuse(`(${show(object.name)}) must have a number as <${SIDES[bad]}>; got ${show(object.corners[SIDES[bad]])}`);
	const { crowd: _, ...bits } = LABEL_FLAGS;
	const flags = (isSet(object.difficult) ? bits.difficult : 0) | (isSet(object.truncated) ? bits.truncated : 0);
	// pixel 1 begins at 0, and the last pixel ends where its number says
	const first = collector.settings.vocCorners === 'inclusive' ? 1 : 0;
	const [xmin, ymin, xmax, ymax] = corners;
	const classId = collector.classOf(object.name);
	collector.addBox(place, `${what} (${show(object.name)})`, imageIndex, classId, flags, xmin - first, ymin - first, xmax, ymax);
}

const isSet = (flag: string | undefined) => flag === '1' || flag?.toLowerCase() === 'true';

/** The fields of an annotation; undefined when the root is another element. */
function parseVoc(text: string, maxDepth: number): VocImage | undefined {
	const parser = new SaxesParser();
	const stop = (what: string): never => {
		throw new FileFault(what, parser.line, parser.column);
	};
	const image: VocImage = { objects: [] };
	const path: string[] = [];
	let isVoc = true;
	let leaf = '';
	parser.on('error', (error) => stop(`is not well-formed XML: ${error.message.replace(/^\d+:\d+: /, '')}`));
	parser.on('doctype', (doctype) => {
		if (/<!ENTITY|\[/i.test(doctype)) stop('declares entities; only plain VOC annotations are read');
	});
	parser.on('opentag', ({ name }) => {
		if (path.length >= maxDepth) stop(`has elements within each other beyond limits.depth, ${maxDepth}`);
		if (!path.length) isVoc = name === 'annotation';
		path.push(name);
		leaf = '';
		if (path.length === 2 && name === 'object') image.objects.push({ line: parser.line, hasBox: false, corners: Object.create(null) });
	});
	const addText = (part: string) => {
		leaf += part;
	};
	parser.on('text', addText);
	parser.on('cdata', addText);
	parser.on('closetag', ({ name }) => {
		if (isVoc) setField(image, path, leaf.trim());
		path.length--;
		leaf = '';
		if (isVoc && name === 'bndbox' && path.length === 2 && path[1] === 'object') (image.objects.at(-1) as VocObject).hasBox = true;
	});
	parser.write(text).close();
	return isVoc ? image : undefined;
}

/** Puts the text of an element where its path says. */
function setField(image: VocImage, path: readonly string[], text: string): void {
	const [, section, field, side] = path;
	const object = image.objects.at(-1);
	if (path.length === 2 && section === 'filename') image.filename = text;
	else if (path.length === 3 && section === 'size' && (field === 'width' || field === 'height')) image[field] = text;
	else if (section !== 'object' || !object) return;
	else if (path.length === 3 && (field === 'name' || field === 'difficult' || field === 'truncated')) object[field] = text;
	else if (path.length === 4 && field === 'bndbox' && (SIDES as readonly string[]).includes(side)) object.corners[side] = text;
}
