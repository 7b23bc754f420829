// What the bench prints, draws and is asked for.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SaxesParser } from 'saxes';
import { afterAll, describe, expect, it } from 'vitest';
import { choose, parse } from '../../bench/args.mjs';
import { columns } from '../../bench/columns.js';
import { staleness } from '../../bench/peers.mjs';
import { plotsOf } from '../../bench/plot.js';
import type { RaceResult } from '../../bench/race.js';
import { linesOf, tableOf } from '../../bench/report.js';
import { lineOf, resultOf } from '../../bench/result.js';

const timing = (name: string, median: number) => ({ name, median, low: 0.9 * median, high: 1.1 * median, rounds: 5, batch: 2, samples: [median] });
const race = (name: string): RaceResult =>
	resultOf({
		kind: 'race' as const,
		name,
		what: 'boxes',
		detections: [30],
		timings: [timing('kedge', 0.5), timing('peer', 2), timing('odd <&"> one', 1)],
		lines: [
			lineOf({ label: 'kedge', value: 0.5, unit: 'ms', low: 0.45, high: 0.55, ratio: 1 }),
			lineOf({ label: 'peer', value: 2, unit: 'ms', low: 1.8, high: 2.2, ratio: 4, gate: 3, target: 8, note: '1 thread' }),
			lineOf({ label: 'odd <&"> one', value: 1, unit: 'ms', low: 0.9, high: 1.1, ratio: 2, gate: 3 }),
		],
	});
const setting = { engine: 'Chromium <1>', machine: 'a & b', started: '2031-02-03T04:05:06.000Z', quick: true };

describe('the table', () => {
	it('stands in columns', () => {
		expect(
			columns(
				[
					['a', '1'],
					['long', '100'],
				],
				[1],
			),
		).toEqual(['a       1', 'long  100']);
	});

	it('has every figure, gate, target and verdict', () => {
		const [, first, second, third] = tableOf([race('nms')]);
		expect(first).toMatch(/^nms +kedge +0\.500 ms +0\.450 to 0\.550 +1\.00x$/);
		expect(second).toMatch(/^ +peer +2 ms +1\.80 to 2\.20 +4\.00x +3x +8x +– target missed +1 thread$/);
		expect(third).toMatch(/odd .* 2\.00x +3x +✗ gate missed$/);
	});

	it('has a row that was not timed, and says so', () => {
		const failed = resultOf({ ...race('nms'), lines: [], timings: [] }, ['frame 0: peer: 1 detections instead of 2']);
		expect(tableOf([failed])[1]).toMatch(/^nms +✗ 1 failed$/);
		expect(linesOf(failed)).toEqual(['boxes', '✗ frame 0: peer: 1 detections instead of 2']);
	});

	it('shows a kind without a printer by its lines', () => {
		const lines = [lineOf({ label: 'bytes', value: 9632, unit: 'bytes', gate: 10_240, sense: 'at most' })];
		const said = linesOf(resultOf({ kind: 'other', name: 'n', what: 'w', lines }));
		expect(said[0]).toBe('w');
		expect(said[2]).toMatch(/^bytes +9632 bytes +≤ 10240 +✓$/);
	});
});

describe('plots', () => {
	it('are whole SVG with every name, whatever is in it', () => {
		const plots = plotsOf([race('nms'), race('yolo')], setting);
		expect(plots.map(({ name }) => name)).toEqual(['race']);
		const texts: string[] = [];
		const elements: string[] = [];
		const parser = new SaxesParser();
		parser.on('error', (error) => expect.fail(error.message));
		parser.on('opentag', ({ name }) => elements.push(name));
		parser.on('text', (text) => texts.push(text));
		parser.write(plots[0].svg).close();
		expect(elements[0]).toBe('svg');
		const all = texts.map((text) => text.trim());
		for (const text of ['nms · peer', 'nms · odd <&"> one', 'yolo · peer', '4x', 'gate missed', 'target missed']) expect(all).toContain(text);
		expect(all).toContain('Chromium <1> · a & b · 2031-02-03 · few rounds');
	});

	it('are not made of nothing', () => {
		expect(plotsOf([], setting)).toEqual([]);
		expect(plotsOf([resultOf({ ...race('nms'), lines: [], timings: [] }, ['odd'])], setting)).toEqual([]);
	});
});

describe('the command line', () => {
	const rows = [
		{ name: 'yolov8 0.25', places: ['chromium', 'node'] },
		{ name: 'nms 5k', places: ['chromium', 'node'] },
		{ name: 'nms 25k', places: ['chromium', 'node'] },
		{ name: 'gpu facts', places: ['chromium'] },
	];
	const chosen = (only: string, place = 'chromium') => choose(rows, only, place).map(({ name }: { name: string }) => name);

	it('chooses rows by parts of their names', () => {
		expect(chosen('')).toEqual(rows.map(({ name }) => name));
		expect(chosen('', 'node')).toEqual(['yolov8 0.25', 'nms 5k', 'nms 25k']);
		expect(chosen('5k, yolo')).toEqual(['yolov8 0.25', 'nms 5k', 'nms 25k']);
		expect(chosen('gpu,nms 5k', 'node')).toEqual(['nms 5k']);
		expect(chosen('nms 5k,')).toEqual(['nms 5k']);
	});

	it('refuses what names nothing or runs nowhere', () => {
		expect(() => chosen('nms,frcnn')).toThrow('got frcnn');
		expect(() => chosen('gpu', 'node')).toThrow('none runs in node');
	});

	it('knows its options', () => {
		expect(parse([])).toMatchObject({ only: '', keep: '', quick: false, node: false, list: false, help: false });
		expect(parse(['--quick', '--node', '--only', 'nms', '--keep', 'rtx-4090'])).toMatchObject({ quick: true, node: true, only: 'nms', keep: 'rtx-4090' });
		expect(() => parse(['--fast'])).toThrow(/^bench: .*'--fast'.*see --help$/);
		expect(() => parse(['yolov8'])).toThrow(/^bench: /);
		expect(() => parse(['--keep', '../up'])).toThrow('--keep must be');
	});
});

describe('the packages of the peers', () => {
	const folder = mkdtempSync(path.join(os.tmpdir(), 'kedge-bench-'));
	afterAll(() => rmSync(folder, { recursive: true }));
	const lock = (name: string, packages: object) => writeFileSync(path.join(folder, name), JSON.stringify({ packages }));

	it('are stale when one is missing or of another version', () => {
		lock('package-lock.json', { '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0', optional: true } });
		expect(staleness(folder)).toBe('they are not installed');
		mkdirSync(path.join(folder, 'node_modules'));
		lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.0' } });
		expect(staleness(folder)).toBe('');
		lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.1' } });
		expect(staleness(folder)).toBe('a is 1.0.1 instead of 1.0.0');
		lock('node_modules/.package-lock.json', {});
		expect(staleness(folder)).toBe('a is missing');
	});
});
