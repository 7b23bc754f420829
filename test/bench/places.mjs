// Where rows run: each in a page or a process of its own, so that a row finds the same state alone as among others.

import { fork } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { browserArgs, driverEnv, ensureBrowser, findBrowser } from '../support/browser.mjs';
import { serve } from '../support/serve.mjs';
import { runTorchvision } from './torchvision.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
/** Beside the peers' node_modules, so that Node finds them from there. */
const outDir = path.join(here, '.cache');
/** Isolated pages get a clock of 5 microseconds instead of 100, and threads. */
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** Bundles what a row needs and what shows results. The peers stay outside: they find their .wasm beside their own modules. */
export async function bundle() {
	await build({
		root,
		configFile: false,
		logLevel: 'warn',
		resolve: {
			alias: [
				{ find: /^kedge$/, replacement: path.join(root, 'src/index.ts') },
				{ find: /^kedge\/training$/, replacement: path.join(root, 'src/training.ts') },
			],
		},
		build: {
			outDir,
			emptyOutDir: true,
			target: 'es2022',
			minify: false,
			lib: { entry: { bench: path.join(here, 'bench.ts'), show: path.join(here, 'show.ts') }, formats: ['es'], fileName: (_, name) => `${name}.js` },
			rolldownOptions: { external: [/^onnxruntime-web/, /^@tensorflow\//, /^echarts/] },
		},
	});
	return { bench: path.join(outDir, 'bench.js'), show: path.join(outDir, 'show.js') };
}

/** Timestamps of GPU passes as they are; by default they are rounded to 0.1 ms, for pages could spy with them. */
const EXACT_TIMESTAMPS = '--disable-dawn-features=timestamp_quantization';

/** CPU time of a page's main thread so far in milliseconds, as its browser knows it. */
async function threadTimeOf(page) {
	const session = await page.context().newCDPSession(page);
	await session.send('Performance.enable');
	return async () => {
		const { metrics } = await session.send('Performance.getMetrics');
		const seconds = metrics.find(({ name }) => name === 'ThreadTime')?.value;
		return seconds === undefined ? undefined : seconds * 1000;
	};
}

/** A headless Chromium with a page for each row. */
export async function inChromium(print) {
	const { chromium } = await import('playwright');
	const server = await serve(root, ISOLATED);
	const browser = await chromium.launch({ executablePath: ensureBrowser(), args: [...browserArgs(), EXACT_TIMESTAMPS] });
	const run = async (row, quick, progress) => {
		const page = await browser.newPage();
		page.on('pageerror', (error) => print(`   page: ${error.message}`));
		await page.exposeFunction('tell', progress);
		await page.exposeFunction('threadTime', await threadTimeOf(page));
		await page.exposeFunction('torchvision', runTorchvision);
		await page.goto(`${server.url}/test/bench/page.html`);
		await page.waitForFunction(() => 'bench' in window);
		if (!(await page.evaluate(() => crossOriginIsolated))) throw new Error('bench: the page is not isolated, so its clock is too coarse');
		try {
			return await page.evaluate(
				([name, quick]) => {
					const { bench, tell: progress, threadTime, torchvision } = window;
					return bench.runRow(name, { place: 'chromium', quick, progress, threadTime, torchvision });
				},
				[row.name, quick],
			);
		} finally {
			await page.close();
		}
	};
	const close = async () => {
		await browser.close();
		await server.close();
	};
	return { place: 'chromium', engine: `Chromium ${browser.version()}, headless`, run, close };
}

/** A process of Node for each row; for rows of the GPU with Dawn. */
export async function inNode(file) {
	const run = (row, quick, progress) =>
		new Promise((resolve, reject) => {
			const env = { ...process.env, ...(row.gpu ? driverEnv(findBrowser()) : {}) };
			const child = fork(path.join(here, 'node-child.mjs'), [file, row.name, quick ? 'quick' : '', row.gpu ? 'gpu' : ''], { env });
			let answer;
			child.on('message', (message) => {
				if ('progress' in message) progress(message.progress);
				else answer = message;
			});
			child.on('error', reject);
			child.on('exit', (code, signal) => {
				if (answer?.result) resolve(answer.result);
				else reject(new Error(answer?.failure ?? `bench: the process of ${row.name} ended with ${signal ?? `code ${code}`}`));
			});
		});
	return { place: 'node', engine: `Node ${process.versions.node}`, run, close: async () => {} };
}
