// Which heads' anchors a kernel computes and which are uploaded: what it computes must be the rows, bit for bit.

import { expect, test } from 'vitest';
import { deltas } from '../../../src/codecs/deltas.js';
import { gpuAnchors } from '../../../src/gpu/anchors.js';
import type { Head } from '../../../src/heads/head.js';
import { retinanet } from '../../../src/heads/retinanet.js';
import { ssd } from '../../../src/heads/ssd.js';
import { yolov5 } from '../../../src/heads/yolov5.js';
import { yolov8 } from '../../../src/heads/yolov8.js';

/** Every row as the shader puts it together. */
function computed(head: Head): Float32Array {
	const { rows, levels } = gpuAnchors(head);
	const out = new Float32Array(head.numAnchors * 4);
	head.levels.forEach(({ firstAnchor, numAnchors, grid, numShapes, order }, i) => {
		const { first_shape = 0, step_x = 0, step_y = 0 } = levels[i];
		const cells = grid[0] * grid[1];
		for (let a = 0; a < numAnchors; a++) {
			const [shape, cell] = order === 'ayx' ? [Math.floor(a / cells), a % cells] : [a % numShapes, Math.floor(a / numShapes)];
			const [x, y] = [Math.fround((cell % grid[1]) * step_x), Math.fround(Math.floor(cell / grid[1]) * step_y)];
			const add = head.codec.anchors === 'xyxy' ? [x, y, x, y] : [x, y, 0, 0];
			for (let c = 0; c < 4; c++) out[(firstAnchor + a) * 4 + c] = rows[(first_shape + shape) * 4 + c] + add[c];
		}
	});
	return out;
}

test.each([
	['yolov5', yolov5({ numClasses: 2, inputSize: [128, 192], outputs: 'raw' })],
	['retinanet', retinanet({ numClasses: 2, inputSize: [256, 320], outputs: 'levels' })],
])('%s: a row per shape and level, the kernel gives the others', (_, head) => {
	const { source, rows } = gpuAnchors(head);
	expect(source).toBe('lattice');
	expect(rows.length / 4).toBe(head.levels.reduce((sum, level) => sum + level.numShapes, 0));
	expect(computed(head)).toEqual(head.anchors);
});

test('a flat list of several levels is uploaded as it is, as is a level of which one bit differs', () => {
	const flat = ssd({ numClasses: 2 });
	expect(gpuAnchors(flat)).toEqual({ source: 'rows', rows: flat.anchors, levels: [] });
	const head = retinanet({ numClasses: 2, inputSize: [256, 256], outputs: 'levels' });
	const anchors = (head.anchors as Float32Array).slice();
	new Uint32Array(anchors.buffer)[anchors.length - 1] ^= 1;
	expect(gpuAnchors({ ...head, anchors }).source).toBe('rows');
});

test('heads without anchors, and those whose anchors come with the call', () => {
	const head = yolov8({ numClasses: 2 });
	expect(gpuAnchors(head).source).toBe('none');
	const [level] = head.levels;
	expect(gpuAnchors({ ...head, codec: deltas(), levels: [{ ...level, anchors: { tensor: 0, channel: 0 } }] }).source).toBe('call');
});
