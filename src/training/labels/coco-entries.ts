// The entries of one COCO file: images, categories and annotations may come in any order, so boxes wait for the end of the file.
// Ids may have gaps, and are looked up; nothing is taken from a file that turns out to be broken.

import { show } from '../../errors.js';
import { type Collector, Growing, type Place } from './collector.js';
import { LABEL_FLAGS } from './labels.js';

export type CocoSection = 'images' | 'annotations' | 'categories';
type Id = number | string;

interface CocoImage {
	readonly name: string;
	readonly width: number;
	readonly height: number;
}

interface CocoProblem {
	readonly place: Omit<Place, 'file'>;
	readonly what: string;
	readonly dropped: number;
}

/** Things with ids, by a number that counts up as ids are met, in their own section or in annotations. */
class Ids<T> {
	readonly ids: Id[] = [];
	readonly items: (T | undefined)[] = [];
	#slots = new Map<Id, number>();
	slotOf(id: Id): number {
		let slot = this.#slots.get(id);
		if (slot === undefined) {
			slot = this.ids.push(id) - 1;
			this.items.push(undefined);
			this.#slots.set(id, slot);
		}
		return slot;
	}
}

export class CocoEntries {
	#images = new Ids<CocoImage>();
	#categories = new Ids<string>();
	#annotationIds = new Set<Id>();
	/** Columns of the annotations. */
	#imageSlots = new Growing(new Uint32Array(64));
	#categorySlots = new Growing(new Uint32Array(64));
	#corners = new Growing(new Float64Array(256));
	#flags = new Growing(new Uint8Array(64));
	#places = new Growing(new Float64Array(128));
	#numbers = new Growing(new Uint32Array(64));
	#counts: Record<CocoSection, number> = { images: 0, annotations: 0, categories: 0 };
	/** Told at the end: a broken file has one problem, not those of its first half too. */
	#problems: CocoProblem[] = [];
	#place: Omit<Place, 'file'> = {};

	constructor(
		readonly file: string,
		readonly collector: Collector,
	) {}

	/** The place of the entry that is about to come. */
	begin(place: { line: number; column: number }): void {
		this.#place = place;
	}

	add(section: CocoSection, value: unknown): void {
		const what = `${section}[${this.#counts[section]++}]`;
		if (typeof value !== 'object' || value === null || Array.isArray(value))
			return this.#report(`${what} must be an object; got ${show(value)}`, section === 'annotations');
		const entry = value as Record<string, unknown>;
		if (section === 'images') this.#addImage(what, entry);
		else if (section === 'categories') this.#addCategory(what, entry);
		else this.#addAnnotation(what, entry);
	}

	#report(what: string, isBox = false): void {
		this.#problems.push({ place: this.#place, what, dropped: isBox ? 1 : 0 });
	}

	#addImage(what: string, { id, file_name: name, width, height }: Record<string, unknown>): void {
		if (!isId(id)) return this.#report(`${what} must have an id; got ${show(id)}`);
		const slot = this.#images.slotOf(id);
		if (this.#images.items[slot]) return this.#report(`${what} has the id of an earlier image, ${show(id)}; the earlier one is taken`);
		const hasSize = [width, height].every((side) => Number.isInteger(side) && (side as number) > 0);
		const given = width !== undefined && width !== null;
		if (!hasSize && given)
			this.#report(`${what} (id ${show(id)}) must have whole numbers of pixels as width and height; got ${show(width)} and ${show(height)}`);
		const size = hasSize ? { width: width as number, height: height as number } : { width: 0, height: 0 };
		this.#images.items[slot] = { name: typeof name === 'string' ? name : String(id), ...size };
	}

	#addCategory(what: string, { id, name }: Record<string, unknown>): void {
		if (!isId(id)) return this.#report(`${what} must have an id; got ${show(id)}`);
		const slot = this.#categories.slotOf(id);
		if (this.#categories.items[slot] !== undefined) return this.#report(`${what} has the id of an earlier category, ${show(id)}; the earlier one is taken`);
		if (typeof name !== 'string') this.#report(`${what} (id ${show(id)}) must have a name; got ${show(name)}; it goes by its id`);
		this.#categories.items[slot] = typeof name === 'string' ? name : String(id);
	}

	#addAnnotation(what: string, { id, image_id: imageId, category_id: categoryId, bbox, iscrowd }: Record<string, unknown>): void {
		if (!isId(imageId)) return this.#report(`${what} must have an image_id; got ${show(imageId)}`, true);
		if (!isId(categoryId)) return this.#report(`${what} must have a category_id; got ${show(categoryId)}`, true);
		if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every((x) => typeof x === 'number' && Number.isFinite(x))) {
			return this.#report(`${what} must have four numbers as bbox; got ${show(bbox)}`, true);
		}
		if (isId(id)) {
			if (this.#annotationIds.has(id)) return this.#report(`${what} has the id of an earlier annotation, ${show(id)}`, true);
			this.#annotationIds.add(id);
		}
		const [x, y, width, height] = bbox as number[];
		this.#imageSlots.push(this.#images.slotOf(imageId));
		this.#categorySlots.push(this.#categories.slotOf(categoryId));
		this.#corners.push(x, y, x + width, y + height);
		this.#flags.push(iscrowd === 1 || iscrowd === true ? LABEL_FLAGS.crowd : 0);
		this.#places.push(this.#place.line ?? 0, this.#place.column ?? 0);
		this.#numbers.push(this.#counts.annotations - 1);
	}

	/** Whether there is a box, or could have been one: a file of captions has neither boxes nor categories. */
	get hasBoxes(): boolean {
		return this.#imageSlots.length > 0 || this.#counts.categories > 0 || this.#counts.annotations === 0;
	}

	/** Hands everything over. */
	finish(): void {
		const { file, collector } = this;
		for (const { place, what, dropped } of this.#problems) collector.report({ file, ...place }, what, dropped);
		const imageIndices = this.#images.items.map((image) => (image ? collector.addImage({ ...image, file }) : -1));
		this.#reportShared();
		const classIds = this.#classIds();
		for (let i = 0; i < this.#imageSlots.length; i++) {
			const what = `annotations[${this.#numbers.at(i)}]`;
			const place = { file, line: this.#places.at(2 * i), column: this.#places.at(2 * i + 1) };
			const slot = this.#imageSlots.at(i);
			const [xmin, ymin, xmax, ymax] = [0, 1, 2, 3].map((k) => this.#corners.at(4 * i + k));
			if (imageIndices[slot] < 0) collector.report(place, `${what} is of image ${show(this.#images.ids[slot])}, which the file does not list`, 1);
			else collector.addBox(place, what, imageIndices[slot], classIds[this.#categorySlots.at(i)], this.#flags.at(i), xmin, ymin, xmax, ymax);
		}
	}

	/** Images that an earlier file has too: instances_… beside person_keypoints_… would count people twice. */
	#reportShared(): void {
		const { file, collector } = this;
		const shared = this.#images.items.flatMap((image) => (image ? (collector.imageFiles.get(image.name) ?? []) : []));
		if (shared.length) collector.report({ file }, `lists ${shared.length} images that ${shared[0]} lists too; the boxes of both are taken`, 0);
		for (const image of this.#images.items) if (image) collector.imageFiles.set(image.name, file);
	}

	/** Classes of the categories' slots: numbered in the order of their ids, which usually have gaps. */
	#classIds(): number[] {
		const { ids, items } = this.#categories;
		const slots = ids.map((_, slot) => slot).sort((a, b) => compareIds(ids[a], ids[b]));
		const classIds: number[] = [];
		const named = new Map<string, Id>();
		for (const slot of slots) {
			const name = items[slot] ?? String(ids[slot]);
			if (items[slot] === undefined) this.collector.report({ file: this.file }, `has no category with the id ${show(ids[slot])}; it goes by its id`, 0);
			const twin = named.get(name);
			if (twin !== undefined)
				this.collector.report(
					{ file: this.file },
					`has two categories named ${show(name)}, ids ${show(twin)} and ${show(ids[slot])}; they are taken as one`,
					0,
				);
			named.set(name, ids[slot]);
			classIds[slot] = this.collector.classOf(name);
		}
		return classIds;
	}
}

/** COCO's ids are integers; some tools write texts. */
function isId(id: unknown): id is Id {
	return typeof id === 'string' || (typeof id === 'number' && Number.isSafeInteger(id));
}

/** Numbers by size, before texts by their letters. */
function compareIds(a: Id, b: Id): number {
	if (typeof a === typeof b) return a < b ? -1 : 1;
	return typeof a === 'number' ? -1 : 1;
}
