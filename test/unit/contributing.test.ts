// The worked example of CONTRIBUTING.md: short, compiles, and decodes what plain loops decode.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Head } from '../../src/heads/head.js';
import { createPostprocessor } from '../../src/postprocessor.js';
import { random } from '../support/random.js';
import { compileFaults, removeSnippets, root, snippetsOf, writeSnippets } from '../support/snippets.js';

const snippets = snippetsOf(readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8'), 'contributing');
const [example] = snippets.filter(({ title }) => title === 'Adding a head');

beforeAll(() => writeSnippets(snippets));
afterAll(() => removeSnippets('contributing'));

it('is under 40 lines and compiles', () => {
	expect(example.code.trim().split('\n').length).toBeLessThan(40);
	expect(compileFaults(snippets)).toEqual([]);
});

it('decodes the best row as loops written from the formula do', async () => {
	const { nanodet } = (await import(/* @vite-ignore */ example.file)) as { nanodet: (options?: object) => Head };
	expect(nanodet().numAnchors).toBe(3598); // 52² + 26² + 13² + 7², as RangiLyu/nanodet prints for 416
	const head = nanodet({ numClasses: 3, inputSize: [64, 96] });
	const next = random(5);
	// the first anchor of the second row of cells at stride 16: 96 + 6 cells before it
	const best = 96 + 6;
	const data = Float32Array.from({ length: head.numAnchors * 35 }, (_, i) => (i % 35 < 3 ? (i === best * 35 + 2 ? 0.9 : 0.1 * next()) : next() * 6 - 3));
	const postprocessor = await createPostprocessor({ head, backend: 'cpu' });
	const { boxes, classIds, indices, count } = await postprocessor.run(data);
	expect([count, indices[0], classIds[0]]).toEqual([1, best, 2]);
	const distance = (side: number) => {
		const e = Array.from({ length: 8 }, (_, bin) => Math.exp(data[best * 35 + 3 + side * 8 + bin]));
		return (e.reduce((sum, x, bin) => sum + x * bin, 0) / e.reduce((a, b) => a + b)) * 16;
	};
	const wanted = [0 - distance(0), 16 - distance(1), 0 + distance(2), 16 + distance(3)];
	for (const [c, x] of wanted.entries()) expect(boxes[c]).toBeCloseTo(x, 4);
	postprocessor.dispose();
});
