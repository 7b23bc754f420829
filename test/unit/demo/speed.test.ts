// The speed page without its page: samples suit the clock, differing answers are told and not timed, a GPU that fails leaves
// the CPU, and what is copied says where it was measured, whatever a browser calls itself.

import { describe, expect, it, vi } from 'vitest';
import { runRow } from '../../../demo/speed/bench.js';
import { clockError, clockResolution, commonTick, leastSample } from '../../../demo/speed/clock.js';
import { escapeMarkdown, jsonOf, markdownOf } from '../../../demo/speed/copies.js';
import { adapterText, browserName, factLines, notesOf } from '../../../demo/speed/facts.js';
import type { Gpu } from '../../../demo/speed/gpu.js';
import { bytesText, type Facts, type Report, ratioText, timeText, verdictsOf, verdictText } from '../../../demo/speed/report.js';
import type { Contestant, Row } from '../../../demo/speed/rows.js';
import { Run } from '../../../demo/speed/run.js';

/** A clock that moves by a microsecond with each look, and ticks every so many milliseconds. */
function ticking(resolution: number): () => number {
	let looks = 0;
	return () => Math.floor(++looks / 1000 / resolution) * resolution;
}

describe('the clock', () => {
	it.each([0.005, 0.1, 1, 16])('is told to tick every %f ms', (resolution) => {
		expect(clockResolution(ticking(resolution))).toBeCloseTo(resolution, 6);
	});

	it('gets samples that are right to 2 percent, where that takes no more than a tenth of a second', () => {
		for (const resolution of [0.005, 0.02, 0.1, 1, 2]) {
			expect(resolution / leastSample(resolution), String(resolution)).toBeLessThanOrEqual(0.02);
			expect(clockError(resolution)).toBeLessThanOrEqual(0.02);
		}
		expect(leastSample(0.005), 'a fine clock asks for no more than the bench does').toBe(1);
		expect(leastSample(100)).toBe(100);
		expect(clockError(100)).toBe(1);
	});

	it('of the GPU is seen to be rounded when all times are multiples of one', () => {
		const quantum = 65_536e-6;
		expect(commonTick(Array.from({ length: 40 }, (_, i) => (i % 5) * quantum))).toBeCloseTo(quantum, 9);
		expect(commonTick(Array.from({ length: 40 }, (_, i) => 0.01 * (i + 1) ** 1.5))).toBeUndefined();
		expect(commonTick([quantum, 2 * quantum]), 'too few to tell').toBeUndefined();
		expect(commonTick([])).toBeUndefined();
	});
});

const FACTS: Facts = {
	kedge: '1.2.3',
	date: '2026-01-02T03:04:05.678Z',
	adapter: { vendor: 'acme', architecture: 'rocket-2', device: '', description: 'Acme Rocket 9000', software: false, timestamps: true },
	browser: 'Chromium 150.0.1',
	userAgent: 'Mozilla/5.0 | <img src=x> `code` @someone _x_ https://example.org/',
	platform: 'Linux 6.1 x86',
	cores: 8,
	isolated: true,
	resolution: 0.005,
};
const time = (median: number) => ({ median, low: median * 0.9, high: median * 1.2, rounds: 10, batch: 1 });
const REPORT: Report = {
	facts: FACTS,
	effort: 'brief',
	rows: [
		{
			...{ id: 'a', title: 'A head', what: '[1, 84, 8400]', detections: [30, 30] },
			lines: [
				{ name: 'kedge cpu', side: 'cpu', time: time(0.4), ratio: 1 },
				{
					name: 'kedge webgpu',
					side: 'webgpu',
					time: time(1.2),
					ratio: 3,
					waits: true,
					thread: 0.1,
					bytesRead: 9632,
					stages: { decode: 0.02, suppress: 0.03 },
				},
				{ name: 'tutorial code', time: time(20), ratio: 50 },
			],
		},
		{
			...{ id: 'b', title: 'Another', what: 'clustered', detections: [7], problem: 'The answers differ, so nothing was timed.' },
			lines: [
				{ name: 'kedge cpu', side: 'cpu' },
				{ name: 'two loops', difference: 'frame 1: 6 detections instead of 7' },
			],
		},
	],
	choices: [
		{ row: 'a', tensor: '2.8 MB in CPU memory', kind: 'webgpu', reason: 'why not' },
		{ row: 'b', tensor: '1 MB', kind: 'cpu', reason: 'small' },
	],
	notes: ['A note | with a bar.'],
};

describe('facts', () => {
	it('name the browser by its own brand', () => {
		const brands = (...names: string[]) => names.map((brand, i) => ({ brand, version: `${i}.0` }));
		expect(browserName(brands('Not)A;Brand', 'Chromium', 'Google Chrome'))).toBe('Google Chrome 2.0');
		expect(browserName(brands('Chromium', 'Not_A Brand'))).toBe('Chromium 0.0');
		expect(browserName(brands('Microsoft Edge', 'Not=A?Brand', 'Chromium'))).toBe('Microsoft Edge 0.0');
		expect(browserName([])).toBe('');
	});

	it('say what the adapter tells, and that it hides the rest', () => {
		expect(adapterText(FACTS.adapter as never)).toBe('acme, rocket-2, Acme Rocket 9000');
		expect(adapterText({ vendor: '', architecture: '', device: '', description: '', software: false, timestamps: true })).toMatch('hides');
		const lines = new Map(factLines({ ...FACTS, adapter: undefined, noGpu: 'this browser has none', isolated: false, resolution: 0.1 }));
		expect(lines.get('Adapter')).toBe('none (this browser has none)');
		expect(lines.get('Clock')).toBe('ticks every 0.1 ms; not cross-origin isolated');
		expect(lines.get('System')).toBe('Linux 6.1 x86, 8 cores');
		expect(lines.get('kedge')).toBe('1.2.3, 2026-01-02 03:04 UTC');
	});

	it('come with a sentence for whatever makes numbers mean something else', () => {
		expect(notesOf(FACTS)).toEqual([]);
		const adapter = FACTS.adapter as NonNullable<Facts['adapter']>;
		const said = (facts: Partial<Facts>, more = {}) => notesOf({ ...FACTS, ...facts }, more).join('\n');
		expect(said({ adapter: { ...adapter, software: true } })).toMatch('software one: its times say nothing of a GPU');
		expect(said({ adapter: { ...adapter, timestamps: false } })).toMatch('no timestamp-query');
		expect(said({ adapter: undefined, noGpu: 'it found no adapter' })).toMatch(/it found no adapter.*only the CPU/);
		expect(said({}, { gpuFailures: ['The device was lost.'] })).toMatch('The device was lost.');
		expect(said({}, { stageTick: 0.1 })).toMatch('clock to 0.1 ms');
		expect(said({ resolution: 1, isolated: false })).toMatch('COOP and COEP');
		expect(said({ resolution: 16 })).toMatch('16 percent');
	});
});

describe('texts', () => {
	it('have three digits of a time, two of a ratio', () => {
		expect([0.012345, 1.2345, 99.95, 1234.5].map(timeText)).toEqual(['0.0123 ms', '1.23 ms', '100 ms', '1,235 ms']);
		expect([0.0291, 0.834, 1, 3.94, 48.6, 137, 1740].map(ratioText)).toEqual(['0.029×', '0.83×', '1.0×', '3.9×', '49×', '140×', '1,700×']);
		expect([160, 9632, 2_822_400].map(bytesText)).toEqual(['160 B', '9.6 kB', '2.82 MB']);
	});

	it('hold what auto took against the fastest of its backends', () => {
		const [first, second] = verdictsOf(REPORT);
		expect(first.fastest, 'a peer is no choice of auto').toBe('cpu');
		expect(first.factor).toBeCloseTo(3);
		expect(verdictText(first)).toBe('cpu; webgpu takes 3.0× as long');
		expect(verdictText(second), 'a row that was not timed').toBe('not measured');
		expect(verdictText({ ...first, factor: 1.04 })).toBe('cpu, by less than a tenth');
		expect(verdictText({ ...first, kind: 'cpu', factor: 1 })).toBe('cpu');
		expect(verdictText({ ...first, kind: 'hybrid', factor: undefined })).toBe('cpu; hybrid was not measured');
	});

	it('are only text in Markdown', () => {
		const text = escapeMarkdown(FACTS.userAgent);
		expect(text).not.toMatch(/(?<!\\)[|<>`_]|@|https:\/\//);
		expect(text.replace(/\\(.)/g, '$1').replaceAll('&#64;', '@').replaceAll('&#47;', '/'), 'and all of it').toBe(FACTS.userAgent);
	});

	it('make tables of as many cells in every line', () => {
		const markdown = markdownOf(REPORT);
		const blocks = markdown.split('\n\n').filter((block) => block.startsWith('|'));
		expect(blocks.length).toBe(4);
		for (const block of blocks) {
			const widths = block
				.trim()
				.split('\n')
				.map((line) => line.match(/(?<!\\)\|/g)?.length);
			expect(new Set(widths).size, block).toBe(1);
		}
		expect(markdown).toMatch('| kedge cpu | 0.400 ms | 0.360 ms to 0.480 ms | 1.0× | all | – |');
		expect(markdown).toMatch('| kedge webgpu | 1.20 ms | 1.08 ms to 1.44 ms | 3.0× | 0.100 ms | 9.6 kB |');
		expect(markdown).toMatch('| Adapter | acme, rocket-2, Acme Rocket 9000 |');
		expect(markdown).toMatch('| Browser | Chromium 150.0.1 |');
		expect(markdown).toMatch('| A head, kedge webgpu | 0.020 | 0.030 | 0.050 |');
		expect(markdown).toMatch('- two loops: frame 1: 6 detections instead of 7');
		expect(markdown).toMatch('> A note \\| with a bar.');
		expect(markdown.split('**Another**')[1].split('**Stages')[0], 'no times where answers differ').not.toMatch(/ ms/);
	});

	it('have all digits in JSON', () => {
		const { rows, facts, choices } = JSON.parse(jsonOf(REPORT));
		expect(facts).toEqual(FACTS);
		expect(rows[0].lines[2].ratio).toBeCloseTo(50);
		expect(rows.map(({ equal }: { equal: boolean }) => equal)).toEqual([true, false]);
		expect(choices[0].fastest).toBe('cpu');
	});
});

const MANNER = { effort: 'glance', resolution: 0.005, say: () => undefined } as const;
const contestant = (name: string, found: (frame: number) => number[], more: Partial<Contestant> = {}): Contestant => ({
	...{ name, run: found, answer: (indices: number[]) => ({ indices }) },
	...more,
});
const rowOf = (contestants: readonly Contestant[], more: Partial<Row> = {}): Row => ({
	...{ id: 'x', title: 'X', what: 'x', frames: 3, make: async () => ({ contestants, dispose: () => undefined }) },
	...more,
});

describe('a row', () => {
	it('is timed when all answers are equal on every frame', async () => {
		const { report } = await runRow(rowOf([contestant('a', (i) => [i, 8]), contestant('b', (i) => [i, 8])]), undefined, MANNER);
		expect(report.detections).toEqual([2, 2, 2]);
		expect(report.lines.map(({ difference, time: timing }) => [difference, (timing?.median ?? 0) > 0])).toEqual([
			[undefined, true],
			[undefined, true],
		]);
	});

	it('is not timed when one differs on one frame; it is told who and where', async () => {
		const { report } = await runRow(rowOf([contestant('a', () => [1, 8]), contestant('b', (i) => (i === 1 ? [1, 9] : [1, 8]))]), undefined, MANNER);
		expect(report.problem).toMatch('differ');
		expect(report.lines[0].difference).toBeUndefined();
		expect(report.lines[1].difference).toBe('frame 2: detection 1 is number 9 instead of 8');
		expect(report.lines.every((line) => line.time === undefined)).toBe(true);
	});

	it('is not timed when nothing is found', async () => {
		const { report } = await runRow(rowOf([contestant('a', () => []), contestant('b', () => [])]), undefined, MANNER);
		expect(report.problem).toMatch('Nothing was found');
		expect(report.lines.every((line) => line.time === undefined)).toBe(true);
	});

	it('tells what auto takes, and is cleared away, whatever happens', async () => {
		const dispose = vi.fn();
		const auto = async () => ({ kind: 'cpu', reason: 'small' }) as const;
		const row = rowOf([], { tensor: '1 MB', make: async () => ({ contestants: [contestant('a', () => [1])], auto, dispose }) });
		expect((await runRow(row, undefined, MANNER)).choice).toEqual({ row: 'x', tensor: '1 MB', kind: 'cpu', reason: 'small' });
		const failing = rowOf([], { make: async () => ({ contestants: [contestant('a', () => Promise.reject(new Error('no')) as never)], dispose }) });
		await expect(runRow(failing, undefined, MANNER)).rejects.toThrow('no');
		expect(dispose).toHaveBeenCalledTimes(2);
	});
});

describe('a run', () => {
	const gpu = () => ({ backend: { dispose: vi.fn() }, lost: undefined }) as unknown as Gpu;
	/** Has one contestant on the CPU, and one that `act` is, where there is a GPU. */
	const mixed = (id: string, act: (given: Gpu) => number[]) =>
		rowOf([], {
			...{ id, title: id },
			make: async (given) => ({
				contestants: [contestant('cpu', () => [1]), ...(given ? [contestant('gpu', () => act(given))] : [])],
				dispose: () => undefined,
			}),
		});
	const namesOf = (report: Report) => report.rows.map(({ id, lines }) => `${id}: ${lines.map(({ name }) => name).join(', ')}`);

	it('goes on on the CPU after the device was lost, and says so', async () => {
		const device = gpu();
		const losing = mixed('second', (given) => {
			given.lost = 'pulled out';
			throw new Error('gone');
		});
		const onlyGpu = { ...mixed('third', () => [1]), needsGpu: true };
		const report = await new Run(FACTS, 'glance', () => undefined).all(
			[mixed('first', () => [1]), losing, onlyGpu, mixed('fourth', () => [1])],
			async () => device,
		);
		expect(namesOf(report)).toEqual(['first: cpu, gpu', 'second: cpu', 'fourth: cpu']);
		expect(report.notes).toEqual(['second: the GPU failed: the device was lost (pulled out), and the rest ran on the CPU alone.']);
	});

	it('leaves the GPU out of the row that failed alone while the device lives', async () => {
		const failing = mixed('first', () => {
			throw new Error('out of memory');
		});
		const report = await new Run(FACTS, 'glance', () => undefined).all([failing, mixed('second', () => [1])], async () => gpu());
		expect(namesOf(report)).toEqual(['first: cpu', 'second: cpu, gpu']);
		expect(report.notes).toEqual(['first: the GPU failed: out of memory.']);
	});

	it('runs on the CPU when the device cannot be opened, and tells where it is', async () => {
		const said: string[] = [];
		const refuse = async () => {
			throw new Error('no device');
		};
		const report = await new Run(FACTS, 'glance', ({ row, rows, title }) => said.push(`${row + 1}/${rows} ${title}`)).all([mixed('first', () => [1])], refuse);
		expect(namesOf(report)).toEqual(['first: cpu']);
		expect(report.notes).toEqual(['The GPU could not be opened: no device.']);
		expect(new Set(said)).toEqual(new Set(['1/1 first']));
	});
});
