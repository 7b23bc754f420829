// What a user gets back: equal-length arrays, best first, and the same as plain objects.

/** One detection, the shape that transformers.js users know. */
export interface Detection {
	score: number;
	/** The label given for the class, else the class id as text. Untrusted text: show it as text, never as HTML. */
	label: string;
	classId: number;
	/** The anchor (row of the head) it came from. */
	index: number;
	box: { xmin: number; ymin: number; xmax: number; ymax: number };
}
