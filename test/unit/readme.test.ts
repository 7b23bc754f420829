// The README's code: every block compiles against the library's own types, and a block that shows what it prints is run
// and must print that.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = path.join(root, '.cache/readme');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^### (.+)$|^## (.+)$|^```ts\n([\s\S]*?)^```$/gm)].reduce<{ title: string; code: string }[]>(
	(found, [, small, large, code]) => {
		const title = small ?? large;
		if (title) found.push({ title, code: '' });
		else found.push({ title: found.at(-1)?.title ?? 'start', code });
		return found;
	},
	[],
);
const snippets = blocks.filter((block) => block.code).map((block, i) => ({ ...block, file: path.join(folder, `${i}.ts`) }));

/** What a snippet takes from the reader's own program. */
const READERS: Record<string, string> = {
	labels: 'string[]',
	output: 'Float32Array',
	outputBuffer: 'GPUBuffer',
	device: 'GPUDevice',
	input: 'any',
	model: '(input: any) => { boxes: import("@tensorflow/tfjs-core").Tensor; scores: import("@tensorflow/tfjs-core").Tensor }',
	boxes: 'Float32Array',
	scores: 'Float32Array',
	draw: '(x: number, y: number, width: number, height: number, text: string) => void',
};

function withPrelude(code: string): string {
	const missing = Object.keys(READERS).filter(
		(name) => new RegExp(`\\b${name}\\b`).test(code) && !new RegExp(`(const|let) (\\{[^}]*)?\\b${name}\\b|import \\{[^}]*\\b${name}\\b`).test(code),
	);
	return `${missing.map((name) => `declare const ${name}: ${READERS[name]};`).join('\n')}\n${code}\nexport {};\n`;
}

beforeAll(() => {
	mkdirSync(folder, { recursive: true });
	for (const { file, code } of snippets) writeFileSync(file, withPrelude(code));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('README', () => {
	it('has code to check', () => {
		expect(snippets.length).toBeGreaterThan(6);
	});

	it('compiles', () => {
		const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
		const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
		const program = ts.createProgram(
			snippets.map((snippet) => snippet.file),
			{ ...options, noUnusedLocals: false },
		);
		const faults = snippets.flatMap(({ file, title }) => {
			const source = program.getSourceFile(file);
			const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
			return found.map((d) => `${title}: ${ts.flattenDiagnosticMessageText(d.messageText, ' ')}`);
		});
		expect(faults).toEqual([]);
	});

	const shown = snippets.map((snippet) => ({ ...snippet, prints: [...snippet.code.matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm)].map((m) => m[1]) }));
	it.each(shown.filter(({ prints }) => prints.length))('prints what it says under "$title"', async ({ file, prints }) => {
		const printed: string[] = [];
		const log = console.log;
		console.log = (...values: unknown[]) => printed.push(values.map((v) => (typeof v === 'string' ? v : inspect(v))).join(' '));
		try {
			await import(/* @vite-ignore */ file);
		} finally {
			console.log = log;
		}
		expect(printed).toEqual(prints);
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
		const source = readFileSync(path.join(root, 'src/options.ts'), 'utf8');
		const known = ['CALL_KEYS', 'BACKEND_KEYS', 'FIXED_KEYS'].flatMap((list) => {
			const [, keys] = source.match(new RegExp(`const ${list} = \\[(.*?)\\]`, 's')) ?? [];
			return [...(keys ?? '').matchAll(/'(\w+)'/g)].map((m) => m[1]);
		});
		expect(known.length).toBeGreaterThan(12);
		expect(known.filter((name) => !new RegExp(`^\\| \`${name}\``, 'm').test(readme))).toEqual([]);
	});

	it('links to files that are there', () => {
		for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) expect(() => readFileSync(path.join(root, target))).not.toThrow();
	});
});
