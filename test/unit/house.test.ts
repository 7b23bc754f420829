// Habits of the house that a tool can check: how files begin, how they are called, how they name each other.
// What may import what is in imports.test.ts.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['src', 'shaders', 'demo', 'test'];

const files = FOLDERS.flatMap((folder) => {
	const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
	const own = names.filter((name) => /\.(ts|mjs)$/.test(name) && !/(^|[\\/])(node_modules|\.cache)[\\/]/.test(name));
	return own.map((name) => path.posix.join(folder, name.split(path.sep).join('/')));
});
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

describe('files', () => {
	it('are there to be checked', () => {
		for (const folder of FOLDERS) expect(files.filter((file) => file.startsWith(`${folder}/`)).length).toBeGreaterThan(5);
	});

	it('open with their idea', () => {
		expect(
			files.filter(
				(file) =>
					!read(file)
						.replace(/^#!.*\n/, '')
						.startsWith('// '),
			),
		).toEqual([]);
	});

	it('are called in kebab-case', () => {
		expect(files.filter((file) => !/^[a-z0-9./-]+$/.test(file))).toEqual([]);
	});

	it('import each other by names that end in .js', () => {
		expect(files.filter((file) => /from '\.[^'$]*(?<!\.m?js|\.json)';/.test(read(file)))).toEqual([]);
	});

	it('leave nothing undone without saying where it is tracked', () => {
		expect(files.filter((file) => /\b(TODO|FIXME|XXX)\b(?! ?\(?#\d)/.test(read(file)) && !file.endsWith('house.test.ts'))).toEqual([]);
	});

	it('skip no test', () => {
		expect(files.filter((file) => /\b(it|test|describe)\.(skip|only|todo|fixme)\b/.test(read(file)))).toEqual([]);
	});
});
