// The code of a Markdown page, to be compiled and run: `ts` blocks become files that see the library's own types, and
// what a block says that it prints (`console.log(...); // this`) is compared with what it prints.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** One block of a page. */
export interface Snippet {
	/** The heading above it. */
	readonly title: string;
	readonly code: string;
	readonly file: string;
	/** The lines that it says it prints. */
	readonly prints: readonly string[];
}

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
	frame: 'HTMLVideoElement',
	context: 'CanvasRenderingContext2D',
};

/** The `ts` blocks of a page, with files to be in `.cache/<name>`. */
export function snippetsOf(markdown: string, name: string): Snippet[] {
	const found: Snippet[] = [];
	let title = 'start';
	for (const [, heading, code] of markdown.matchAll(/^##+ (.+)$|^```ts\n([\s\S]*?)^```$/gm)) {
		if (heading) title = heading;
		else {
			const prints = [...code.matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm)].map((m) => m[1]);
			found.push({ title, code, file: path.join(root, '.cache', name, `${found.length}.ts`), prints });
		}
	}
	return found;
}

function withPrelude(code: string): string {
	const missing = Object.keys(READERS).filter(
		(name) => new RegExp(`\\b${name}\\b`).test(code) && !new RegExp(`(const|let) (\\{[^}]*)?\\b${name}\\b|import \\{[^}]*\\b${name}\\b`).test(code),
	);
	return `${missing.map((name) => `declare const ${name}: ${READERS[name]};`).join('\n')}\n${code}\nexport {};\n`;
}

export function writeSnippets(snippets: readonly Pick<Snippet, 'code' | 'file'>[]): void {
	for (const { file, code } of snippets) {
		mkdirSync(path.dirname(file), { recursive: true });
		writeFileSync(file, withPrelude(code));
	}
}

export function removeSnippets(name: string): void {
	rmSync(path.join(root, '.cache', name), { recursive: true, force: true });
}

/** What the compiler has to say about the written files. */
export function compileFaults(snippets: readonly Pick<Snippet, 'title' | 'file'>[]): string[] {
	const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
	const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
	const program = ts.createProgram(
		snippets.map((snippet) => snippet.file),
		{ ...options, noUnusedLocals: false },
	);
	return snippets.flatMap(({ file, title }) => {
		const source = program.getSourceFile(file);
		const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
		return found.map((d) => `${title}: ${ts.flattenDiagnosticMessageText(d.messageText, ' ')}`);
	});
}

/** Runs a written file; what it printed, line by line, each on one line: Node breaks long arrays. */
export async function printedBy(file: string): Promise<string[]> {
	const printed: string[] = [];
	const log = console.log;
	console.log = (...values: unknown[]) => printed.push(values.map((v) => (typeof v === 'string' ? v : inspect(v).replace(/\s+/g, ' '))).join(' '));
	try {
		await import(/* @vite-ignore */ file);
	} finally {
		console.log = log;
	}
	return printed;
}
