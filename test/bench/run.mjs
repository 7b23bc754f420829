// `npm run bench`: kedge's CPU path against its peers, in one page of a headless Chromium, or in Node with --node.
// Prints medians and ratios, writes them to test/bench/results, and ends with 1 when answers differ or a gate is missed.
//   --quick       fewer rounds
//   --only text   rows whose name contains it
//   --node        without the GPU facts, and without gates: those are for a current browser

import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { browserArgs, ensureBrowser } from '../support/browser.mjs';
import { serve } from '../support/serve.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const outDir = path.join(root, '.cache/bench');
const results = fileURLToPath(new URL('results/', import.meta.url));
const GPU_ROW = 'gpu facts';
/** Isolated pages get a clock of 5 microseconds instead of 100. */
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

const print = (line) => console.log(line);

function parse() {
	const { values } = parseArgs({
		options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, node: { type: 'boolean', default: false } },
	});
	return values;
}

/** Bundles bench.ts; the runtime stays outside, for it finds its .wasm beside its own module. */
async function bundle() {
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
			lib: { entry: path.join(root, 'test/bench/bench.ts'), formats: ['es'], fileName: () => 'bench.js' },
			rolldownOptions: { external: ['onnxruntime-web'] },
		},
	});
	return path.join(outDir, 'bench.js');
}

/** The bench in a page: `call(name, ...args)` runs one of its functions there and hands on what it says meanwhile. */
async function inChromium(progress) {
	const { chromium } = await import('playwright');
	const server = await serve(root, ISOLATED);
	const browser = await chromium.launch({ executablePath: ensureBrowser(), args: browserArgs() });
	const page = await browser.newPage();
	page.on('pageerror', (error) => print(`   page: ${error.message}`));
	await page.exposeFunction('tell', progress);
	await page.goto(`${server.url}/test/bench/page.html`);
	await page.waitForFunction(() => 'bench' in window);
	if (!(await page.evaluate(() => crossOriginIsolated))) throw new Error('bench: the page is not isolated, so its clock is too coarse');
	return {
		engine: `Chromium ${browser.version()}, headless`,
		names: await page.evaluate(() => window.bench.rowNames),
		call: (name, ...args) => page.evaluate(([fn, given]) => window.bench[fn](...given, window.tell), [name, args]),
		close: async () => {
			await browser.close();
			await server.close();
		},
	};
}

async function inNode(file, progress) {
	const bench = await import(pathToFileURL(file).href);
	return { engine: `Node ${process.versions.node}`, names: bench.rowNames, call: (name, ...args) => bench[name](...args, progress), close: async () => {} };
}

function machine() {
	const [cpu] = os.cpus();
	return { cpu: cpu?.model ?? 'unknown', cores: os.cpus().length, memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`, system: `${os.type()} ${os.arch()}` };
}

/** Work of others at the same time blurs the figures; how many processes want a core. */
function load() {
	const [now] = os.loadavg();
	const others = `load ${now.toFixed(1)} on ${os.cpus().length} cores`;
	return now > os.cpus().length / 2 ? `${others}: busy, expect wide spreads` : others;
}

const milliseconds = (ms) => `${ms.toPrecision(3)} ms`;

/** Prints a row and returns what it missed. */
function report({ what, detections, differences, contestants }, gates) {
	print(`   ${what}`);
	if (differences.length) {
		for (const difference of differences) print(`   ✗ ${difference}`);
		return differences;
	}
	print(`   the same found by all: ${detections.join(', ')}`);
	const failures = [];
	for (const { name, median, low, high, ratio, gate: least, rounds, batch } of contestants) {
		const gate = gates ? least : undefined;
		const missed = gate !== undefined && !(ratio >= gate);
		if (missed) failures.push(`${name}: ${ratio.toFixed(2)}x, gate ${gate}x`);
		const verdict = gate === undefined ? '' : `gate ${gate}x ${missed ? '✗ missed' : '✓'}`;
		const times = `${milliseconds(median).padStart(9)}  (${low.toPrecision(3)} to ${high.toPrecision(3)})`.padEnd(32);
		print(`   ${name.padEnd(24)} ${times} ${`${ratio.toFixed(ratio < 10 ? 2 : 1)}x`.padStart(7)}  ${verdict.padEnd(18)} ${rounds} rounds of ${batch}`);
	}
	return failures;
}

function reportGpu({ adapter, software, detections, frames, kedge, readback, failures }) {
	print(`   ${adapter}${software ? ' (software: times say nothing of a GPU)' : ''}; yolov8 0.25 on the GPU, ${detections} detections, ${frames} frames`);
	print('   per frame               submits  passes  maps  bytes read  objects created  main thread');
	for (const [name, c] of [
		['kedge, webgpu', kedge],
		['readback and kedge, CPU', readback],
	]) {
		const cells = [
			String(c.submits).padStart(7),
			String(c.passes).padStart(6),
			String(c.maps).padStart(4),
			String(c.bytesMapped).padStart(10),
			String(c.objects).padStart(15),
		];
		print(`   ${name.padEnd(23)} ${cells.join('  ')}  ${milliseconds(c.mainThread).padStart(11)}`);
	}
	for (const failure of failures) print(`   ✗ ${failure}`);
	return failures;
}

async function main() {
	const { quick, only, node } = parse();
	const progress = (text) => print(`   … ${text}`);
	const file = await bundle();
	const place = node ? await inNode(file, progress) : await inChromium(progress);
	const started = new Date().toISOString();
	const loadBefore = load();
	const rows = [];
	const failures = [];
	try {
		const names = [...place.names, ...(node ? [] : [GPU_ROW])].filter((name) => name.includes(only));
		if (names.length === 0) throw new Error(`bench: --only must be part of the name of a row (${place.names.join(', ')}, ${GPU_ROW}); got ${only}`);
		print(`${place.engine}; ${Object.values(machine()).join(', ')}; ${load()}`);
		for (const name of names) {
			print(`\n== ${name}`);
			const result = name === GPU_ROW ? await place.call('gpuFacts', quick) : await place.call('runRow', name, quick);
			rows.push({ name, ...result });
			const missed = name === GPU_ROW ? reportGpu(result) : report(result, !node);
			failures.push(...missed.map((text) => `${name}: ${text}`));
		}
		const record = {
			started,
			engine: place.engine,
			machine: machine(),
			load: [loadBefore, load()],
			ortThreads: await place.call('ortThreads'),
			quick,
			failures,
			rows,
		};
		mkdirSync(results, { recursive: true });
		const target = path.join(results, `${started.replace(/[:.]/g, '-')}-${node ? 'node' : 'chromium'}.json`);
		writeFileSync(target, `${JSON.stringify(record, null, '\t')}\n`);
		print(`\n${path.relative(root, target)}`);
	} finally {
		await place.close();
	}
	print(
		failures.length ? `\n${failures.length} failed:\n${failures.map((f) => `  ${f}`).join('\n')}` : `\nall answers equal${node ? '' : ', all gates passed'}`,
	);
	process.exit(failures.length ? 1 : 0);
}

main().catch((error) => {
	console.error(error.stack ?? error.message);
	process.exit(1);
});
