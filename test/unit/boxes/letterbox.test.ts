// Letterbox: the reference's rounding worked out by hand, and there and back again.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { letterbox } from '../../../src/boxes/letterbox.js';

describe('ultralytics', () => {
	// scale_boxes: gain = min(h1 / h0, w1 / w0); pad = round((w1 - round(w0 gain)) / 2 - 0.1); the same numbers by hand
	const cases: [string, [number, number], [number, number], number, [number, number]][] = [
		['1080p', [1080, 1920], [640, 640], 1 / 3, [0, 140]],
		['a portrait', [1920, 1080], [640, 640], 1 / 3, [140, 0]],
		['odd padding: 640 - 427 = 213, 106.5 - 0.1 rounds to 106', [427, 640], [640, 640], 1, [0, 106]],
		['bus.jpg 810 x 1080: 480 wide', [1080, 810], [640, 640], 640 / 1080, [80, 0]],
		['height 360.5 rounds to even, 360: pad 140', [721, 1280], [640, 640], 0.5, [0, 140]],
		['same size', [640, 640], [640, 640], 1, [0, 0]],
		['enlarged', [100, 50], [640, 640], 6.4, [160, 0]],
	];
	for (const [name, frame, input, gain, pad] of cases) {
		test(name, () => {
			const box = letterbox(frame, input);
			assert.deepEqual(box.gain, [Math.fround(gain), Math.fround(gain)]);
			assert.deepEqual([...box.pad], pad);
		});
	}
	test('the padding may not follow the unrounded formula', () => {
		// (640 - 640 * 0.8984375 ...) : unrounded it would be 106.5
		assert.equal(letterbox([427, 640], [640, 640], { mode: 'center' }).pad[1], 106.5);
	});
	test('nor lie farther than half a pixel from it, for frames of whole scaled sides', () => {
		// scale_boxes: round((a - b gain) / 2 - 0.1); odd paddings leave the larger half below
		let halves = 0;
		for (let height = 1; height <= 640; height++) {
			const plain = letterbox([height, 640], [640, 640], { mode: 'center' }).pad[1];
			const off = plain - letterbox([height, 640], [640, 640]).pad[1];
			assert.equal(off, (640 - height) % 2 ? 0.5 : 0, `height ${height}`);
			if (off > 0) halves++;
		}
		assert.equal(halves, 320);
	});
	test('without scaleUp small frames keep their size', () => {
		const box = letterbox([100, 50], [640, 640], { scaleUp: false });
		assert.deepEqual([...box.gain], [1, 1]);
		assert.deepEqual([...box.pad], [295, 270]);
		assert.deepEqual([...box.drawnSize], [100, 50]);
	});
});

describe('other modes', () => {
	test("'top-left' pads right and below only", () => {
		const box = letterbox([1080, 1920], [640, 640], { mode: 'top-left' });
		assert.deepEqual([...box.pad], [0, 0]);
		assert.deepEqual([...box.drawnSize], [360, 640]);
	});
	test("'stretch' has a gain per side", () => {
		const box = letterbox([100, 400], [200, 200], { mode: 'stretch' });
		assert.deepEqual([...box.gain], [0.5, 2]);
		assert.deepEqual(Array.from(box.toInput(Float32Array.of(40, 10, 80, 20))), [20, 20, 40, 40]);
	});
});

describe('mapping', () => {
	test('known numbers there and back', () => {
		const box = letterbox([1080, 1920], [640, 640]);
		const back = box.toFrame(Float32Array.of(0, 140, 640, 500));
		[0, 0, 1920, 1080].forEach((v, i) => {
			assert.approximately(back[i], v, 1e-3);
		});
		const there = box.toInput(Float32Array.of(960, 540, 1920, 1080));
		[320, 320, 640, 500].forEach((v, i) => {
			assert.approximately(there[i], v, 1e-3);
		});
	});
	test('toFrame clips to the frame and leaves its input alone', () => {
		const boxes = Float32Array.of(-10, 0, 700, 640);
		const back = letterbox([1080, 1920], [640, 640]).toFrame(boxes);
		assert.deepEqual(Array.from(back), [0, 0, 1920, 1080]);
		assert.deepEqual(Array.from(boxes), [-10, 0, 700, 640]);
	});
	test('toFrame(toInput(box)) is the box', () => {
		const side = fc.integer({ min: 16, max: 4000 });
		fc.assert(
			fc.property(side, side, fc.constantFrom('ultralytics', 'center', 'top-left', 'stretch'), fc.constantFrom(320, 640, 1280), (height, width, mode, size) => {
				const map = letterbox([height, width], [size, size], { mode: mode as 'center' });
				const box = Float32Array.of(width * 0.1, height * 0.2, width * 0.7, height * 0.9);
				const back = map.toFrame(map.toInput(box));
				back.forEach((v, i) => {
					assert.approximately(v, box[i], 1e-5 * Math.max(width, height) + (1e-4 * Math.max(width, height)) / size);
				});
			}),
		);
	});
	test('the drawn frame lies inside the input', () => {
		const side = fc.integer({ min: 1, max: 5000 });
		fc.assert(
			fc.property(side, side, fc.boolean(), (height, width, scaleUp) => {
				const { pad, drawnSize } = letterbox([height, width], [384, 640], { scaleUp });
				assert.isTrue(pad[0] >= 0 && pad[1] >= 0 && pad[0] + drawnSize[1] <= 640 && pad[1] + drawnSize[0] <= 384, `pad ${pad}, drawn ${drawnSize}`);
			}),
		);
	});
});

test('refusals', () => {
	assert.throws(() => letterbox([0, 640], [640, 640]), /letterbox: frameSize\[0\] \(height\) must be a positive number; got 0/);
	assert.throws(() => letterbox([480, 640], [640] as never), /inputSize must be \[height, width\]/);
	assert.throws(() => letterbox([480, 640], [640, 640], { mode: 'centre' as never }), /did you mean 'center'/);
	assert.throws(() => letterbox([480, 640], [640, 640], { scaleup: true } as never), /did you mean scaleUp/);
	assert.throws(() => letterbox([480, 640], [640, 640]).toFrame(new Float32Array(3)), /toFrame: boxes must have a length that is a multiple of 4/);
});
