// Memory that TypeScript and WGSL share: one list of fields per struct, from which the WGSL text is printed and the
// host finds its offsets. Nothing here knows what the numbers mean to a stage.

/** How large the pieces of the pipeline are. Tests shrink them, so that seven boxes reach every multi-pass path. */
export interface Sizes {
	/** Threads per workgroup, and the candidates of one suppression chunk. */
	readonly workgroup: number;
	/** Threads per workgroup of `decode`: neighbours read the numbers of a class side by side. */
	readonly decoders: number;
	/** Bins of the score histogram; a multiple of `workgroup`. */
	readonly bins: number;
	/** Sorted candidates that one `suppress` dispatch takes on alone: twice as many where few are kept, half as many where all may be. */
	readonly head: number;
	/** Sorted candidates of each later block, prefiltered by many workgroups; a multiple of `workgroup`. */
	readonly block: number;
	/** Threads that share the classes of an anchor in `decode`, at most; a power of two. */
	readonly lanes: number;
	/** Members of a histogram bin that `rank` compares one by one; more are sorted in runs that are then merged. */
	readonly heavy: number;
	/** Lists of this length at most are ranked in one dispatch, whatever their bins hold. */
	readonly counted: number;
	/** Candidates that `bins` puts in order itself, where it runs after they were appended: one workgroup compares each with each. */
	readonly small: number;
	/** Workgroups that stride over a list, at most: enough to fill a large GPU, few enough to be cheap when there is little in it. */
	readonly strides: number;
}
export const SIZES: Sizes = {
	workgroup: 256,
	decoders: 256,
	bins: 4096,
	head: 8192,
	block: 8192,
	lanes: 8,
	heavy: 512,
	counted: 16_384,
	small: 256,
	strides: 64,
};
/** For adapters that compute on the CPU: there a thread more is work more, also one that waits at a barrier or ends at once, and nothing waits for memory. */
export const SOFTWARE_SIZES: Sizes = { ...SIZES, workgroup: 64, lanes: 1, small: 128, strides: 8 };

type FieldType = 'u32' | 'i32' | 'f32' | 'vec4f';
const FIELD_BYTES: Record<FieldType, number> = { u32: 4, i32: 4, f32: 4, vec4f: 16 };

/** A struct of both sides: field offsets in 32-bit words, the size in bytes, and its WGSL text. */
export interface StructLayout<Name extends string = string> {
	readonly name: string;
	readonly words: Readonly<Record<Name, number>>;
	readonly types: Readonly<Record<string, FieldType>>;
	readonly byteSize: number;
	readonly wgsl: string;
}

/** Lays fields out by the WGSL rules for scalars and vec4f; the size is rounded up to 16 bytes. */
export function struct<const F extends Readonly<Record<string, FieldType>>>(name: string, fields: F): StructLayout<keyof F & string> {
	const words: Record<string, number> = {};
	let offset = 0;
	const lines: string[] = [];
	for (const [field, type] of Object.entries(fields)) {
		const align = FIELD_BYTES[type];
		offset = Math.ceil(offset / align) * align;
		words[field] = offset / 4;
		offset += FIELD_BYTES[type];
		lines.push(`  ${field}: ${type},`);
	}
	const byteSize = Math.ceil(offset / 16) * 16;
	return { name, words: words as Record<keyof F & string, number>, types: fields, byteSize, wgsl: `struct ${name} {\n${lines.join('\n')}\n}` };
}

/** What may change from call to call, the same for every stage: one uniform. */
export const PARAMS = struct('Params', {
	min_key: 'u32', // smallest score key that passes the filter
	min_objectness_key: 'u32', // smallest objectness key (of the logit, when it is one) that is looked at
	iou_threshold: 'f32', // suppress above this; already moved one float down for '>='
	max_detections: 'u32', // rows of the output at most
	max_candidates: 'u32', // rows of an image's sorted list at most
	slot_candidates: 'u32', // rows of a slot's sorted list at most; the same with one slot per image
	slots: 'u32', // lists of candidates per image: one, or one per level where each is cut by itself
	capacity: 'u32', // rows of `candidates` per slot
	num_classes: 'u32',
	class_agnostic: 'u32', // 1: boxes of different classes suppress each other
	tie_mask: 'u32', // 0: lower id first; 0xffffffff: higher id first
	zero: 'u32', // always 0; see numbers.wgsl
	bin_mode: 'u32', // 0: bins of equal key width; 1: bins of equal logit width; 2: bins by tie order, for equal scores
	bin_low: 'u32', // mode 0: key of the lowest bin's start; mode 1: its fixed-point logit as i32 bits
	bin_width: 'u32', // mode 0: keys per bin; mode 1: fixed-point steps per unit (a power of two); mode 2: ids per bin
	transform: 'u32', // 1: rows are mapped to the frame and clipped; 2: mapped only
	gain_x: 'f32',
	gain_y: 'f32',
	pad_x: 'f32',
	pad_y: 'f32',
	frame_width: 'f32',
	frame_height: 'f32',
	score_map: 'u32', // the score of a row is 0: what its key stands for, 1: the sigmoid, 2: the square root of it
	rotated: 'u32', // 1: boxes have angles, in the place of the area
	multi_label: 'u32', // 1: an id is anchor * num_classes + class
	last_id: 'u32', // the largest id there can be
	suppression: 'u32', // 0: nothing is suppressed (end-to-end heads)
	rows: 'u32', // rows of `output` per image
	row_words: 'u32', // words of such a row
	serial: 'u32', // number of the call
	clip: 'u32', // 1: boxes are clipped to clip_width x clip_height when decoded
	clip_width: 'f32',
	clip_height: 'f32',
	min_size: 'f32', // boxes with a side below this are not kept; 0: no such rule
	soft_scale: 'f32', // soft suppression by a Gaussian: scores fall by exp(soft_scale * overlap^2)
	min_score_key: 'u32', // smallest key of a decayed score that passes
});

/** A run of anchors that are read alike. Addresses count elements: base + image * image_stride + shape * shape_stride + cell * cell_stride + channel * channel_stride. */
export const LEVEL = struct('Level', {
	first_anchor: 'u32',
	num_anchors: 'u32',
	num_cells: 'u32', // anchors = shapes * cells
	num_shapes: 'u32',
	shape_major: 'u32', // 1: anchor = shape * num_cells + cell (a, y, x); 0: cell * num_shapes + shape (y, x, a)
	stride: 'f32', // input pixels per cell, for codecs that need it
	box_base: 'u32',
	box_image: 'u32',
	box_shape: 'u32',
	box_cell: 'u32',
	box_channel: 'u32',
	class_base: 'u32',
	class_image: 'u32',
	class_shape: 'u32',
	class_cell: 'u32',
	class_channel: 'u32',
	extra_base: 'u32', // objectness, or the class ids of nms()
	extra_image: 'u32',
	extra_shape: 'u32',
	extra_cell: 'u32',
	extra_channel: 'u32',
	anchor_base: 'u32', // anchors that come with the call
	anchor_image: 'u32',
	anchor_cell: 'u32',
	anchor_channel: 'u32',
	keypoint_base: 'u32',
	keypoint_image: 'u32',
	keypoint_shape: 'u32',
	keypoint_cell: 'u32',
	keypoint_channel: 'u32',
	mask_base: 'u32', // mask coefficients
	mask_image: 'u32',
	mask_shape: 'u32',
	mask_cell: 'u32',
	mask_channel: 'u32',
	first_shape: 'u32', // lattices: the row of the level's first shape, and the steps from cell to cell
	step_x: 'f32',
	step_y: 'f32',
	angle_step: 'u32', // elements from a box's first raw number to its angle
	box_class: 'u32', // elements from one class's box to the next one's; 0 when they share it
	grid_width: 'u32', // cells of a row, for peaks
	level: 'u32', // its number
	slot: 'u32', // which of the image's slots its candidates go to
	phase: 'u32', // multi-label: PHASE
	lanes: 'u32', // threads that share an anchor's classes
});

/** A candidate: passed the score filter, box decoded, in network-input pixels. Also what `sorted` holds. */
export const CANDIDATE = struct('Candidate', {
	box: 'vec4f', // xyxy
	area: 'f32', // 0 when the box is empty: it overlaps nothing; -1 when it is too small to be kept; heads with angles: the angle
	key: 'u32', // orderable score bits
	id: 'u32', // anchor, or anchor * num_classes + class
	class_id: 'u32',
});

/** A row of the result. */
export const ROW = struct('Row', {
	box: 'vec4f', // xyxy, network-input pixels, or frame pixels after a transform
	score: 'f32',
	class_id: 'u32',
	index: 'u32', // the anchor it came from
	key: 'u32',
});

/** The head of the result, before the rows. */
export const HEADER = struct('Header', {
	count: 'u32', // rows that follow
	num_candidates: 'u32',
	truncated: 'u32',
	rejected: 'u32',
	serial: 'u32', // the call it belongs to: a header the GPU did not write is found out
});

/** What a multi-label decode pass does: fill the histogram, refine the interval that holds the cut, append what is above it. */
export const PHASE = { count: 0, refine: 1, select: 2 } as const;

/** The part of the sorted list that one suppression dispatch works on; the detections that one dispatch of soft suppression finds. */
export const RANGE = struct('Range', {
	begin: 'u32',
	end: 'u32',
	prefiltered: 'u32', // 1: `dead` already tells who overlaps a detection kept before this block
});

/** One dispatch of `rank`: in each group of slots the rows of a heavy bin, which are sorted in runs, are brought in order. */
export const MERGE = struct('Merge', {
	run: 'u32', // slots per sorted run; 0: nothing is sorted
	group: 'u32', // slots per group; 0: all of them, and light bins, too: the end
});

/** The counters at the start of each image's state, by word. */
export const COUNTERS = {
	passed: 0, // passed score filter and box check; keeps counting beyond every capacity
	rejected: 1,
	appended: 2, // rows of `candidates` in use
	sorted: 3, // rows of `sorted` in use
	kept: 4,
	cut_key: 5, // selected: key > cut_key, or key == cut_key and tie order <= cut_tie
	cut_tie: 6,
	refining: 7, // 0: the cut is settled; 1: narrowing it by keys; 2: by tie order
	refine_low: 8, // first key (or tie order) of the interval that holds the cut
	refine_width: 9, // keys (or tie orders) per bin of it
	above: 10, // candidates known to lie above the interval
	kept_before: 11, // detections kept before the current block
	listed: 12, // rows of the image's sorted list in use
	admitted: 13, // soft suppression: rows of the sorted list whose scores are up to date
	binned: 14, // slots of the bins that reach above the cut; 0 where `bins` sorted few candidates itself
	heaviest: 15, // members of the fullest of them
} as const;
export const NUM_COUNTERS = 20;

/** Words of state per image: counters, then bins words each of histogram, bin starts and bin cursors. */
export function stateWords(sizes: Sizes): number {
	return NUM_COUNTERS + 3 * sizes.bins;
}

/** Words of one candidate or result row, and of the result header. */
export const ROW_WORDS = ROW.byteSize / 4;
export const HEADER_WORDS = HEADER.byteSize / 4;

/** The fields of a struct as numbers. */
export type Values<S> = S extends StructLayout<infer N> ? Record<N, number> : never;
export type Params = Values<typeof PARAMS>;
export type LevelValues = Values<typeof LEVEL>;
export type RangeValues = Values<typeof RANGE>;
export type MergeValues = Values<typeof MERGE>;

/** Writes a struct's fields at a word offset; u32 fields take any 32-bit integer. */
export function writeStruct(layout: StructLayout, values: Readonly<Record<string, number>>, u32: Uint32Array, f32: Float32Array, offset = 0): void {
	for (const [field, word] of Object.entries(layout.words)) {
		if (layout.types[field] === 'f32') f32[offset + word] = values[field];
		else u32[offset + word] = values[field];
	}
}

/** The constants of a run of sizes, as WGSL: workgroup, bins, words of state, counters by name. */
export function sizesWgsl(sizes: Sizes): string {
	const counters = Object.entries(COUNTERS).map(([name, word]) => `const ${name.toUpperCase()} = ${word}u;`);
	return [
		`const WORKGROUP = ${sizes.workgroup}u;`,
		`const NUM_BINS = ${sizes.bins}u;`,
		`const HEAVY = ${sizes.heavy}u;`,
		`const STATE_WORDS = ${stateWords(sizes)}u;`,
		`const HISTOGRAM = ${NUM_COUNTERS}u;`,
		`const STARTS = ${NUM_COUNTERS + sizes.bins}u;`,
		`const CURSORS = ${NUM_COUNTERS + 2 * sizes.bins}u;`,
		`const HEADER_WORDS = ${HEADER_WORDS}u;`,
		...counters,
	].join('\n');
}
