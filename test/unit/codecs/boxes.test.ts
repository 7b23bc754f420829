// The codec boxes: finished boxes in four formats.

import { assert, describe, test } from 'vitest';
import { boxes } from '../../../src/codecs/boxes.js';

describe('boxes', () => {
	test('the four formats', () => {
		const expected = [10, 20, 50, 100];
		const raw = { xyxy: [10, 20, 50, 100], yxyx: [20, 10, 100, 50], xywh: [10, 20, 40, 80], cxcywh: [30, 60, 40, 80] } as const;
		for (const [format, numbers] of Object.entries(raw)) {
			const codec = boxes({ format: format as keyof typeof raw });
			assert.deepEqual(Array.from(codec.decode(Float32Array.from(numbers))), expected, format);
			assert.deepEqual(Array.from(codec.encode(Float32Array.from(expected))), Array.from(numbers), format);
		}
	});
	test('normalised: scale is width, height', () => {
		const codec = boxes({ format: 'cxcywh', scale: [200, 100] });
		assert.deepEqual(Array.from(codec.decode(Float32Array.of(0.5, 0.5, 0.25, 0.5))), [75, 25, 125, 75]);
		assert.deepEqual(Array.from(codec.encode(Float32Array.of(75, 25, 125, 75))), [0.5, 0.5, 0.25, 0.5]);
	});
	test('normalised yxyx: scale still is width, height', () => {
		assert.deepEqual(Array.from(boxes({ format: 'yxyx', scale: [200, 100] }).decode(Float32Array.of(0.5, 0.25, 1, 0.75))), [50, 50, 150, 100]);
	});
	test('refusals', () => {
		assert.throws(() => boxes({ format: 'ltrb' as never }), /format must be one of xyxy, yxyx, xywh, cxcywh, cxcywhr; got "ltrb"/);
		assert.throws(() => boxes({ scale: [640, 0] }), /scale\[1\] must be a positive number; got 0/);
		assert.throws(() => boxes({ scale: 640 as never }), /scale must be \[x, y\]/);
		assert.throws(() => boxes().decode(new Float32Array(3)), /raw must have a length that is a multiple of 4; got 3/);
	});
});
