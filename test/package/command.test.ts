// The command as a user has it: the tarball installed by npm, `npx kedge anchors` on folders of VOC, COCO and YOLO labels, what it prints
// and writes, and how it ends.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { driverEnv, ensureBrowser } from '../support/browser.mjs';
import { FORMATS, shapedSet, writeDataSets } from '../support/data-sets.js';
import { type Consumer, makeConsumer, repository } from './pack.js';

const NAMES = ['bird', 'cat', '=HYPERLINK("x")'];
let consumer: Consumer;
let project: string;
let sets: ReturnType<typeof writeDataSets>;
const env = {
	...process.env,
	NODE_OPTIONS: '',
	npm_config_offline: 'true',
	npm_config_update_notifier: 'false',
	npm_config_audit: 'false',
	npm_config_fund: 'false',
};

beforeAll(() => {
	consumer = makeConsumer();
	project = realpathSync(mkdtempSync(path.join(tmpdir(), 'kedge-project-')));
	writeFileSync(path.join(project, 'package.json'), '{"name":"project","private":true}');
	execFileSync('npm', ['install', '--no-save', consumer.tarball], { cwd: project, env, timeout: 120_000, stdio: ['ignore', 'pipe', 'pipe'] });
	sets = writeDataSets(shapedSet(40, NAMES), NAMES);
});
afterAll(() => {
	sets?.remove();
	consumer?.dispose();
	if (project) rmSync(project, { recursive: true, force: true });
});

const bin = () => path.join(project, 'node_modules/.bin/kedge');
function kedge(...args: string[]) {
	const { status, stdout, stderr } = spawnSync(bin(), args, { cwd: project, env, encoding: 'utf8', timeout: 60_000 });
	return { status, stdout, stderr };
}

describe('npx kedge anchors', () => {
	it('gives the same anchors of the same boxes in three formats', () => {
		const data = FORMATS.map((format) => {
			const args = ['kedge', 'anchors', path.join(sets.folder, format), '--size', '640', '--count', '9', '--levels', '3', '--json', '--out', format];
			const { status, stdout, stderr } = spawnSync('npx', args, { cwd: project, env, encoding: 'utf8', timeout: 120_000 });
			expect([status, stderr]).toEqual([0, `wrote ${format}/kedge-anchors.json and ${format}/kedge-anchors.svg\n`]);
			expect(readFileSync(path.join(project, format, 'kedge-anchors.json'), 'utf8')).toBe(stdout);
			expect(readFileSync(path.join(project, format, 'kedge-anchors.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
			return JSON.parse(stdout);
		});
		expect(data.map(({ dataSet: { format, images, boxes } }) => [format, images, boxes])).toEqual(FORMATS.map((format) => [format, 40, 360]));
		const [voc, coco, yolo] = data.map(({ anchors, levels, fit, classes, problems }) => ({ anchors, levels, fit, problems, classes: byName(classes) }));
		expect(voc.anchors).toHaveLength(9);
		expect(coco).toEqual(voc);
		expect(yolo).toEqual(voc);
		expect(voc.classes.map(({ name }) => name)).toContain('=HYPERLINK("x")');
	});
	const byName = (classes: { name: string; boxes: number }[]) => [...classes].sort((a, b) => (a.name < b.name ? -1 : 1));

	it('gives the same anchors on the GPU, where npm has webgpu', () => {
		// beside the consumer's webgpu
		const command = path.join(consumer.library, 'dist/command/kedge.js');
		const of = (backend: string) => {
			const args = [
				command,
				'anchors',
				path.join(sets.folder, 'coco'),
				'--json',
				'--no-files',
				'--restarts',
				'2',
				'--generations',
				'100',
				'--backend',
				backend,
			];
			const { status, stdout, stderr } = spawnSync(process.execPath, args, {
				cwd: project,
				env: { ...env, ...driverEnv(ensureBrowser()) },
				encoding: 'utf8',
				timeout: 120_000,
			});
			expect([status, stderr.replace(/.*XDG_RUNTIME_DIR.*\n/g, '')]).toEqual([0, '']);
			const { anchors, fit, levels } = JSON.parse(stdout);
			return { anchors, fit, levels };
		};
		expect(of('webgpu')).toEqual(of('cpu'));
	});

	it('prints a table, and with --quiet the anchors alone', () => {
		const place = path.join(sets.folder, 'coco');
		const { status, stdout } = kedge('anchors', place, '--no-files', '--restarts', '2', '--generations', '50', '--check', '10,13 16,30');
		expect(status).toBe(0);
		expect(stdout).toMatch(
			/^data set +\S+ \(COCO\): 40 images, 360 boxes of 3 classes\n[\s\S]*\nchecked anchors [\s\S]*\n1 +8 +33\.33 % +\d+,\d+, \d+,\d+, \d+,\d+\n2 /,
		);
		const quiet = kedge(
			'anchors',
			place,
			'--no-files',
			'--quiet',
			'--no-evolve',
			'--distance',
			'whitened',
			'--count',
			'4',
			'--levels',
			'2',
			'--strides',
			'16,32',
		);
		expect([quiet.status, quiet.stderr]).toEqual([0, '']);
		expect(quiet.stdout).toMatch(/^\d+,\d+, \d+,\d+\n\d+,\d+, \d+,\d+\n$/);
		expect(existsSync(path.join(project, 'kedge-anchors.json'))).toBe(false);
	});

	it('tells what is wrong in files, by name and line, and goes on; with --strict it stops', () => {
		const place = path.join(project, 'broken');
		mkdirSync(place, { recursive: true });
		const text = readFileSync(path.join(sets.folder, 'yolo/labels/train/image_0000.txt'), 'utf8');
		writeFileSync(path.join(place, 'a.txt'), `${text}0 0.5 0.5\n`);
		writeFileSync(path.join(place, 'b.txt'), '0 0.5 0.5 0.5 0.5\0');
		const args = ['anchors', place, '--image-size', '640x480', '--no-files', '--quiet'];
		expect(kedge(...args)).toMatchObject({ status: 0, stderr: '' });
		const loud = kedge(...args.slice(0, -1));
		expect(loud.stderr.split('\n')).toEqual([
			'a.txt:10 must hold 5 numbers, class cx cy w h, or a class and three points or more; got 3',
			'b.txt:1 holds a NUL character; it is not a text file',
			'2 problems: 1 box and 1 whole file left out',
			'',
		]);
		const strict = kedge(...args, '--strict');
		expect([strict.status, strict.stdout]).toEqual([1, '']);
		expect(strict.stderr).toMatch(/^kedge: a\.txt:10 must hold 5 numbers[^\n]*\n$/);
	});

	it.each([
		[['anchors'], /^kedge: missing required argument 'path' \(kedge anchors --help\)\n$/],
		[['anchors', 'nowhere'], /^kedge: nowhere is not there; give the folder of a data set, or a label file\n$/],
		[['anchors', '.', '--sise', '640'], /^kedge: unknown option '--sise' \(Did you mean --size\?\) \(kedge anchors --help\)\n$/],
		[
			['anchors', '.', '--size', '-3'],
			/^kedge: option '--size <pixels>' argument '-3' is invalid\. Expected a number from 1 to 65536\. \(kedge anchors --help\)\n$/,
		],
		[['anchors', '.', '--count', '9.5'], /Expected a whole number from 1 to 512\./],
		[['anchors', '.', '--ratio', '1'], /Expected a number above 1, up to 1000\./],
		[['anchors', '.', '--ratio', '2000'], /Expected a number above 1, up to 1000\./],
		[['anchors', '.', '--strides', '32,16,8'], /Expected the finest level first, as in 8,16,32\./],
		[['anchors', '.', '--keypoints', '17x5'], /Expected up to 10000 points of 2 or 3 numbers, as in 17x3\./],
		[['anchors', '.', '--distance', 'cosine'], /Allowed choices are iou, euclidean, whitened\./],
		[['anchors', '.', '--check', '1,2,3'], /Expected widths and heights in pixels, as in "10,13 16,30"\./],
		[['anchors', '.', '--image-size', '640'], /Expected two numbers, as in 1920x1080\./],
		[['anchors', '.', '--levels', '4'], /^kedge: --levels must divide --count; got 4 and 9 /],
		[['anchors', '.', '--strides', '8,16'], /^kedge: --strides must have one number for each of the 3 levels; got 2\n$/],
		[['ankers', '.'], /^kedge: unknown command 'ankers' \(Did you mean anchors\?\) \(kedge --help\)\n$/],
	])('called as %j says what is wrong in one line, and ends with 2', (args, message) => {
		const { status, stdout, stderr } = kedge(...args);
		expect([status, stdout]).toEqual([2, '']);
		expect(stderr).toMatch(message);
	});

	it('that fails says why in one line, and ends with 1', () => {
		const empty = path.join(project, 'empty');
		mkdirSync(empty, { recursive: true });
		expect(kedge('anchors', 'empty')).toEqual({
			status: 1,
			stdout: '',
			stderr: 'kedge: there are no labels among 0 files (VOC .xml, COCO .json and YOLO .txt are read)\n',
		});
		const mixed = kedge('anchors', sets.folder);
		expect(mixed).toMatchObject({
			status: 1,
			stderr: expect.stringMatching(/^kedge: [^\n]*must have labels of one format[^\n]*\(give format to read one of them\)\n$/),
		});
		writeFileSync(path.join(project, 'file'), '');
		const unwritable = kedge('anchors', path.join(sets.folder, 'coco'), '--out', 'file', '--restarts', '1', '--generations', '10');
		// the anchors are not lost
		expect(unwritable).toMatchObject({
			status: 1,
			stdout: expect.stringMatching(/^data set /),
			stderr: expect.stringMatching(/^kedge: cannot write into file: [^\n]*\n$/),
		});
		writeFileSync(path.join(project, 'cut.xml'), '<annotation>\n<object>');
		expect(kedge('anchors', 'cut.xml')).toEqual({
			status: 1,
			stdout: '',
			stderr: expect.stringMatching(
				/^cut\.xml:2:\d+ is not well-formed XML: [^\n]*\n1 problem: 0 boxes and 1 whole file left out\nkedge: none of 1 label files could be read\n$/,
			),
		});
		const noGpu = kedge('anchors', path.join(sets.folder, 'coco'), '--backend', 'webgpu');
		expect(noGpu).toMatchObject({ status: 1, stderr: 'kedge: --backend webgpu needs the npm package webgpu (npm install webgpu, or --backend cpu)\n' });
	});

	it('helps, and knows its version', () => {
		const { status, stdout, stderr } = kedge('anchors', '--help');
		expect([status, stderr]).toEqual([0, '']);
		for (const option of [
			'--size',
			'--count',
			'--levels',
			'--distance',
			'--generations',
			'--seed',
			'--no-evolve',
			'--backend',
			'--format',
			'--json',
			'--quiet',
			'--min-size',
			'--out',
		]) {
			expect(stdout).toContain(`\n  ${option} `);
		}
		expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
		expect(kedge('--version').stdout.trim()).toBe(JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')).version);
		expect(kedge('--help')).toMatchObject({ status: 0, stderr: '' });
	});

	it.each([
		['SIGINT', 130],
		['SIGTERM', 143],
	] as const)('interrupted by %s ends with %i and leaves nothing', async (signal, code) => {
		mkdirSync(path.join(project, signal), { recursive: true });
		const child = spawn(process.execPath, [bin(), 'anchors', path.join(sets.folder, 'coco'), '--generations', '10000000', '--out', signal], {
			cwd: project,
			env,
		});
		let stderr = '';
		child.stderr.on('data', (chunk) => {
			stderr += chunk;
		});
		const ended = new Promise((resolve) => child.on('exit', resolve));
		await new Promise((resolve) => setTimeout(resolve, 4000));
		child.kill(signal);
		expect(await ended).toBe(code);
		expect(stderr).toBe('kedge: interrupted; nothing was written\n');
		expect(readdirSync(path.join(project, signal))).toEqual([]);
	});

	it('into a reader that has seen enough ends quietly', () => {
		const script = `${JSON.stringify(bin())} anchors ${JSON.stringify(path.join(sets.folder, 'coco'))} --json --no-files --restarts 1 --generations 10 | head -c 10`;
		const { stderr, stdout } = spawnSync('sh', ['-c', script], { cwd: project, env, encoding: 'utf8', timeout: 60_000 });
		expect([stdout.length, stderr]).toEqual([10, '']);
	});
});
