// `npm run bench`: kedge against its peers, in a headless Chromium or in Node. Prints medians and ratios, writes them and
// their plots to test/bench/results, and ends with 1 when answers differ, a gate is missed, or nothing ran.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { choose, HELP, parse } from './args.mjs';
import { ensurePeers } from './peers.mjs';
import { bundle, inChromium, inNode } from './places.mjs';
import { Progress } from './progress.mjs';
import { checkTorchvision } from './torchvision.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const results = fileURLToPath(new URL('results/', import.meta.url));
const print = (line) => console.log(line);

function machine() {
	const [cpu] = os.cpus();
	return `${cpu?.model.trim() ?? 'unknown processor'}, ${os.cpus().length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.arch()}`;
}

/** Version and commit, so that figures can be told apart later. */
function versionOf() {
	const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
	const git = spawnSync('git', ['describe', '--always', '--dirty'], { cwd: root, encoding: 'utf8' });
	return git.status === 0 ? `${version}, commit ${git.stdout.trim()}` : version;
}

/** Work of others at the same time blurs the figures; how many processes want a core. */
function load() {
	const [now] = os.loadavg();
	const others = `load ${now.toFixed(1)} on ${os.cpus().length} cores`;
	return now > os.cpus().length / 2 ? `${others}: busy, expect wide spreads` : others;
}

/** Six digits are more than a clock gives; numbers in a line of their own make a file that nobody reads. */
function textOf(record) {
	const round = (_, value) => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value);
	const text = JSON.stringify(record, round, '\t');
	return `${text.replace(/\[\s+(-?[\d.e+-]+,?\s+)+\]/g, (list) => list.replace(/\s+/g, ' '))}\n`;
}

/** Results of a day are ignored by git, those with a name are not. */
/** A name in a folder that is kept: what is there already stays. */
function keptName(folder, place) {
	let name = place;
	for (let i = 2; existsSync(path.join(folder, `${name}.json`)); i++) name = `${place}-${i}`;
	return name;
}

function write(record, plots, place, keep) {
	const folder = path.join(results, keep);
	const stem = path.join(folder, keep ? keptName(folder, place) : `${record.started.replace(/[:.]/g, '-')}-${place}`);
	mkdirSync(folder, { recursive: true });
	for (const [file, text] of [[`${stem}.json`, textOf(record)], ...plots.map(({ name, svg }) => [`${stem}-${name}.svg`, svg])]) {
		writeFileSync(file, text);
		print(path.relative(root, file));
	}
}

/** The result of a row that ended with an error: it fails, and nothing of it was timed. */
function broken({ name, what }, { message }) {
	return { kind: 'broken', name, what, lines: [], failures: [`ended with an error: ${message.replace(/^page\.evaluate: /, '')}`], misses: [] };
}

async function main() {
	const { quick, only, node, torchvision, keep, list, help } = parse(process.argv.slice(2));
	if (help) return print(HELP);
	if (torchvision) await checkTorchvision();
	const files = await bundle();
	const { rows } = await import(pathToFileURL(files.bench).href);
	if (list) return rows.forEach(({ name, places, what }) => print(`${name.padEnd(24)} ${places.join(', ').padEnd(16)} ${what}`));
	const chosen = choose(rows, only, node ? 'node' : 'chromium', torchvision ? ['torchvision'] : []);
	const { linesOf, tableOf, plotsOf } = await import(pathToFileURL(files.show).href);
	ensurePeers(print);
	const place = await (node ? inNode(files.bench) : inChromium(print));
	const setting = { engine: place.engine, machine: machine(), started: new Date().toISOString(), quick };
	const loads = [load()];
	const done = [];
	const progress = new Progress();
	try {
		print(`${setting.engine}; ${setting.machine}; ${loads[0]}`);
		for (const row of chosen) {
			print(`\n== ${row.name}`);
			progress.begin();
			try {
				done.push(await place.run(row, quick, (text) => progress.say(text)));
			} catch (error) {
				// the rows before it keep their figures, and those after it run
				done.push(broken(row, error));
			} finally {
				progress.end();
			}
			for (const line of linesOf(done.at(-1))) print(`   ${line}`);
		}
	} finally {
		await place.close();
	}
	loads.push(load());
	const failures = done.flatMap(({ name, failures: some }) => some.map((text) => `${name}: ${text}`));
	const misses = done.flatMap(({ name, misses: some }) => some.map((text) => `${name}: ${text}`));
	print(`\n${tableOf(done).join('\n')}\n`);
	write({ kedge: versionOf(), ...setting, loads, failures, misses, rows: done }, plotsOf(done, setting), place.place, keep);
	const listed = (title, texts) => texts.length && print(`\n${title}: ${texts.length}\n${texts.map((text) => `  ${text}`).join('\n')}`);
	listed('targets missed', misses);
	listed('failed', failures);
	if (failures.length === 0) print('\nall answers equal, all gates passed');
	process.exitCode = failures.length ? 1 : 0;
}

main().catch((error) => {
	// the bench's own say what to do
	console.error(/^bench: /.test(error.message) ? error.message : error.stack);
	process.exit(1);
});
