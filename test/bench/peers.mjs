// The packages of the peers: in the bench's own package.json, installed when it runs. Those who only test never fetch them.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

const packagesOf = (file) => Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages).filter(([name]) => name !== '');

/** What is missing, or of another version than the lock file says; '' when nothing is. */
export function staleness(folder = here) {
	const installed = path.join(folder, 'node_modules/.package-lock.json');
	if (!existsSync(installed)) return 'they are not installed';
	const versions = new Map(packagesOf(installed).map(([name, { version }]) => [name, version]));
	for (const [name, { version, optional }] of packagesOf(path.join(folder, 'package-lock.json'))) {
		const short = name.replace(/^.*node_modules\//, '');
		if (!versions.has(name) && !optional) return `${short} is missing`;
		if (versions.has(name) && versions.get(name) !== version) return `${short} is ${versions.get(name)} instead of ${version}`;
	}
	return '';
}

/** Installs them where they are missing or stale. Throws with what npm said when that fails. */
export function ensurePeers(print) {
	const why = staleness();
	if (!why) return;
	print(`installing the peers into test/bench/node_modules: ${why}`);
	const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
	const { status, error, stdout, stderr } = spawnSync(npm, ['ci', '--prefix', here, '--no-audit', '--no-fund', '--ignore-scripts'], {
		cwd: here,
		encoding: 'utf8',
		shell: process.platform === 'win32',
	});
	const still = status === 0 ? staleness() : '';
	if (status === 0 && !still) return;
	const said = error?.message ?? `${stdout}${stderr}`.trim();
	throw new Error(
		`bench: \`npm ci --prefix test/bench\` must install the peers; got ${still || `status ${status}`}: ${said}; run it by hand, with a way to the registry`,
	);
}
