// `npm run bench`: kedge against its peers, in a headless Chromium or in Node. Prints medians and ratios, writes them and
// their plots to test/bench/results, and ends with 1 when answers differ, a gate is missed, or nothing ran.

import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensurePeers } from './peers.mjs';
import { bundle, inChromium, inNode } from './places.mjs';
import { Progress } from './progress.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const results = fileURLToPath(new URL('results/', import.meta.url));
const HELP = `npm run bench -- [options]

  --only <parts>  rows whose name contains one of these, separated by commas
  --quick         fewer rounds
  --node          in Node instead of a headless Chromium
  --list          the names of all rows, and where they run
  --help          this

Exit code: 0 when all answers were equal and all gates passed, else 1.`;

const print = (line) => console.log(line);

function parse() {
	const flag = { type: 'boolean', default: false };
	const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, quick: flag, node: flag, list: flag, help: flag } });
	return values;
}

function machine() {
	const [cpu] = os.cpus();
	return `${cpu?.model.trim() ?? 'unknown processor'}, ${os.cpus().length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.arch()}`;
}

/** Work of others at the same time blurs the figures; how many processes want a core. */
function load() {
	const [now] = os.loadavg();
	const others = `load ${now.toFixed(1)} on ${os.cpus().length} cores`;
	return now > os.cpus().length / 2 ? `${others}: busy, expect wide spreads` : others;
}

/** The rows to run. Throws when none is left. */
function choose(rows, only, place) {
	const parts = only.split(',').map((part) => part.trim());
	const known = parts.filter((part) => rows.some(({ name }) => name.includes(part)));
	const unknown = parts.filter((part) => !known.includes(part));
	if (unknown.length) throw new Error(`bench: --only must be parts of names of rows (${rows.map(({ name }) => name).join(', ')}); got ${unknown.join(', ')}`);
	const chosen = rows.filter(({ name, places }) => places.includes(place) && parts.some((part) => name.includes(part)));
	if (chosen.length === 0) throw new Error(`bench: at least one row must run; got none of ${only} that runs in ${place}; see --list`);
	return chosen;
}

function write(record, plots, place) {
	mkdirSync(results, { recursive: true });
	const stem = path.join(results, `${record.started.replace(/[:.]/g, '-')}-${place}`);
	const files = [[`${stem}.json`, `${JSON.stringify(record, null, '\t')}\n`], ...plots.map(({ name, svg }) => [`${stem}-${name}.svg`, svg])];
	for (const [file, text] of files) {
		writeFileSync(file, text);
		print(path.relative(root, file));
	}
}

async function main() {
	const { quick, only, node, list, help } = parse();
	if (help) return print(HELP);
	ensurePeers(print);
	const files = await bundle();
	const { rows } = await import(pathToFileURL(files.bench).href);
	if (list) return rows.forEach(({ name, places, what }) => print(`${name.padEnd(24)} ${places.join(', ').padEnd(16)} ${what}`));
	const chosen = choose(rows, only, node ? 'node' : 'chromium');
	const { linesOf, tableOf, plotsOf } = await import(pathToFileURL(files.show).href);
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
	write({ ...setting, loads, failures, misses, rows: done }, plotsOf(done, setting), place.place);
	const listed = (title, texts) => texts.length && print(`\n${texts.length} ${title}:\n${texts.map((text) => `  ${text}`).join('\n')}`);
	listed('targets missed', misses);
	listed('failed', failures);
	if (failures.length === 0) print('\nall answers equal, all gates passed');
	process.exitCode = failures.length ? 1 : 0;
}

main().catch((error) => {
	console.error(error.stack ?? error.message);
	process.exit(1);
});
