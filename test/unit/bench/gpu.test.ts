// What is pure in the GPU rows: exponents and estimates of growth, what the textbook pipeline refuses, tables and figures.

import { describe, expect, it } from 'vitest';
import { choose } from '../../bench/args.mjs';
import { adapterLine } from '../../bench/gpu/device.js';
import { type FrameFacts, frameLines } from '../../bench/gpu/frames.js';
import type { GrowthResult, Panel } from '../../bench/gpu/growth.js';
import { medianTime, timeBeyond } from '../../bench/gpu/main-thread.js';
import { bytesText } from '../../bench/gpu/show-frames.js';
import { exponentsByN, growthLines } from '../../bench/gpu/show-growth.js';
import { exponent, exponents, predict, roughly } from '../../bench/gpu/slopes.js';
import { maskBytes, textbookRefusal } from '../../bench/gpu/textbook.js';
import { plotsOf } from '../../bench/plot.js';
import { checkTorchvision, explain } from '../../bench/torchvision.mjs';

describe('exponents', () => {
	it('are those of powers', () => {
		expect(exponent({ n: 10, time: 3 }, { n: 100, time: 30 })).toBeCloseTo(1);
		expect(exponent({ n: 10, time: 3 }, { n: 1000, time: 30_000 })).toBeCloseTo(2);
		expect(exponent({ n: 100, time: 5 }, { n: 400, time: 5 })).toBeCloseTo(0);
	});

	it('cannot be told of one place or no time', () => {
		expect(exponent({ n: 10, time: 3 }, { n: 10, time: 4 })).toBeNaN();
		expect(exponent({ n: 10, time: 0 }, { n: 20, time: 4 })).toBeNaN();
		expect(exponents([{ n: 10, time: 3 }])).toEqual([undefined]);
	});

	it('leave out points without a time', () => {
		const found = exponentsByN([{ n: 10, time: 1 }, { n: 20 }, { n: 100, time: 100 }]);
		expect([...found.keys()]).toEqual([100]);
		expect(found.get(100)).toBeCloseTo(2);
	});
});

describe('times of the main thread', () => {
	it('are medians, and no less than nothing', () => {
		expect(medianTime([3, 1, 2])).toBe(2);
		expect(medianTime([-1, -2, 0.5])).toBe(0);
	});

	it('beyond others are taken round by round', () => {
		// a round in which all took longer says nothing
		expect(timeBeyond([1, 9, 2], [0.5, 8.5, 1])).toBe(0.5);
		expect(timeBeyond([1, 1, 1], [0.999, 1, 1.5])).toBe(0.02);
	});
});

describe('the lines of frames', () => {
	const timing = (median: number) => ({ name: '', median, low: median, high: median, rounds: 1, batch: 1, samples: [median] });
	const counts = { submits: 1, passes: 1, maps: 1, bytesMapped: 9632, objects: 0, script: 0, submit: 0 };
	const facts = (name: string, wall: number, more: Partial<FrameFacts> = {}): FrameFacts => ({ name, wall: timing(wall), counts, bytesHeld: 0, ...more });
	const goals = { textbookWall: { gate: 5 }, readbackMainThread: { gate: 5 } };
	const frames = (kedge: Partial<FrameFacts>) => [
		facts('kedge, webgpu', 2, { mainThread: 1, ownMainThread: 0.5, ...kedge }),
		facts('bitmask and rank sort', 8),
		facts('readback and kedge, CPU', 3, { mainThread: 1, ownMainThread: 1 }),
		facts('readback and loop demo', 4, { mainThread: 4, ownMainThread: 3 }),
	];
	const verdicts = (lines: ReturnType<typeof frameLines>) =>
		Object.fromEntries(lines.filter(({ verdict }) => verdict).map(({ label, verdict }) => [label, verdict]));
	const met = { 'submits of a frame': 'met', 'passes of a frame': 'met', 'maps of a frame': 'met', 'bytes read back': 'met', 'GPU objects created': 'met' };

	it('judge own parts on a software adapter, all that a frame costs on a GPU', () => {
		const software = frameLines(frames({}), goals, { software: true }, 'chromium');
		// 8 / 2 is below 5, 3 / 0.5 is not
		expect(verdicts(software)).toEqual({ ...met, 'bitmask and rank sort': 'gate missed', 'main thread, own part: readback and loop demo': 'met' });
		expect(software.find(({ label }) => label === 'main thread: readback and loop demo')?.note).toBe('software adapter: not judged');
		const hardware = frameLines(frames({}), goals, { software: false }, 'chromium');
		expect(verdicts(hardware)).toEqual({ ...met, 'main thread: readback and loop demo': 'gate missed' });
	});

	it('hold every count against its gate', () => {
		const over = { submits: 2, passes: 2, maps: 2, bytesMapped: 10 * 1024 + 1, objects: 1, script: 0, submit: 0 };
		const found = verdicts(frameLines(frames({ counts: over }), {}, { software: true }, 'node'));
		expect(found).toEqual(Object.fromEntries(Object.keys(met).map((label) => [label, 'gate missed'])));
	});

	it('fail where a browser does not tell what the gate is about; Node never tells', () => {
		const untold = frames({ mainThread: undefined, ownMainThread: undefined });
		expect(() => frameLines(untold, goals, { software: true }, 'chromium')).toThrow(/told no CPU time/);
		expect(frameLines(untold, goals, { software: true }, 'node').some(({ label }) => label.startsWith('main thread'))).toBe(false);
	});
});

describe('estimates', () => {
	it('go on from the last two points, a little steeper', () => {
		const linear = [
			{ n: 10, time: 1 },
			{ n: 100, time: 10 },
		];
		expect(predict(linear, 1000)).toBeCloseTo(10 * 10 ** 1.2);
	});

	it('take no growth for less than linear, nor for more than quadratic', () => {
		const flat = [
			{ n: 10, time: 5 },
			{ n: 100, time: 5 },
		];
		expect(predict(flat, 1000)).toBeCloseTo(50);
		const cubic = [
			{ n: 10, time: 1 },
			{ n: 100, time: 1000 },
		];
		expect(predict(cubic, 1000)).toBeCloseTo(100_000);
	});

	it('know what a contestant does at least, and nothing before the first point', () => {
		expect(predict([{ n: 10, time: 1 }], 100, 2)).toBeCloseTo(100);
		expect(predict([], 100)).toBeUndefined();
	});

	it('are said in words', () => {
		expect([12.34, 4567, 600_000, 9_000_000].map(roughly)).toEqual(['12 ms', '4.6 s', '10 min', '2.5 h']);
	});
});

describe('the textbook pipeline', () => {
	const limits = (bytes: number) => ({ maxStorageBufferBindingSize: bytes, maxBufferSize: bytes }) as GPUSupportedLimits;

	it('needs a bit for every pair', () => {
		expect(maskBytes(4096)).toBe(2 * 2 ** 20);
		expect(maskBytes(8192)).toBe(8 * 2 ** 20);
		// a word more where the last tile is not full
		expect(maskBytes(65)).toBe(65 * 16);
	});

	it('refuses what the device cannot hold', () => {
		expect(textbookRefusal(32_768, limits(2 ** 27))).toBeUndefined();
		expect(textbookRefusal(32_769, limits(2 ** 27))).toContain(String(maskBytes(32_769)));
		expect(textbookRefusal(200_000, limits(2 ** 33))).toContain('131072 boxes in workgroup memory');
	});
});

describe('what is shown', () => {
	const adapter = { vendor: 'v', architecture: 'a', device: '', description: 'v', software: true, timestamps: false, maxBytes: 1 };
	const panel: Panel = {
		title: 'clustered, 1 class, no limit',
		curves: [
			{
				contestant: 'kedge, CPU',
				points: [
					{ n: 100, time: 1, kept: 8 },
					{ n: 1000, time: 10, kept: 83 },
				],
			},
			{
				contestant: 'textbook, GPU',
				points: [
					{ n: 100, time: 2, kept: 8 },
					{ n: 1000, missing: 'not run: would take about 3 s a call' },
				],
			},
		],
	};
	const result: GrowthResult = { kind: 'growth', name: 'gpu growth', what: 'nms', adapter, panels: [panel], lines: [], failures: [], misses: [] };

	it('names the adapter without saying a thing twice', () => {
		expect(adapterLine(adapter)).toBe('v, a (software: counts work, says nothing of a GPU); no timestamp-query, so no GPU times');
	});

	it('has a line for every N, exponents, and why a point is missing', () => {
		const lines = growthLines(result);
		expect(lines.filter((line) => /^ *(100|1,000) /.test(line)).map((line) => line.trim().split(/ {2,}/))).toEqual([
			['100', '8', '1 ms', '2 ms'],
			['1,000', '83', '10 ms', 'n^1.00', '–'],
		]);
		expect(lines.at(-1)).toBe('  textbook, GPU, 1,000: not run: would take about 3 s a call');
	});

	it('is drawn with a line for each contestant', () => {
		const setting = { engine: 'here', machine: 'this', started: '2026-01-01T00:00:00Z', quick: false };
		const [plot] = plotsOf([result], setting);
		expect(plot.name).toBe('growth');
		expect(plot.svg).toContain('clustered, 1 class, no limit: boxes');
		expect(plot.svg).toContain('kedge, CPU');
		expect(plot.svg).toContain('textbook, GPU');
		const none = { ...panel, curves: panel.curves.map((curve) => ({ ...curve, points: [{ n: 100, missing: 'not run' }] })) };
		const unmeasured: GrowthResult = { ...result, panels: [none] };
		expect(plotsOf([unmeasured], setting)).toEqual([]);
	});

	it('says bytes shortly', () => {
		expect([9632, 98_400, 136_335_552].map(bytesText)).toEqual(['9632 B', '98.4 kB', '136 MB']);
	});
});

describe('torchvision', () => {
	it('that is missing is said with the remedy', () => {
		const none = "Traceback ...\nModuleNotFoundError: No module named 'torchvision'\n";
		expect(explain('python3', 1, none)).toMatch(/^bench: --torchvision needs torchvision in python3, which has none; pip install/);
		expect(explain('python4', 'ENOENT', 'spawn python4 ENOENT')).toContain('it ended with ENOENT: spawn python4 ENOENT');
	});

	it('is looked for before anything runs', async () => {
		await expect(checkTorchvision('/no/such/python')).rejects.toThrow('KEDGE_PYTHON');
	});

	it('has a row that runs when it is asked for', () => {
		const rows = [
			{ name: 'gpu memory', places: ['chromium'] },
			{ name: 'gpu torchvision', places: ['chromium'], option: 'torchvision' },
		];
		expect(choose(rows, 'gpu', 'chromium')).toEqual([rows[0]]);
		expect(choose(rows, 'gpu', 'chromium', ['torchvision'])).toEqual(rows);
		expect(() => choose(rows, 'gpu torchvision', 'chromium')).toThrow('must be asked for by --torchvision');
	});
});
