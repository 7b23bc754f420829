// The packed tarball: what is in it, what tools for packages say, what a bundler keeps of it.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Consumer, filesBelow, makeConsumer, readText, repository } from './pack.js';

/** Bytes, minified and gzipped, of `nms` alone, the presets of semantics with it. */
const NMS_BUDGET = 10_000;
/** Bytes, minified and gzipped, of a postprocessor with one head; CPU path and shaders are fetched later. The aim is 15 kB. */
const ENTRY_BUDGET = 17_000;

let consumer: Consumer;
beforeAll(() => {
	consumer = makeConsumer();
});
afterAll(() => consumer?.dispose());

const bin = (name: string) => path.join(repository, 'node_modules/.bin', name);
const COMMAND = 'command/kedge.js';
/** The library's scripts; the command is one of its own. */
const scripts = () => filesBelow(path.join(consumer.library, 'dist')).filter((name) => name.endsWith('.js') && name !== COMMAND);

interface Bundle {
	/** All code, and the part that is fetched before any dynamic import. */
	all: string;
	first: string;
	numChunks: number;
}

/** Bundles one line of code that imports kedge, minified, as an application would. */
async function bundle(code: string): Promise<Bundle> {
	const input = consumer.write('entry.js', code);
	const { output } = (await build({
		root: consumer.folder,
		configFile: false,
		logLevel: 'error',
		build: { write: false, minify: true, target: 'es2022', modulePreload: false, rolldownOptions: { input, preserveEntrySignatures: 'strict' } },
	})) as Rolldown.RolldownOutput;
	const chunks = output.filter((file) => file.type === 'chunk');
	const first = new Set(chunks.filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName));
	for (const name of first) for (const next of chunks.find((chunk) => chunk.fileName === name)?.imports ?? []) first.add(next);
	const text = (some: typeof chunks) => some.map((chunk) => chunk.code).join('\n');
	return { all: text(chunks), first: text(chunks.filter((chunk) => first.has(chunk.fileName))), numChunks: chunks.length };
}

describe('the tarball', () => {
	it('holds the built library, its papers, and nothing else', () => {
		const files = filesBelow(consumer.library);
		const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'THIRD_PARTY_NOTICES.md', 'package.json'];
		expect(files.filter((name) => !name.startsWith('dist/'))).toEqual(papers);
		expect(files.filter((name) => name.startsWith('dist/') && !/\.(js|js\.map|d\.ts)$/.test(name))).toEqual([]);
	});

	it('has the command, which Node can start', () => {
		const { bin } = JSON.parse(readText(consumer.library, 'package.json'));
		expect(bin).toEqual({ kedge: `dist/${COMMAND}` });
		expect(readText(consumer.library, 'dist', COMMAND)).toMatch(/^#!\/usr\/bin\/env node\n/);
		expect(filesBelow(path.join(consumer.library, 'dist/command'))).toEqual(['kedge.js']);
	});

	it('has every file that exports names', () => {
		const { exports } = JSON.parse(readText(consumer.library, 'package.json')) as { exports: Record<string, string | Record<string, string>> };
		const named = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
		const files = filesBelow(consumer.library).map((name) => `./${name}`);
		expect(named.filter((name) => !files.includes(name))).toEqual([]);
		expect(Object.keys(exports)).toEqual(expect.arrayContaining(['.', './training', './onnxruntime', './tfjs', './package.json']));
	});

	it('needs no other package', () => {
		const { dependencies, peerDependencies, scripts: hooks } = JSON.parse(readText(consumer.library, 'package.json'));
		expect([dependencies, peerDependencies, hooks.install, hooks.postinstall, hooks.preinstall]).toEqual(Array(5).fill(undefined));
		for (const name of scripts()) {
			const imports = [
				...readText(consumer.library, 'dist', name).matchAll(/^(?:import|export)\b[^"'\n]*["']([^"'\n]+)["'];$|\bimport\(["']([^"'\n]+)["']\)/gm),
			].map((m) => m[1] ?? m[2]);
			expect(imports.filter((specifier) => !specifier.startsWith('.'))).toEqual([]);
		}
	});

	it('has no eval, no Function from text, no request, no element made of text', () => {
		const banned = /\beval\s*\(|\bnew Function\b|\bfetch\s*\(|XMLHttpRequest|\bWebSocket\b|importScripts|innerHTML|setTimeout\(\s*["'`]/;
		expect(scripts().length).toBeGreaterThan(2);
		for (const name of scripts()) expect(readText(consumer.library, 'dist', name), name).not.toMatch(banned);
		// echarts can draw into a page, too, and commander can start programs; the command does neither
		const network = /\beval\s*\(|\bnew Function\b|\bglobalThis\.fetch\b|XMLHttpRequest|\bWebSocket\b|importScripts|node:(https?|net|tls|dgram)\b/;
		expect(network.exec(readText(consumer.library, 'dist', COMMAND))?.[0]).toBe(undefined);
	});

	it('carries the notice of everything that is bundled, in the version that is', async () => {
		const packageOf = (file: string) => /.*(?:node_modules|^vendor)\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [];
		const vendored = new Set(scripts().flatMap(packageOf));
		expect([...vendored].sort()).toEqual(['@streamparser/json', 'image-dimensions', 'saxes', 'wgsl-preprocessor', 'xmlchars']);
		const command = (await build({ root: repository, mode: 'command', logLevel: 'error', build: { write: false } })) as Rolldown.RolldownOutput;
		const inCommand = new Set(command.output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds.flatMap(packageOf) : [])));
		expect([...inCommand].filter((name) => !vendored.has(name)).sort()).toEqual(['commander', 'echarts', 'tslib', 'zrender']);
		const notices = readText(consumer.library, 'THIRD_PARTY_NOTICES.md');
		const bundled = [...new Set([...vendored, ...inCommand])].sort();
		const folders = bundled.map((name) => path.join(repository, 'node_modules', name === 'tslib' ? 'echarts/node_modules/tslib' : name));
		const heads = folders.map((folder, i) => `${bundled[i]} ${JSON.parse(readText(folder, 'package.json')).version}`);
		expect([...notices.matchAll(/^## (.+)$/gm)].map((m) => m[1]).sort()).toEqual(heads);
		for (const [i, folder] of folders.entries()) {
			const papers = readdirSync(folder).filter((file) => /^(licen[sc]e|notice)(\.txt)?$/i.test(file));
			for (const paper of papers) expect(notices, bundled[i]).toContain(readText(folder, paper).replaceAll('\r', '').trim());
			// saxes publishes none
			if (!papers.length) expect([bundled[i], notices.includes('Copyright (c) Isaac Z. Schlueter and Contributors')]).toEqual(['saxes', true]);
		}
	});

	it('is "All good" to publint', async () => {
		const { messages, pkg } = await publint({ pkgDir: consumer.library, strict: true });
		expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
	});

	it('is clean to arethetypeswrong', () => {
		const table = consumer.run(bin('attw'), ['--profile', 'esm-only', '--no-color', '--no-emoji', consumer.tarball]); // throws on a problem
		for (const door of ['kedge', 'kedge/training', 'kedge/onnxruntime', 'kedge/tfjs']) expect(table).toMatch(new RegExp(`"${door}" +│ OK \\(ESM\\) +│ OK +│`));
	});
});

describe('the types', () => {
	const declarations = () =>
		filesBelow(path.join(consumer.library, 'dist'))
			.filter((name) => name.endsWith('.d.ts'))
			.map((name) => [name, readText(consumer.library, 'dist', name)]);

	it('serve older compilers: no reference to @webgpu/types or node, no generic typed arrays', () => {
		expect(declarations().length).toBeGreaterThan(3);
		for (const [name, text] of declarations())
			expect(text, name).not.toMatch(/\/\/\/ <reference|(?:Float32|Uint32|Int32|Uint16|Uint8)Array<|from 'node:|GPUBufferUsageFlags/);
	});

	it('compile in a strict consumer without skipLibCheck', () => {
		consumer.write(
			'types.ts',
			`import { createPostprocessor, letterbox, nms, yolov8, type Detections } from 'kedge';
import { labelSizes, readLabels, type LabelFile } from 'kedge/training';
export const sizesOf = async (files: Iterable<File>): Promise<Float32Array> => labelSizes(await readLabels(files, { onProblem: 'report' })).sizes;
export const structural: LabelFile = { name: 'a', size: 0, arrayBuffer: async () => new Uint8Array(0), async *stream() {} };
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
		for (const [module, moduleResolution] of [
			['nodenext', 'nodenext'],
			['esnext', 'bundler'],
		]) {
			const lib = ['es2022', 'esnext.disposable', 'dom', 'dom.iterable'];
			const compilerOptions = { strict: true, noEmit: true, skipLibCheck: false, target: 'es2022', lib, types: [], module, moduleResolution };
			consumer.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['types.ts'] }));
			consumer.run(bin('tsc'), ['-p', '.']);
		}
	});
});

describe('what a bundler keeps', () => {
	const WGSL = /@compute|@workgroup_size|var<storage/;
	/** Heads by the files that they share. */
	const FILES = [
		...['yolov2', 'yolov3 yolov4', 'yolov5', 'yolov6', 'yolov8', 'yolov8Maps', 'yolov10', 'yolox', 'yoloPose', 'yoloSeg', 'yoloObb'],
		...['ssd', 'retinanet', 'efficientdet', 'rpn', 'fastRcnn', 'fcos', 'fovea', 'centernet', 'densebox', 'detr rtDetr'],
		...['blazeFace blazePalm', 'scrfd yunet', 'retinaFace ultraFace', 'mtcnnPNet mtcnnRNet mtcnnONet'],
	].map((names) => names.split(' '));
	/** Heads whose code is in a bundle: a head checks its options under its own name. */
	const headsIn = (code: string) => FILES.flat().filter((name) => new RegExp(`["'\`]${name}["'\`], ?(["'\`]options["'\`]|\\w+\\))`).test(code));

	it('of `nms` alone: one small chunk without a shader, a head or a backend', async () => {
		const { all, numChunks } = await bundle(`export { nms } from 'kedge';`);
		expect(numChunks).toBe(1);
		expect(all).not.toMatch(WGSL);
		expect(all).not.toMatch(/requestAdapter|mapAsync/);
		expect(headsIn(all)).toEqual([]);
		expect(gzipSync(all).length).toBeLessThan(NMS_BUDGET);
	});

	it('of the whole package: no shader before one is asked for', async () => {
		const { all, first } = await bundle(`export * from 'kedge';`);
		expect(headsIn(first)).toEqual(FILES.flat());
		expect(first).not.toMatch(WGSL);
		expect(all).toMatch(WGSL);
	});

	it('of the inference entry: no more than its budget before the GPU is asked for', async () => {
		const { first } = await bundle(`export { createPostprocessor, letterbox, yolov8 } from 'kedge';`);
		expect(gzipSync(first).length).toBeLessThanOrEqual(ENTRY_BUDGET);
	});

	it('of `nms`, of the inference entry and of the whole package: nothing of the training wing', async () => {
		const TRAINING = /readLabels|annotation|bndbox|SaxesParser|matchMaxIou|kmeansAnchors/;
		for (const names of ['{ nms }', '{ createPostprocessor, letterbox, yolov8 }', '*'])
			expect((await bundle(`export ${names} from 'kedge';`)).all).not.toMatch(TRAINING);
		expect((await bundle(`export * from 'kedge/training';`)).all).toMatch(TRAINING);
	});

	it('of the training wing: no parser before there is a file, no shader before one is asked for, and nothing of what is not used', async () => {
		const { all, first } = await bundle(`export { readLabels } from 'kedge/training';`);
		const PARSERS = /xmldecl|STRING_UNICODE_DIGIT|0x?4578696[6]|1165519206/;
		expect(first).not.toMatch(PARSERS);
		expect(all).toMatch(PARSERS);
		expect(first).not.toMatch(WGSL);
		const { first: matching } = await bundle(`export { LABEL_FLAGS } from 'kedge/training';`);
		expect(matching).not.toMatch(/readLabels/);
		expect(matching.length).toBeLessThan(500);
	});

	it('of one head: not the others, until an error has to name them', async () => {
		for (const names of FILES) {
			for (const name of names) {
				const { first } = await bundle(`export { createPostprocessor, ${name} } from 'kedge';`);
				expect(headsIn(first)).toContain(name);
				expect(headsIn(first).filter((other) => !names.includes(other))).toEqual([]);
			}
		}
	});
});
