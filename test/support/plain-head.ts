// A head without a model: finished xyxy boxes and class scores, as they stand. What a test puts in is what is decided on.

import { boxes } from '../../src/codecs/boxes.js';
import { defineHead } from '../../src/heads/define.js';
import type { Head } from '../../src/heads/head.js';

/** n boxes [n, 4] xyxy and their scores [n, numClasses]. */
export function plainHead(n: number, numClasses: number): Head {
	return defineHead({
		name: 'plain',
		inputSize: [64, 64],
		numClasses,
		numAnchors: n,
		tensors: [
			{ name: 'boxes', layouts: [['anchor', 'channel']], sizes: { anchor: n, channel: 4 } },
			{ name: 'scores', layouts: [['anchor', 'channel']], sizes: { anchor: n, channel: numClasses } },
		],
		levels: [
			{
				firstAnchor: 0,
				numAnchors: n,
				grid: [1, n],
				numShapes: 1,
				order: 'yxa',
				stride: 1,
				box: { tensor: 0, channel: 0 },
				classes: { tensor: 1, channel: 0 },
			},
		],
		score: { activation: 'none' },
		codec: boxes({ format: 'xyxy' }),
	});
}
