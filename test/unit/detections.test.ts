// What a user gets, from numbers worked out by hand.

import { describe, expect, it } from 'vitest';
import { letterbox } from '../../src/boxes/letterbox.js';
import { finishDetections, type View } from '../../src/detections.js';
import { keyOf } from '../../src/numbers.js';
import type { Kept } from '../../src/pipeline.js';

/** Two detections in a 640 x 640 network input. */
function kept(scores: number[], changes: Partial<Kept> = {}): Kept {
	return {
		count: 2,
		boxes: Float32Array.of(100, 240, 300, 400, -20, 100, 660, 600),
		keys: Uint32Array.from(scores, keyOf),
		classIds: Uint32Array.of(2, 0),
		indices: Uint32Array.of(8399, 17),
		numCandidates: 41,
		truncated: 3,
		rejected: 1,
		bytesRead: 112,
		...changes,
	};
}

const NO_EXTRAS = { angle: 0, keypoints: 0, masks: 0, total: 0 };
const view: View = { backend: 'cpu', scoreMap: 'itself', extras: NO_EXTRAS, inputSize: [640, 640], coordinates: 'pixels' };
// A 1080 x 1920 frame in 640 x 640: gain 1/3, 140 rows of padding above. x -> 3x, y -> 3(y - 140).
const transform = letterbox([1080, 1920], [640, 640]);

describe('boxes', () => {
	it('without a transform are pixels of the network input, not clipped', () => {
		expect([...finishDetections(kept([0.9, 0.8]), view).boxes]).toEqual([100, 240, 300, 400, -20, 100, 660, 600]);
	});

	it('with a transform are pixels of the frame, clipped to it', () => {
		const { boxes } = finishDetections(kept([0.9, 0.8]), { ...view, transform });
		const expected = [300, 300, 900, 780, 0, 0, 1920, 1080];
		for (let k = 0; k < 8; k++) expect(Math.abs(boxes[k] - expected[k])).toBeLessThan(2e-4);
		expect([boxes[4], boxes[5], boxes[6], boxes[7]]).toEqual([0, 0, 1920, 1080]);
	});

	it('with an angle are not clipped: clipping would move the centre they are turned about', () => {
		const turned = { ...view, extras: { angle: 1, keypoints: 0, masks: 0, total: 1 }, transform };
		const { boxes } = finishDetections(kept([0.9, 0.8], { extras: Float32Array.of(0.5, 0) }), turned);
		const expected = [300, 300, 900, 780, -60, -120, 1980, 1380];
		for (let k = 0; k < 8; k++) expect(Math.abs(boxes[k] - expected[k])).toBeLessThan(5e-4);
	});

	it('are clipped too when the transform was made by hand', () => {
		const double = {
			frameSize: [500, 600] as const,
			gain: [0.5, 0.5] as const,
			pad: [0, 0] as const,
			toFrame: (boxes: Float32Array) => boxes.map((x) => 2 * x),
		};
		expect([...finishDetections(kept([0.9, 0.8]), { ...view, transform: double }).boxes]).toEqual([200, 480, 600, 500, 0, 200, 600, 500]);
	});

	it('normalized are fractions of the frame, or of the network input', () => {
		const ofInput = finishDetections(kept([0.9, 0.8]), { ...view, inputSize: [320, 640], coordinates: 'normalized' }).boxes;
		expect([...ofInput.subarray(0, 4)]).toEqual([0.15625, 0.75, 0.46875, 1.25]);
		const ofFrame = finishDetections(kept([0.9, 0.8]), { ...view, transform, coordinates: 'normalized' }).boxes;
		expect(ofFrame[0]).toBeCloseTo(300 / 1920, 6);
		expect(ofFrame[1]).toBeCloseTo(300 / 1080, 6);
		expect([...ofFrame.subarray(4)]).toEqual([0, 0, 1, 1]);
	});

	it('leave what they came from alone', () => {
		const from = kept([0.9, 0.8]);
		const before = from.boxes.slice();
		finishDetections(from, { ...view, transform, coordinates: 'normalized' });
		expect(from.boxes).toEqual(before);
	});
});

describe('scores', () => {
	it('are the float32 of the key', () => {
		expect([...finishDetections(kept([0.9, -2.5]), view).scores]).toEqual([Math.fround(0.9), -2.5]);
	});

	it('of products are their root, 0 where a product is below 0', () => {
		expect([...finishDetections(kept([0.25, -2]), { ...view, scoreMap: 'sqrt' }).scores]).toEqual([0.5, 0]);
	});

	it('of logits are their sigmoid in double precision, rounded once', () => {
		// sigmoid(0) = 1/2, sigmoid(1) = 0.7310585786300049, sigmoid(-100) = 3.7200759760208356e-44 (a denormal float32)
		expect([...finishDetections(kept([1, 0]), { ...view, scoreMap: 'sigmoid' }).scores]).toEqual([Math.fround(0.7310585786300049), 0.5]);
		expect(finishDetections(kept([20, -100]), { ...view, scoreMap: 'sigmoid' }).scores[1]).toBe(Math.fround(3.7200759760208356e-44));
		expect([...finishDetections(kept([Infinity, -Infinity]), { ...view, scoreMap: 'sigmoid' }).scores]).toEqual([1, 0]);
	});
});

describe('objects', () => {
	const labels = ['person', '', '<img src=x onerror=alert(1)>'];

	it('are the shape that transformers.js users know', () => {
		expect(finishDetections(kept([0.5, 0.25]), { ...view, labels }).toObjects()).toEqual([
			{ score: 0.5, label: '<img src=x onerror=alert(1)>', classId: 2, index: 8399, box: { xmin: 100, ymin: 240, xmax: 300, ymax: 400 } },
			{ score: 0.25, label: 'person', classId: 0, index: 17, box: { xmin: -20, ymin: 100, xmax: 660, ymax: 600 } },
		]);
	});

	it('are what iterating gives, as often as one likes', () => {
		const detections = finishDetections(kept([0.5, 0.25]), { ...view, labels });
		expect([...detections]).toEqual(detections.toObjects());
		expect([...detections]).toEqual(detections.toObjects());
	});

	it('show the id of a class without a label, and take other labels', () => {
		const detections = finishDetections(kept([0.5, 0.25]), { ...view, labels: ['a'] });
		expect(detections.toObjects().map((d) => d.label)).toEqual(['2', 'a']);
		expect(detections.toObjects(['x', 'y', 'z']).map((d) => d.label)).toEqual(['z', 'x']);
		expect(
			finishDetections(kept([0.5, 0.25]), view)
				.toObjects()
				.map((d) => d.label),
		).toEqual(['2', '0']);
	});
});

describe('the rest', () => {
	it('is handed on', () => {
		const detections = finishDetections(kept([0.5, 0.25]), view);
		expect(detections).toMatchObject({ count: 2, numCandidates: 41, truncated: 3, rejected: 1, backend: 'cpu', bytesRead: 112 });
		expect(detections.classIds).toEqual(Uint32Array.of(2, 0));
		expect(detections.indices).toEqual(Uint32Array.of(8399, 17));
		expect('timings' in detections).toBe(false);
		expect(finishDetections(kept([0.5, 0.25], { timings: { decode: 1.5 } }), view).timings).toEqual({ decode: 1.5 });
	});

	it('works for nothing', () => {
		const none = new Uint32Array(0);
		const empty = kept([], { count: 0, boxes: new Float32Array(0), classIds: none, indices: none });
		const detections = finishDetections(empty, { ...view, transform, coordinates: 'normalized' });
		expect([...detections]).toEqual([]);
		expect(detections.boxes).toEqual(new Float32Array(0));
		expect(detections.scores).toEqual(new Float32Array(0));
	});

	it('survives a worker: fields are cloned, methods are not needed for them', () => {
		const clone = structuredClone(finishDetections(kept([0.5, 0.25]), view));
		expect(clone.boxes).toEqual(kept([]).boxes);
		expect(clone.scores).toEqual(Float32Array.of(0.5, 0.25));
	});
});
