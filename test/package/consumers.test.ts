// The packed tarball at work: in Node, Deno, a fresh Vite app, a plain module page and a module worker, each on the CPU
// and on WebGPU. Every consumer runs the same exercise and must give the same numbers.

import path from 'node:path';
import { type Browser, chromium } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserArgs, driverEnv, ensureBrowser } from '../support/browser.mjs';
import { serve } from '../support/serve.mjs';
import { type Consumer, EXPECTED, makeConsumer, repository } from './pack.js';

const BACKENDS = ['cpu', 'webgpu', 'hybrid'];
const ALL = Object.fromEntries(BACKENDS.map((backend) => [backend, EXPECTED]));

let consumer: Consumer;
let browser: Browser;
let executablePath: string;
beforeAll(async () => {
	consumer = makeConsumer();
	executablePath = ensureBrowser();
	browser = await chromium.launch({ executablePath, args: browserArgs() });
});
afterAll(async () => {
	await browser?.close();
	consumer?.dispose();
});

/** Runs the exercise on each backend, inside any of the consumers. */
const RUN_ALL = `const results = {};
for (const backend of ${JSON.stringify(BACKENDS)}) results[backend] = await exercise(kedge, backend, gpu);`;

describe('in Node', () => {
	it('gives the same detections on the CPU and on Dawn', () => {
		const file = consumer.write(
			'node.js',
			`import * as kedge from 'kedge';
import { create, globals } from 'webgpu';
import { exercise } from './exercise.js';
Object.assign(globalThis, globals);
const gpu = create([]);
${RUN_ALL}
console.log(JSON.stringify(results));
process.exit(0);`,
		);
		expect(JSON.parse(consumer.run(process.execPath, [file], driverEnv(executablePath)))).toEqual(ALL);
	});

	it('needs no WebGPU for the CPU, and says why there is none', () => {
		const file = consumer.write(
			'bare.js',
			`import * as kedge from 'kedge';
import { exercise } from './exercise.js';
const { available, reason } = await kedge.checkWebGPU();
console.log(JSON.stringify({ available, reason, result: await exercise(kedge, 'auto') }));`,
		);
		expect(JSON.parse(consumer.run(process.execPath, [file]))).toEqual({ available: false, reason: 'no-webgpu', result: EXPECTED });
	});

	it('is imported without side effects, and asks for nothing over the network', () => {
		const file = consumer.write(
			'traps.js',
			`const touched = [];
for (const name of ['navigator', 'window', 'document', 'self', 'GPUBufferUsage', 'GPUMapMode', 'GPUShaderStage', 'fetch', 'XMLHttpRequest', 'WebSocket', 'importScripts', 'Worker']) {
	Object.defineProperty(globalThis, name, { configurable: true, get() { touched.push(name); return undefined; } });
}
const before = new Set(Reflect.ownKeys(globalThis));
const prototypes = [Object, Array, Promise, Float32Array].map((type) => Reflect.ownKeys(type.prototype).length);
const kedge = await import('kedge');
await import('kedge/training');
await import('kedge/onnxruntime');
await import('kedge/tfjs');
const atImport = [...touched];
const added = Reflect.ownKeys(globalThis).filter((key) => !before.has(key)).map(String);
const after = [Object, Array, Promise, Float32Array].map((type) => Reflect.ownKeys(type.prototype).length);
const { exercise } = await import('./exercise.js');
await exercise(kedge, 'cpu');
const network = touched.filter((name) => !['navigator', 'self', 'window'].includes(name));
console.log(JSON.stringify({ atImport, added, changed: String(prototypes) !== String(after), network }));`,
		);
		expect(JSON.parse(consumer.run(process.execPath, [file]))).toEqual({ atImport: [], added: [], changed: false, network: [] });
	});
});

describe('in Deno', () => {
	it('gives the same detections on the CPU and on naga', () => {
		const file = consumer.write(
			'deno.js',
			`import * as kedge from 'kedge';
import { exercise } from './exercise.js';
const gpu = navigator.gpu;
${RUN_ALL}
console.log(JSON.stringify(results));`,
		);
		const deno = path.join(repository, 'node_modules/.bin/deno');
		expect(
			JSON.parse(consumer.run(deno, ['run', '--allow-env', '--allow-read', '--node-modules-dir=manual', '--quiet', file], driverEnv(executablePath))),
		).toEqual(ALL);
	});
});

/** Opens a page of a folder under a strict policy and returns what it puts into `window.results`, and what it asked for. */
async function visit(folder: string, page: string) {
	const policy = "default-src 'self'; script-src 'self'; worker-src 'self'; img-src data:; object-src 'none'";
	const server = await serve(folder, { 'content-security-policy': policy });
	const context = await browser.newContext();
	try {
		const tab = await context.newPage();
		const complaints: string[] = [];
		const urls: string[] = [];
		tab.on('pageerror', (error) => complaints.push(error.message));
		tab.on('console', (message) => {
			if (message.type() === 'error') complaints.push(message.text());
		});
		context.on('request', (request) => urls.push(request.url()));
		await tab.goto(`${server.url}/${page}`);
		const results = await tab
			.waitForFunction(() => (window as unknown as { results?: unknown }).results, undefined, { timeout: 90_000 })
			.then((handle) => handle.jsonValue())
			.catch((error) => complaints.push(String(error)));
		return { results, complaints, foreign: urls.filter((url) => !url.startsWith(server.url)), requests: server.requests };
	} finally {
		await context.close();
		await server.close();
	}
}

const html = (script: string) =>
	`<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>consumer</title><script type="module" src="${script}"></script>`;
const inPage = (specifier: string, exercise: string) => `import * as kedge from '${specifier}';
import { exercise } from '${exercise}';
const gpu = undefined;
${RUN_ALL}
window.results = results;`;

describe('in Chromium', () => {
	it('a plain module page', async () => {
		consumer.write('plain.html', html('./plain.js'));
		consumer.write('plain.js', inPage('./node_modules/kedge/dist/src/index.js', './exercise.js'));
		const { results, complaints, foreign, requests } = await visit(consumer.folder, 'plain.html');
		expect(complaints).toEqual([]);
		expect(results).toEqual(ALL);
		expect(foreign).toEqual([]);
		expect(requests.filter((name) => !/^\/(plain\.html|plain\.js|exercise\.js|node_modules\/kedge\/dist\/.+\.js)$/.test(name))).toEqual([]);
	});

	it('a plain module page with the CPU alone fetches no shader', async () => {
		consumer.write('cpu.html', html('./cpu.js'));
		consumer.write(
			'cpu.js',
			`import * as kedge from './node_modules/kedge/dist/src/index.js';
import { exercise } from './exercise.js';
window.results = await exercise(kedge, 'cpu');`,
		);
		const { results, complaints, requests } = await visit(consumer.folder, 'cpu.html');
		expect(complaints).toEqual([]);
		expect(results).toEqual(EXPECTED);
		const shaders = requests.filter((name) => name.endsWith('.js') && /@compute/.test(consumer.run('cat', [`.${name}`])));
		expect(shaders).toEqual([]);
	});

	it('a module worker', async () => {
		consumer.write('worker.html', html('./worker-page.js'));
		consumer.write(
			'worker-page.js',
			`const worker = new Worker('./worker.js', { type: 'module' });
worker.onmessage = ({ data }) => { window.results = data; };`,
		);
		consumer.write('worker.js', inPage('./node_modules/kedge/dist/src/index.js', './exercise.js').replace('window.results = results', 'postMessage(results)'));
		const { results, complaints, foreign } = await visit(consumer.folder, 'worker.html');
		expect(complaints).toEqual([]);
		expect(results).toEqual(ALL);
		expect(foreign).toEqual([]);
	});

	it('a fresh Vite app', async () => {
		consumer.write('app/index.html', html('/main.js'));
		consumer.write('app/main.js', inPage('kedge', '../exercise.js'));
		await build({
			root: path.join(consumer.folder, 'app'),
			configFile: false,
			logLevel: 'error',
			build: { outDir: path.join(consumer.folder, 'app-dist'), target: 'es2022' },
		});
		const { results, complaints, foreign } = await visit(path.join(consumer.folder, 'app-dist'), 'index.html');
		expect(complaints).toEqual([]);
		expect(results).toEqual(ALL);
		expect(foreign).toEqual([]);
	});
});
