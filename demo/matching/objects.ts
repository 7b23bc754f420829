// The things in the picture: silhouettes that fill their box exactly, drawn in two quiet tones so that what lies on top of
// them speaks. No image is loaded.

export const OBJECT_KINDS = ['person', 'racket', 'ball', 'bus', 'bird', 'kite'] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

/** x, y, width, height in pixels of the canvas. */
export type Rect = readonly [x: number, y: number, width: number, height: number];

/** Draws within the unit square; the context is scaled to the object's box. */
type Drawing = (path: Path2D, detail: Path2D) => void;

const person: Drawing = (path, detail) => {
	path.ellipse(0.5, 0.09, 0.2, 0.09, 0, 0, 7);
	path.roundRect(0.2, 0.2, 0.6, 0.38, 0.18);
	path.roundRect(0, 0.22, 0.22, 0.34, 0.11);
	path.roundRect(0.78, 0.22, 0.22, 0.34, 0.11);
	path.roundRect(0.22, 0.5, 0.26, 0.5, 0.1);
	path.roundRect(0.52, 0.5, 0.26, 0.5, 0.1);
	detail.rect(0.22, 0.55, 0.56, 0.025);
};

const racket: Drawing = (path, detail) => {
	path.ellipse(0.5, 0.31, 0.5, 0.31, 0, 0, 7);
	path.roundRect(0.41, 0.58, 0.18, 0.42, 0.06);
	for (let k = 1; k < 6; k++) {
		detail.rect(0.08 + k * 0.14, 0.08, 0.015, 0.46);
		detail.rect(0.08, 0.04 + k * 0.09, 0.84, 0.01);
	}
};

const ball: Drawing = (path, detail) => {
	path.ellipse(0.5, 0.5, 0.5, 0.5, 0, 0, 7);
	detail.ellipse(0.1, 0.5, 0.3, 0.36, 0, -1.2, 1.2);
	detail.ellipse(0.1, 0.5, 0.34, 0.4, 0, 1.2, -1.2, true);
};

const bus: Drawing = (path, detail) => {
	path.roundRect(0, 0, 1, 0.86, 0.06);
	path.ellipse(0.22, 0.86, 0.1, 0.14, 0, 0, 7);
	path.ellipse(0.78, 0.86, 0.1, 0.14, 0, 0, 7);
	for (let k = 0; k < 5; k++) detail.roundRect(0.06 + k * 0.18, 0.14, 0.14, 0.3, 0.02);
};

const bird: Drawing = (path) => {
	path.moveTo(0, 0.1);
	path.quadraticCurveTo(0.3, 0, 0.5, 0.62);
	path.quadraticCurveTo(0.7, 0, 1, 0.1);
	path.quadraticCurveTo(0.72, 0.4, 0.56, 1);
	path.lineTo(0.44, 1);
	path.quadraticCurveTo(0.28, 0.4, 0, 0.1);
	path.rect(0.49, 0, 0.02, 0.02);
};

const kite: Drawing = (path, detail) => {
	path.moveTo(0.5, 0);
	path.lineTo(1, 0.36);
	path.lineTo(0.5, 1);
	path.lineTo(0, 0.36);
	path.closePath();
	detail.rect(0.49, 0, 0.02, 1);
	detail.rect(0, 0.35, 1, 0.02);
};

const DRAWINGS: Record<ObjectKind, Drawing> = { person, racket, ball, bus, bird, kite };
const PATHS = new Map<ObjectKind, { path: Path2D; detail: Path2D }>();

function pathsOf(kind: ObjectKind) {
	let paths = PATHS.get(kind);
	if (!paths) {
		paths = { path: new Path2D(), detail: new Path2D() };
		DRAWINGS[kind](paths.path, paths.detail);
		PATHS.set(kind, paths);
	}
	return paths;
}

/** Draws one object so that it touches all four sides of its box, with an edge that parts it from what is behind. */
export function drawObject(
	context: CanvasRenderingContext2D,
	kind: ObjectKind,
	[x, y, width, height]: Rect,
	colours: { body: string; detail: string; edge: string },
): void {
	const { path, detail } = pathsOf(kind);
	const toBox = new DOMMatrix([width, 0, 0, height, x, y]);
	const outline = new Path2D();
	outline.addPath(path, toBox);
	context.lineJoin = 'round';
	context.strokeStyle = colours.edge;
	context.lineWidth = Math.max(1.5, Math.min(width, height) / 30);
	context.stroke(outline);
	context.fillStyle = colours.body;
	context.fill(outline);
	const inside = new Path2D();
	inside.addPath(detail, toBox);
	context.fillStyle = colours.detail;
	context.fill(inside);
}

/** The ground that objects stand on: sky, a line, a court. */
export function drawGround(context: CanvasRenderingContext2D, side: number, colours: { sky: string; ground: string; line: string }): void {
	const horizon = side * 0.62;
	context.fillStyle = colours.sky;
	context.fillRect(0, 0, side, side);
	context.fillStyle = colours.ground;
	context.fillRect(0, horizon, side, side - horizon);
	context.strokeStyle = colours.line;
	context.lineWidth = Math.max(1, side / 300);
	context.beginPath();
	for (const [from, to] of [
		[0.36, -0.1],
		[0.64, 1.1],
		[0.5, 0.5],
	]) {
		context.moveTo(side * from, horizon);
		context.lineTo(side * to, side);
	}
	context.moveTo(0, side * 0.78);
	context.lineTo(side, side * 0.78);
	context.stroke();
}
