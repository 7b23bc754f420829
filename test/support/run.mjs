// `npm test`: every part of the test suite in order, a table with the count of each engine, and a closing line.
// `npm test -- dawn naga` runs only the parts named; `npm test -- dawn --only nms` only GPU tests whose name contains it.
// Nothing is skipped in silence: a missing browser, adapter or engine, a skipped test, or a GPU test that an engine did
// not get to counts as failed.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
mkdirSync(path.join(root, '.cache'), { recursive: true });
/** Reports of this run. */
const scratch = mkdtempSync(path.join(root, '.cache/run-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const MINUTE = 60_000;
/** A part that says nothing for so long hangs; a part that runs for so long is stopped. */
const SILENCE_LIMIT = 12 * MINUTE;
const PART_LIMIT = 60 * MINUTE;

/** @typedef {{ passed: number, failed: number, engine: string, notes: string[] }} Outcome */

const children = new Set();
function killAll(signal) {
	for (const child of children) {
		try {
			if (process.platform === 'win32') child.kill(signal);
			else process.kill(-child.pid, signal); // the whole group
		} catch {
			// already gone
		}
	}
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
	process.on(signal, () => {
		killAll('SIGTERM');
		setTimeout(() => process.exit(1), 3000);
	});
}
process.on('exit', () => killAll('SIGKILL'));

/** Runs a command to its end, handing each line of its standard output to `onLine`. Resolves with why it ended badly, or ''. */
function runChild(command, args, env, onLine) {
	return new Promise((resolve) => {
		const child = spawn(command, args, {
			cwd: root,
			env: { ...process.env, ...env },
			stdio: ['ignore', 'pipe', 'pipe'],
			detached: process.platform !== 'win32',
		});
		children.add(child);
		let stopped = '';
		let silence;
		const stop = (why) => {
			stopped ||= why;
			killAll('SIGTERM');
			setTimeout(() => killAll('SIGKILL'), 5000).unref();
		};
		const heard = () => {
			clearTimeout(silence);
			silence = setTimeout(() => stop(`stopped: silent for ${SILENCE_LIMIT / MINUTE} minutes`), SILENCE_LIMIT);
		};
		heard();
		const limit = setTimeout(() => stop(`stopped: ran for ${PART_LIMIT / MINUTE} minutes`), PART_LIMIT);
		let rest = '';
		child.stdout.setEncoding('utf8').on('data', (chunk) => {
			heard();
			const lines = (rest + chunk).split('\n');
			rest = lines.pop() ?? '';
			lines.forEach(onLine);
		});
		child.stderr.on('data', (chunk) => {
			heard();
			// Mesa's loader complains about every driver but the one in use.
			if (!/XDG_RUNTIME_DIR/.test(String(chunk))) process.stderr.write(chunk);
		});
		const end = (why) => {
			clearTimeout(silence);
			clearTimeout(limit);
			if (rest) onLine(rest);
			rest = '';
			// Grandchildren may outlive the child; the group goes as one.
			try {
				if (process.platform !== 'win32' && child.pid) process.kill(-child.pid, 'SIGKILL');
			} catch {
				// nobody left
			}
			children.delete(child);
			resolve(stopped || why);
		};
		child.on('error', (error) => end(`could not start: ${error.message}`));
		child.on('exit', (code, signal) => setTimeout(() => end(code === 0 ? '' : `ended with ${signal ?? `code ${code}`}`), 50));
	});
}

const binOf = (name, file) => path.join(path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), file);
const print = (line) => console.log(line);

/** A count as an outcome: an unexplained bad end is one more failure. */
function outcome(engine, passed, failed, why, notes = []) {
	if (why && failed === 0) failed = 1;
	return { engine, passed, failed, notes: why ? [...notes, why] : notes };
}

async function runVitest(project) {
	const report = path.join(scratch, `${project}.json`);
	const args = [binOf('vitest', 'vitest.mjs'), 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
	const why = await runChild(process.execPath, args, {}, print);
	const engine = `Node ${process.versions.node}`;
	if (!existsSync(report)) return outcome(engine, 0, 1, why || 'vitest left no report');
	const { numPassedTests, numTotalTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
	const skipped = testResults.flatMap((file) => file.assertionResults).filter((t) => t.status !== 'passed' && t.status !== 'failed');
	// A file that does not load fails without a failed test.
	const broken = testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'));
	const notes = [...skipped.map((t) => `skipped: ${t.fullName}`), ...broken.map((file) => `did not load: ${path.relative(root, file.name)}`)];
	return outcome(engine, numPassedTests, numTotalTests - numPassedTests + broken.length, why, notes);
}

let bundled;
/** The GPU suite as one file, made once; also how many tests it registers. */
async function gpuSuite() {
	bundled ??= (async () => {
		const { bundleGpuSuite } = await import('./gpu-bundle.mjs');
		const file = await bundleGpuSuite();
		process.env.KEDGE_GPU_SUITE = file;
		const { gpuTests } = await import(pathToFileURL(file).href);
		return { file, names: gpuTests.map((t) => t.name) };
	})();
	return bundled;
}

async function browser() {
	const { ensureBrowser } = await import('./browser.mjs');
	process.env.KEDGE_BROWSER = ensureBrowser();
	return process.env.KEDGE_BROWSER;
}

async function runEngine(engine, only) {
	const { driverEnv, findBrowser } = await import('./browser.mjs');
	// The software driver comes with the browser.
	const env = driverEnv(findBrowser() ?? (await browser()));
	const { file, names } = await gpuSuite();
	const expected = names.filter((name) => name.includes(only));
	const child = path.join(root, 'test/support/gpu-child.mjs');
	const [command, args] =
		engine === 'dawn'
			? [process.execPath, ['--enable-source-maps', child, file, only]]
			: [process.execPath, [binOf('deno', 'bin.cjs'), 'run', '--allow-all', '--quiet', '--no-config', child, file, only]];
	const results = [];
	let adapter = 'no adapter';
	let running = '';
	const notes = [];
	const why = await runChild(command, args, env, (line) => {
		if (!line.startsWith('@{')) return print(line);
		const event = JSON.parse(line.slice(1));
		if (event.adapter) adapter = event.adapter;
		if (event.start) running = event.start;
		if (event.failure) notes.push(event.failure);
		if (!event.result) return;
		const { name, ok, milliseconds, error } = event.result;
		results.push(event.result);
		print(` ${ok ? '✓' : '✗'} ${name} (${Math.round(milliseconds)} ms)${ok ? '' : `\n${error.replace(/^/gm, '     ')}`}`);
		running = '';
	});
	if (running) notes.push(`ended during: ${running}`);
	const passed = results.filter((r) => r.ok).length;
	if (results.length < expected.length) notes.push(`${expected.length - results.length} of ${expected.length} registered tests did not run`);
	if (expected.length === 0) notes.push('no GPU test matches');
	return outcome(
		`${engine === 'dawn' ? 'Dawn (Node)' : 'naga (Deno)'}, ${adapter}`,
		passed,
		expected.length - passed,
		why || (expected.length ? '' : 'nothing ran'),
		notes,
	);
}

/** Tests of a Playwright report, flat. */
function testsOf(suites) {
	return suites.flatMap((suite) => [
		...(suite.specs ?? []).flatMap((spec) => spec.tests.map((t) => ({ title: spec.title, status: t.status }))),
		...testsOf(suite.suites ?? []),
	]);
}

async function runPlaywright(project, only = '') {
	const executable = await browser();
	const { names } = await gpuSuite();
	const report = path.join(scratch, `${project}.json`);
	const filter = project === 'chromium' && only ? ['--grep', only.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')] : [];
	const args = [binOf('@playwright/test', 'cli.js'), 'test', `--project=${project}`, '--reporter=list,json', ...filter];
	const why = await runChild(process.execPath, args, { PLAYWRIGHT_JSON_OUTPUT_FILE: report, KEDGE_PART: project }, print);
	const engine = `Chromium, ${executable}`;
	if (!existsSync(report)) return outcome(engine, 0, 1, why || 'Playwright left no report');
	const { suites, errors } = JSON.parse(readFileSync(report, 'utf8'));
	const tests = testsOf(suites);
	const passed = tests.filter((t) => t.status === 'expected').length;
	const expected = project === 'chromium' ? names.filter((name) => name.includes(only)).length : tests.length;
	const notes = [...tests.filter((t) => t.status === 'skipped').map((t) => `skipped: ${t.title}`), ...errors.map((e) => e.message)];
	return outcome(engine, passed, Math.max(expected, tests.length) - passed + errors.length, why, notes);
}

/** The parts, in the order of a full run. */
const PARTS = {
	unit: () => runVitest('unit'),
	dawn: (only) => runEngine('dawn', only),
	naga: (only) => runEngine('naga', only),
	chromium: (only) => runPlaywright('chromium', only),
	e2e: () => runPlaywright('e2e'),
	package: async () => {
		await browser();
		return runVitest('package');
	},
};

function parse(args) {
	const at = args.indexOf('--only');
	const only = at >= 0 ? (args.splice(at, 2)[1] ?? '') : '';
	const unknown = args.filter((name) => !Object.hasOwn(PARTS, name));
	if (unknown.length) throw new Error(`npm test: parts are ${Object.keys(PARTS).join(', ')}; got ${unknown.join(', ')}`);
	return { parts: args.length ? args : Object.keys(PARTS), only };
}

function checkNode() {
	const [major, minor] = process.versions.node.split('.').map(Number);
	if (major < 20 || (major === 20 && minor < 19)) {
		throw new Error(
			`npm test: Node 20.19 or newer is needed; got ${process.versions.node}; install a current Node from https://nodejs.org or your package manager`,
		);
	}
}

async function main() {
	checkNode();
	const { parts, only } = parse(process.argv.slice(2));
	const rows = [];
	for (const part of parts) {
		print(`\n== ${part}`);
		const start = performance.now();
		let result;
		try {
			result = await PARTS[part](only);
		} catch (error) {
			result = outcome('none', 0, 1, error instanceof Error ? error.message : String(error));
		}
		// A part without a single test is a part that found nothing to prove.
		if (result.passed + result.failed === 0) result = outcome(result.engine, 0, 1, 'no tests found');
		rows.push({ part, seconds: (performance.now() - start) / 1000, ...result });
	}
	report(rows);
}

function report(rows) {
	print('\npart       passed  failed   time  engine');
	for (const { part, passed, failed, seconds, engine, notes } of rows) {
		print(`${part.padEnd(10)} ${String(passed).padStart(6)}  ${String(failed).padStart(6)}  ${`${Math.round(seconds)} s`.padStart(5)}  ${engine}`);
		for (const note of notes) print(`           ! ${note.split('\n').slice(0, 12).join('\n             ')}`);
	}
	const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
	const failed = sum('failed');
	print(`\n${sum('passed')} passed, ${failed} failed`);
	process.exit(failed ? 1 : 0);
}

main().catch((error) => {
	console.error(error.message);
	print('0 passed, 1 failed');
	process.exit(1);
});
