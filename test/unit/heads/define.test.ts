// defineHead names the field that is wrong. Each case spoils one field of a description that is right.

import { assert, describe, test } from 'vitest';
import { cell } from '../../../src/codecs/cell.js';
import { deltas } from '../../../src/codecs/deltas.js';
import { defineHead } from '../../../src/heads/define.js';
import type { Head } from '../../../src/heads/head.js';

/** Two maps of 2 x 3 and 1 x 2 cells with two anchors each, 3 classes and objectness. */
function good() {
	const level = (firstAnchor: number, tensor: number, grid: [number, number], stride: number) => ({
		firstAnchor,
		numAnchors: grid[0] * grid[1] * 2,
		grid,
		numShapes: 2,
		order: 'ayx' as const,
		stride,
		box: { tensor, channel: 0 },
		objectness: { tensor, channel: 4 },
		classes: { tensor, channel: 5 },
	});
	const tensor = (name: string, y: number, x: number) => ({
		name,
		layouts: [['shape', 'y', 'x', 'channel'] as const, ['shape-channel', 'y', 'x'] as const],
		sizes: { shape: 2, y, x, channel: 8 },
	});
	return {
		name: 'toy',
		inputSize: [16, 24] as [number, number],
		numClasses: 3,
		numAnchors: 16,
		tensors: [tensor('fine', 2, 3), tensor('coarse', 1, 2)],
		levels: [level(0, 0, [2, 3], 8), level(12, 1, [1, 2], 16)],
		score: { activation: 'sigmoid', objectness: { activation: 'sigmoid' } },
		codec: cell(),
		anchors: new Float32Array(64).fill(4),
	};
}
type Good = ReturnType<typeof good>;

test('a right description comes back, as a copy', () => {
	const spec = good();
	const head = defineHead(spec as unknown as Head);
	assert.equal(head.numAnchors, 16);
	spec.levels[0].stride = 99;
	(spec.anchors as Float32Array)[0] = 99;
	assert.equal(head.levels[0].stride, 8);
	assert.equal((head.anchors as Float32Array)[0], 4);
});

describe('what is wrong is named', () => {
	const cases: [string, (spec: Good) => unknown, RegExp][] = [
		['name', (s) => ({ ...s, name: '' }), /TypeError: defineHead: name must be a non-empty string/],
		['an unknown field', (s) => ({ ...s, anchorz: 1 }), /did you mean anchors/],
		['inputSize', (s) => ({ ...s, inputSize: [16.5, 24] }), /inputSize\[0\] must be a whole number of pixels; got 16.5/],
		['numClasses', (s) => ({ ...s, numClasses: -1 }), /numClasses/],
		['numAnchors', (s) => ({ ...s, numAnchors: 17 }), /levels must hold 17 anchors together; got 16/],
		['tensors', (s) => ({ ...s, tensors: [] }), /tensors must be a list with at least one tensor/],
		[
			'an axis nobody knows',
			(s) => ({ ...s, tensors: [{ ...s.tensors[0], layouts: [['shapes', 'y', 'x', 'channel']] }, s.tensors[1]] }),
			/tensors\[0\].layouts\[0\]\[0\] must be .*did you mean 'shape'/,
		],
		['x before y', (s) => ({ ...s, tensors: [{ ...s.tensors[0], layouts: [['shape', 'x', 'y', 'channel']] }, s.tensors[1]] }), /must have 'x' right after 'y'/],
		[
			'an axis twice',
			(s) => ({ ...s, tensors: [{ ...s.tensors[0], layouts: [['y', 'x', 'channel', 'channel']] }, s.tensors[1]] }),
			/must not name an axis twice/,
		],
		['an axis without a length', (s) => ({ ...s, tensors: [{ ...s.tensors[0], layouts: [['cell', 'shape-channel']] }, s.tensors[1]] }), /cell has none/],
		[
			'no channels',
			(s) => ({ ...s, tensors: [{ ...s.tensors[0], layouts: [['shape', 'y', 'x']] }, s.tensors[1]] }),
			/must have one of 'channel' and 'shape-channel'/,
		],
		['a flat blob of many cells', (s) => ({ ...s, tensors: [{ ...s.tensors[0], layouts: [['shape-channel']] }, s.tensors[1]] }), /axis cell/],
		['no cells', (s) => ({ ...s, tensors: [{ ...s.tensors[0], layouts: [['shape', 'channel']] }, s.tensors[1]] }), /must have 'anchor', 'cell' or 'y', 'x'/],
		[
			'a map of another size',
			(s) => ({ ...s, tensors: [{ ...s.tensors[0], sizes: { ...s.tensors[0].sizes, x: 4 } }, s.tensors[1]] }),
			/levels\[0\].box must read a tensor of 2 x 3 cells and 2 anchors in each/,
		],
		['shapes missing', (s) => ({ ...s, tensors: [{ name: 'fine', layouts: [['y', 'x', 'channel']], sizes: s.tensors[0].sizes }, s.tensors[1]] }), /axis shape/],
		[
			'a gap between levels',
			(s) => ({ ...s, levels: [s.levels[0], { ...s.levels[1], firstAnchor: 13 }] }),
			/levels\[1\].firstAnchor must be 12, where the level before ends; got 13/,
		],
		[
			'a wrong count',
			(s) => ({ ...s, levels: [{ ...s.levels[0], numAnchors: 6 }, s.levels[1]] }),
			/levels\[0\].numAnchors must be grid times numShapes, 12; got 6/,
		],
		['order', (s) => ({ ...s, levels: [{ ...s.levels[0], order: 'axy' }, s.levels[1]] }), /levels\[0\].order/],
		['stride', (s) => ({ ...s, levels: [{ ...s.levels[0], stride: 0 }, s.levels[1]] }), /levels\[0\].stride must be a positive number of pixels; got 0/],
		[
			'a tensor that is not there',
			(s) => ({ ...s, levels: [{ ...s.levels[0], box: { tensor: 2, channel: 0 } }, s.levels[1]] }),
			/levels\[0\].box.tensor must be an integer from 0 to 1; got 2/,
		],
		[
			'box channels beyond the tensor',
			(s) => ({ ...s, levels: [{ ...s.levels[0], box: { tensor: 0, channel: 5 } }, s.levels[1]] }),
			/levels\[0\].box.channel must be an integer from 0 to 4; got 5/,
		],
		['class channels beyond the tensor', (s) => ({ ...s, numClasses: 4 }), /levels\[0\].classes.channel must be an integer from 0 to 4; got 5/],
		['objectness missing', (s) => ({ ...s, levels: [{ ...s.levels[0], objectness: undefined }, s.levels[1]] }), /levels\[0\].objectness/],
		['objectness unasked', (s) => ({ ...s, score: { activation: 'sigmoid' } }), /levels\[0\].objectness must be absent, because score.objectness is not given/],
		['activation', (s) => ({ ...s, score: { activation: 'relu' } }), /score.activation must be/],
		['softmax without background', (s) => ({ ...s, score: { activation: 'softmax' } }), /score.background must be/],
		['background without softmax', (s) => ({ ...s, score: { activation: 'none', background: 'first' } }), /score.background must be absent/],
		['codec', (s) => ({ ...s, codec: 'cell' }), /codec must be made by a codec function \(boxes, deltas, cell, distances, \.\.\.\); got "cell"/],
		['too few anchors', (s) => ({ ...s, anchors: new Float32Array(60).fill(4) }), /anchors must have 16 rows of 4; got 15/],
		['anchors missing', (s) => ({ ...s, anchors: undefined }), /anchors must be a Float32Array.*got undefined/],
		['an anchor without size', (s) => ({ ...s, codec: deltas() }), /anchors\[0\] must be finite and of positive size; got \[4, 4, 4, 4\]/],
		['multiLabel', (s) => ({ ...s, multiLabel: 1 }), /multiLabel must be true or false/],
	];
	for (const [name, spoil, text] of cases) {
		test(name, () => {
			let error: unknown;
			try {
				defineHead(spoil(good()) as Head);
			} catch (e) {
				error = e;
			}
			assert.match(String(error), text);
		});
	}
});

test('the prototype of Object stays as it was', () => {
	const spec = JSON.parse('{"__proto__": {"polluted": true}, "name": "x"}');
	assert.throws(() => defineHead(spec));
	assert.isUndefined(({} as { polluted?: boolean }).polluted);
});
