// Draws boxes and labels over the picture, at the screen's own resolution. Labels are drawn as text, whatever they hold.

import type { Detection } from 'kedge';

const HUES = [2, 44, 145, 218, 285, 185, 25, 325, 95, 250];

/** A colour for a class: always the same, neighbours far apart. */
export function classColour(classId: number): string {
	const hue = classId < HUES.length ? HUES[classId] : (classId * 137.508) % 360;
	return `hsl(${hue} 90% 62%)`;
}

/**
 * Draws detections on a canvas that covers the picture.
 * @param frame Width and height of the frame whose pixels the boxes are in.
 */
export function drawOverlay(canvas: HTMLCanvasElement, frame: readonly [number, number], detections: readonly Detection[]): void {
	const density = window.devicePixelRatio || 1;
	const width = Math.round(canvas.clientWidth * density);
	const height = Math.round(canvas.clientHeight * density);
	if (canvas.width !== width) canvas.width = width;
	if (canvas.height !== height) canvas.height = height;
	const context = canvas.getContext('2d');
	if (!context || width === 0 || height === 0) return;
	context.setTransform(1, 0, 0, 1, 0, 0);
	context.clearRect(0, 0, width, height);
	const scale = [width / frame[0], height / frame[1]];
	const font = 12 * density;
	context.font = `600 ${font}px system-ui, sans-serif`;
	context.textBaseline = 'middle';
	// Best last, so that it lies on top.
	for (let i = detections.length - 1; i >= 0; i--) {
		const { box, label, score, classId } = detections[i];
		const x = Math.round(box.xmin * scale[0]);
		const y = Math.round(box.ymin * scale[1]);
		const w = Math.round(box.xmax * scale[0]) - x;
		const h = Math.round(box.ymax * scale[1]) - y;
		strokeBox(context, [x, y, w, h], classColour(classId), density);
		const text = `${label.length > 40 ? `${label.slice(0, 39)}…` : label} ${Math.round(score * 100)}%`;
		drawTag(context, text, x, y, classColour(classId), { width, font, density });
	}
}

/** A coloured frame with a dark edge, seen on any background. */
function strokeBox(context: CanvasRenderingContext2D, [x, y, w, h]: readonly number[], colour: string, density: number): void {
	context.lineJoin = 'round';
	context.strokeStyle = 'rgb(8 10 16 / 55%)';
	context.lineWidth = 4 * density;
	context.strokeRect(x, y, w, h);
	context.strokeStyle = colour;
	context.lineWidth = 2 * density;
	context.strokeRect(x, y, w, h);
}

/** The label above the box, inside it where there is no room above. */
function drawTag(
	context: CanvasRenderingContext2D,
	text: string,
	x: number,
	y: number,
	colour: string,
	size: { width: number; font: number; density: number },
): void {
	const { width, font, density } = size;
	const tagHeight = Math.round(font * 1.5);
	const tagWidth = Math.ceil(context.measureText(text).width + font * 0.9);
	const left = Math.max(0, Math.min(x - density, width - tagWidth));
	const top = y - tagHeight - density < 0 ? y + density : y - tagHeight - density;
	context.fillStyle = colour;
	context.beginPath();
	context.roundRect(left, top, tagWidth, tagHeight, 3 * density);
	context.fill();
	context.fillStyle = '#10131a';
	context.fillText(text, left + font * 0.45, top + tagHeight / 2 + density / 2);
}
