// The README's code: every block compiles against the library's own types, and a block that shows what it prints is run
// and must print that.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFaults, printedBy, removeSnippets, root, snippetsOf, writeSnippets } from '../support/snippets.js';

const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const snippets = snippetsOf(readme, 'readme');

beforeAll(() => writeSnippets(snippets));
afterAll(() => removeSnippets('readme'));

describe('README', () => {
	it('has code to check', () => {
		expect(snippets.length).toBeGreaterThan(6);
	});

	it('compiles', () => expect(compileFaults(snippets)).toEqual([]));

	it.each(snippets.filter(({ prints }) => prints.length))('prints what it says under "$title"', async ({ file, prints }) => {
		expect(await printedBy(file)).toEqual(prints);
	});

	it('names every option of createPostprocessor with its default', async () => {
		const { DEFAULTS } = await import('../../src/options.js');
		for (const [name, value] of [
			['scoreThreshold', DEFAULTS.scoreThreshold],
			['iouThreshold', DEFAULTS.iouThreshold],
			['maxDetections', DEFAULTS.maxDetections],
		] as const) {
			expect(readme).toMatch(new RegExp(`^\\| \`${name}\`[^|]*\\| \`${value}\` \\|`, 'm'));
		}
		expect(readme).toContain(`\`${DEFAULTS.maxCandidatesMultiLabel}\` for multi-label`);
		const source = ['options', 'settings'].map((name) => readFileSync(path.join(root, `src/${name}.ts`), 'utf8')).join('\n');
		const known = ['CALL_KEYS', 'BACKEND_KEYS', 'FIXED_KEYS'].flatMap((list) => {
			const [, keys] = source.match(new RegExp(`const ${list} = \\[(.*?)\\]`, 's')) ?? [];
			return [...(keys ?? '').matchAll(/'(\w+)'/g)].map((m) => m[1]);
		});
		expect(known.length).toBeGreaterThan(12);
		expect(known.filter((name) => !new RegExp(`^\\| \`${name}\``, 'm').test(readme))).toEqual([]);
	});

	it('names every head, and so does a page of docs/', () => {
		const index = readFileSync(path.join(root, 'src/index.ts'), 'utf8');
		const heads = [...index.matchAll(/^export \{ ([^}]*) \} from '\.\/heads\//gm)]
			.flatMap(([, names]) => names.split(', '))
			.filter((name) => !name.startsWith('type ') && name !== 'inferHead');
		expect(heads.length).toBeGreaterThan(30);
		const folder = path.join(root, 'docs');
		const pages = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8'));
		const isNamed = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);
		expect(heads.filter((name) => !isNamed(readme.slice(readme.indexOf('## Models')), name))).toEqual([]);
		expect(heads.filter((name) => !pages.some((text) => isNamed(text, name)))).toEqual([]);
	});

	it('links to files that are there', () => {
		for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) expect(() => readFileSync(path.join(root, target))).not.toThrow();
	});
});
