// The built-in clip: coloured shapes that turn and travel, computed from the frame number alone. The same numbers draw
// the canvas, the test's video file, and the truth that boxes are compared with. Shapes never touch each other.

/** Size in pixels, length in frames (it loops without a seam) and frames per second. */
export const CLIP = { width: 640, height: 360, frames: 240, rate: 30 } as const;

/** A shape in one frame: a filled polygon, its class and its exact bounding box (xmin, ymin, xmax, ymax), in pixels. */
export interface Shape {
	classId: number;
	/** x, y of each corner. */
	points: readonly (readonly [number, number])[];
	box: readonly [number, number, number, number];
}

/** The classes, in the order of the network's channels. */
export const SHAPE_NAMES = ['red', 'yellow', 'green', 'blue'] as const;
/** Fill of each class, as [red, green, blue] 0 to 255. */
export const SHAPE_COLOURS: readonly (readonly [number, number, number])[] = [
	[232, 72, 77],
	[246, 199, 64],
	[34, 192, 82],
	[62, 123, 250],
];
/** Grey-blue of the background, top and bottom. */
export const BACKGROUND: readonly (readonly [number, number, number])[] = [
	[38, 42, 54],
	[22, 24, 32],
];

interface Actor {
	classId: number;
	/** Corners on the unit circle, or radii that alternate (a star). */
	corners: number;
	inner?: number;
	radius: number;
	/** Radius changes by this share, `pulses` times a loop. */
	swell?: number;
	pulses?: number;
	/** Whole turns a loop, so that it closes. */
	turns: number;
	/** Where the centre is at phase 0..1 of the loop. */
	path: (phase: number) => readonly [number, number];
}

const TAU = 2 * Math.PI;
const around = (start: number) => (phase: number) => [320 + 236 * Math.cos(TAU * (phase + start)), 180 + 116 * Math.sin(TAU * (phase + start))] as const;
const bob = (x: number, y: number, dx: number, dy: number, start: number) => (phase: number) =>
	[x + dx * Math.sin(TAU * (phase + start)), y + dy * Math.cos(TAU * (phase + start))] as const;

const ACTORS: readonly Actor[] = [
	{ classId: 0, corners: 4, radius: 46, swell: 0.3, pulses: 2, turns: 1, path: bob(320, 180, 44, 4, 0) },
	{ classId: 3, corners: 64, radius: 38, swell: 0.1, pulses: 4, turns: 0, path: around(0) },
	{ classId: 1, corners: 5, inner: 0.62, radius: 40, turns: 2, path: around(1 / 6) },
	{ classId: 2, corners: 6, radius: 30, turns: -1, path: around(2 / 6) },
	{ classId: 1, corners: 64, radius: 22, swell: 0.2, pulses: 3, turns: 0, path: around(3 / 6) },
	{ classId: 3, corners: 3, radius: 40, turns: -2, path: around(4 / 6) },
	{ classId: 2, corners: 4, radius: 26, turns: 3, path: around(5 / 6) },
	{ classId: 0, corners: 64, radius: 17, turns: 0, path: bob(36, 50, 8, 18, 0.1) },
	{ classId: 2, corners: 64, radius: 19, turns: 0, path: bob(602, 56, 10, 20, 0.6) },
	{ classId: 3, corners: 4, radius: 20, turns: 1, path: bob(46, 312, 14, 10, 0.3) },
	{ classId: 0, corners: 3, radius: 24, turns: -1, path: bob(596, 316, 12, 10, 0.8) },
];

/** The shapes of a frame. Any whole number is a frame: the clip repeats. */
export function shapesAt(frame: number): Shape[] {
	const phase = (((frame % CLIP.frames) + CLIP.frames) % CLIP.frames) / CLIP.frames;
	return ACTORS.map((actor) => {
		const [cx, cy] = actor.path(phase);
		const radius = actor.radius * (1 + (actor.swell ?? 0) * Math.sin(TAU * phase * (actor.pulses ?? 0)));
		const count = actor.inner === undefined ? actor.corners : 2 * actor.corners;
		const points = Array.from({ length: count }, (_, i) => {
			const angle = TAU * (i / count + actor.turns * phase) - TAU / 8;
			const r = actor.inner !== undefined && i % 2 === 1 ? radius * actor.inner : radius;
			return [cx + r * Math.cos(angle), cy + r * Math.sin(angle)] as const;
		});
		const xs = points.map(([x]) => x);
		const ys = points.map(([, y]) => y);
		return { classId: actor.classId, points, box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] as const };
	});
}

/** Draws a frame of the clip on a canvas of CLIP.width by CLIP.height. */
export function drawScene(context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D, frame: number): void {
	const { width, height } = CLIP;
	const background = context.createLinearGradient(0, 0, 0, height);
	BACKGROUND.forEach((colour, i) => background.addColorStop(i, `rgb(${colour.join(' ')})`));
	context.fillStyle = background;
	context.fillRect(0, 0, width, height);
	for (const { classId, points } of shapesAt(frame)) {
		context.fillStyle = `rgb(${SHAPE_COLOURS[classId].join(' ')})`;
		context.beginPath();
		for (const [x, y] of points) context.lineTo(x, y);
		context.fill();
	}
}
