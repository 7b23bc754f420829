// The pages of docs/: every `ts` block compiles and prints what it says, every golden table (test/support/golden-tables.ts)
// says what the library computes, every link leads to a file or heading that is there.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goldenFaults, goldenTables } from '../support/golden-tables.js';
import { compileFaults, printedBy, removeSnippets, root, snippetsOf, writeSnippets } from '../support/snippets.js';

const folder = path.join(root, 'docs');
const pages = readdirSync(folder)
	.filter((name) => name.endsWith('.md'))
	.map((name) => {
		const text = readFileSync(path.join(folder, name), 'utf8');
		const cache = `docs/${name.slice(0, -3)}`;
		const tables = goldenTables(text).map((table, i) => ({ ...table, file: path.join(root, '.cache', cache, `table-${i}.ts`) }));
		return { name, text, cache, snippets: snippetsOf(text, cache), tables };
	});

/** A heading as GitHub names it in links. */
function anchorOf(heading: string): string {
	return heading
		.toLowerCase()
		.replace(/[^\p{L}\p{N} _-]/gu, '')
		.replaceAll(' ', '-');
}

describe.each(pages)('docs/$name', ({ name, text, cache, snippets, tables }) => {
	beforeAll(() => writeSnippets([...snippets, ...tables]));
	afterAll(() => removeSnippets(cache));

	it('opens with its title', () => expect(text).toMatch(/^# \S.*\n\n\S/));

	it('has code that compiles', () => {
		expect(snippets.length).toBeGreaterThan(0);
		expect(compileFaults([...snippets, ...tables])).toEqual([]);
	});

	it.each(snippets.filter(({ prints }) => prints.length))('prints what it says under "$title"', async ({ file, prints }) => {
		expect(await printedBy(file)).toEqual(prints);
	});

	it.each(tables)('says what is so in the table under "$title"', async ({ file, rows }) => {
		const { default: values } = await import(/* @vite-ignore */ file);
		expect(goldenFaults(rows, values)).toEqual([]);
	});

	it('links to what is there', () => {
		for (const [, target, heading] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
			const file = target ? path.join(folder, target) : path.join(folder, name);
			expect(existsSync(file), target).toBe(true);
			const headings = heading ? [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map((m) => anchorOf(m[1])) : [];
			if (heading) expect(headings).toContain(heading);
		}
	});
});

describe('golden tables', () => {
	const page = '## Two\n\n<!-- golden\nexport default {};\n-->\n\n| name | a | b |\n|---|---|---|\n| `x` | 1.50, -2 | **word** |\n\nText.\n';
	const [{ title, code, rows }] = goldenTables(page);

	it('are read with their heading, code and rows', () => {
		expect([title, code, [...rows]]).toEqual(['Two', 'export default {};\n', [['x', ['1.50, -2', 'word']]]]);
	});
	it('take numbers to their printed digits, texts as they are, and null for anything', () => {
		expect(goldenFaults(rows, { x: [[1.5, -2], 'word'] })).toEqual([]);
		expect(goldenFaults(rows, { x: [[1.504, -2.4], null] })).toEqual([]);
	});
	it('name what is wrong', () => {
		expect(goldenFaults(rows, { x: [[1.51, -2], 'word'] })).toEqual(['x, cell 1: says 1.50, -2, is 1.51,-2']);
		expect(goldenFaults(rows, { x: [1.5, 'wort'] })).toHaveLength(2);
		expect(goldenFaults(rows, { x: [null] })).toEqual(['x: 2 cells, 1 values']);
		expect(goldenFaults(rows, { y: [] })).toEqual(['no row y', 'no values for row x']);
	});
	it('refuse a comment without a table, and rows of one name', () => {
		expect(() => goldenTables('<!-- golden\n-->\n\nText.\n')).toThrow(/no table/);
		expect(() => goldenTables('<!-- golden\n-->\n\n| n |\n|---|\n| x |\n| x |\n')).toThrow(/two rows named x/);
	});
});
