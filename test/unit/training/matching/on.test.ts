// Matching on a backend, as far as it needs no GPU: the answer of the CPU, arrays copied at once, faults as rejections.

import { describe, expect, it } from 'vitest';
import { createBackend } from '../../../../src/index.js';
import { matchMaxIou, matchMaxIouOn, matchSsd, matchSsdOn, matchTextbook, matchTextbookOn, type TrainingBackend } from '../../../../src/training.js';
import { scene } from '../../../support/matching.js';

const { anchors, groundTruths } = scene('clustered', 200, 20, 3);

describe.each([
	['matchMaxIouOn', matchMaxIouOn, matchMaxIou],
	['matchSsdOn', matchSsdOn, matchSsd],
	['matchTextbookOn', matchTextbookOn, matchTextbook],
] as const)('%s', (name, on, plain) => {
	it('answers without a backend, and on one without a GPU, what the CPU answers', async () => {
		const backend = await createBackend('cpu');
		expect(await on(undefined, anchors, groundTruths)).toEqual(plain(anchors, groundTruths));
		expect(await on(backend, anchors, groundTruths)).toEqual(plain(anchors, groundTruths));
		backend.dispose();
	});
	it('copies the arrays at once', async () => {
		const [a, g] = [anchors.slice(), groundTruths.slice()];
		const found = on(undefined, a, g);
		a.fill(0);
		g.fill(0);
		expect(await found).toEqual(plain(anchors, groundTruths));
	});
	it('rejects what it cannot read, by its own name', async () => {
		await expect(on(undefined, [1, 2], groundTruths)).rejects.toThrow(`${name}: anchors must have a length that is a multiple of 4; got 2`);
		await expect(on({ kind: 'webgpu' } as unknown as TrainingBackend, anchors, groundTruths)).rejects.toThrow(`${name}: backend must be made by createBackend`);
	});
	it('rejects a backend that was disposed of, as its own operations do, whatever there is to do', async () => {
		const backend = await createBackend('cpu');
		backend.dispose();
		const fault = { code: 'DISPOSED', message: `${name}: the backend was used after dispose()` };
		await expect(on(backend, anchors, groundTruths)).rejects.toMatchObject(fault);
		await expect(on(backend, [], [])).rejects.toMatchObject(fault);
	});
});
