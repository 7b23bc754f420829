// The packed tarball: what is in it, what tools for packages say, what a bundler keeps of it.

import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Consumer, filesBelow, makeConsumer, readText, repository } from './pack.js';

let consumer: Consumer;
beforeAll(() => {
	consumer = makeConsumer();
});
afterAll(() => consumer?.dispose());

const bin = (name: string) => path.join(repository, 'node_modules/.bin', name);
const scripts = () => filesBelow(path.join(consumer.library, 'dist')).filter((name) => name.endsWith('.js'));

/** Bundles one line of code that imports kedge, minified, as an application would; the chunks by their file names. */
async function bundle(code: string): Promise<{ name: string; code: string; isEntry: boolean }[]> {
	consumer.write('entry.js', code);
	const result = (await build({
		root: consumer.folder,
		configFile: false,
		logLevel: 'error',
		build: { write: false, minify: true, target: 'es2022', lib: { entry: 'entry.js', formats: ['es'], fileName: () => 'entry.js' } },
	})) as Rolldown.RolldownOutput[];
	return result[0].output.filter((file) => file.type === 'chunk').map(({ fileName, code, isEntry }) => ({ name: fileName, code, isEntry }));
}

describe('the tarball', () => {
	it('holds the built library, its papers, and nothing else', () => {
		const files = filesBelow(consumer.library);
		const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'THIRD_PARTY_NOTICES.md', 'package.json'];
		expect(files.filter((name) => !name.startsWith('dist/'))).toEqual(papers);
		expect(files.filter((name) => name.startsWith('dist/') && !/\.(js|js\.map|d\.ts)$/.test(name))).toEqual([]);
	});

	it('has every file that exports names', () => {
		const { exports } = JSON.parse(readText(consumer.library, 'package.json')) as { exports: Record<string, string | Record<string, string>> };
		const named = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
		const files = filesBelow(consumer.library).map((name) => `./${name}`);
		expect(named.filter((name) => !files.includes(name))).toEqual([]);
		expect(Object.keys(exports)).toEqual(expect.arrayContaining(['.', './onnxruntime', './tfjs', './package.json']));
	});

	it('needs no other package', () => {
		const { dependencies, peerDependencies, scripts: hooks } = JSON.parse(readText(consumer.library, 'package.json'));
		expect([dependencies, peerDependencies, hooks.install, hooks.postinstall, hooks.preinstall]).toEqual(Array(5).fill(undefined));
		for (const name of scripts()) {
			const imports = [...readText(consumer.library, 'dist', name).matchAll(/(?:from|import\(|import)\s*["']([^"']+)["']/g)].map((m) => m[1]);
			expect(imports.filter((specifier) => !specifier.startsWith('.'))).toEqual([]);
		}
	});

	it('has no eval, no Function from text, no request, no element made of text', () => {
		const banned = /\beval\s*\(|\bnew Function\b|\bfetch\s*\(|XMLHttpRequest|\bWebSocket\b|importScripts|innerHTML|setTimeout\(\s*["'`]/;
		expect(scripts().length).toBeGreaterThan(2);
		for (const name of scripts()) expect(readText(consumer.library, 'dist', name), name).not.toMatch(banned);
	});

	it('carries the notice of what is bundled', () => {
		expect(readText(consumer.library, 'THIRD_PARTY_NOTICES.md')).toContain('Copyright (c) 2022 Brandon Jones');
	});

	it('is "All good" to publint', async () => {
		const { messages, pkg } = await publint({ pkgDir: consumer.library, strict: true });
		expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
	});

	it('is clean to arethetypeswrong', () => {
		expect(consumer.run(bin('attw'), ['--profile', 'esm-only', '--no-color', '--no-emoji', consumer.tarball])).toContain('No problems found');
	});
});

describe('the types', () => {
	const declarations = () => filesBelow(path.join(consumer.library, 'dist/types')).map((name) => [name, readText(consumer.library, 'dist/types', name)]);

	it('serve older compilers: no reference to @webgpu/types or node, no generic typed arrays', () => {
		expect(declarations().length).toBeGreaterThan(3);
		for (const [name, text] of declarations())
			expect(text, name).not.toMatch(/\/\/\/ <reference|(?:Float32|Uint32|Int32|Uint16|Uint8)Array<|from 'node:|GPUBufferUsageFlags/);
	});

	it('compile in a strict consumer without skipLibCheck', () => {
		consumer.write(
			'types.ts',
			`import { createPostprocessor, letterbox, nms, yolov8, type Detections } from 'kedge';
export const kept: Uint32Array = nms(new Float32Array(4), new Float32Array(1), { iouThreshold: 0.5 });
export async function detect(output: Float32Array): Promise<Detections> {
	const postprocessor = await createPostprocessor({ head: yolov8({ numClasses: 80 }), backend: 'auto' });
	const detections = await postprocessor.run(output, { transform: letterbox([1080, 1920], [640, 640]) });
	for (const { box, score, label } of detections) console.log(box.xmin + score, label);
	return detections as Detections;
}
// @ts-expect-error an unknown option is a type error too
void createPostprocessor({ head: yolov8({ numClasses: 80 }), iouTreshold: 0.5 });
`,
		);
		for (const resolution of ['nodenext', 'bundler']) {
			const module = resolution === 'bundler' ? 'esnext' : resolution;
			const options = ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2022,esnext.disposable,dom,dom.iterable', '--types', ''];
			consumer.run(bin('tsc'), [...options, '--module', module, '--moduleResolution', resolution, 'types.ts']);
		}
	});
});

describe('what a bundler keeps', () => {
	const WGSL = /@compute|@workgroup_size|var<storage/;

	it('of `nms` alone: one small chunk without a shader, a head or a backend', async () => {
		const chunks = await bundle(`export { nms } from 'kedge';`);
		expect(chunks.length).toBe(1);
		expect(chunks[0].code).not.toMatch(WGSL);
		expect(chunks[0].code).not.toMatch(/retinanet|yolov|requestAdapter|mapAsync/);
		expect(gzipSync(chunks[0].code).length).toBeLessThan(6 * 1024);
	});

	it('of the whole inference entry: at most 15 kB min+gzip before the first shader is asked for', async () => {
		const chunks = await bundle(`export * from 'kedge';`);
		const first = chunks.find((chunk) => chunk.isEntry);
		expect(first?.code).not.toMatch(WGSL);
		expect(gzipSync(first?.code ?? '').length).toBeLessThanOrEqual(15_000);
		expect(chunks.some((chunk) => WGSL.test(chunk.code))).toBe(true);
	});

	it('of one head: not the others', async () => {
		const names = ['yolov8', 'yolov5', 'ssd', 'retinanet'];
		for (const name of names) {
			const chunks = await bundle(`export { createPostprocessor, ${name} } from 'kedge';`);
			const text = chunks.map((chunk) => chunk.code).join('\n');
			// A head writes its name into the record it makes and into its errors.
			const found = names.filter((other) => new RegExp(`name: ?["'\`]${other}["'\`]`).test(text));
			expect(found).toEqual([name]);
		}
	});
});
