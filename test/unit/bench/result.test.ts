// Gates and targets of the bench: what is missed, what fails a run, and that only equal answers are timed.

import { describe, expect, it, vi } from 'vitest';
import type { Answer } from '../../bench/answer.js';
import { type Contestant, type RaceResult, raceRow } from '../../bench/race.js';
import { judge, lineOf, type Place, resultOf, shortNumber } from '../../bench/result.js';

describe('judge', () => {
	it('tells a missed gate from a missed target', () => {
		const goal = { gate: 3, target: 8 };
		expect([2.99, 3, 7.99, 8, 9].map((value) => judge(value, goal))).toEqual(['gate missed', 'target missed', 'target missed', 'met', 'met']);
		expect(judge(Number.NaN, goal)).toBe('gate missed');
		expect(judge(1, {})).toBe('');
		expect(judge(1, { target: 2 })).toBe('target missed');
		expect(judge(2, { gate: 2 })).toBe('met');
	});

	it('knows numbers that are to be small', () => {
		const goal = { gate: 10_240, target: 5000, sense: 'at most' } as const;
		expect([10_241, 10_240, 5001, 5000, 0].map((value) => judge(value, goal))).toEqual(['gate missed', 'target missed', 'target missed', 'met', 'met']);
		expect(judge(Number.NaN, { gate: 0, sense: 'at most' })).toBe('gate missed');
	});
});

describe('resultOf', () => {
	it('makes failures of gates and differences, and misses of targets', () => {
		const lines = [
			lineOf({ label: 'kedge', value: 1, unit: 'ms', ratio: 1 }),
			lineOf({ label: 'slow', value: 2, unit: 'ms', ratio: 2, gate: 3, target: 8 }),
			lineOf({ label: 'fair', value: 5, unit: 'ms', ratio: 5, gate: 3, target: 8 }),
			lineOf({ label: 'bytes', value: 20_000, unit: 'bytes', gate: 10_240, sense: 'at most' }),
		];
		const result = resultOf({ kind: 'race', name: 'a', what: 'b', lines }, ['frame 0: odd']);
		expect(result.failures).toEqual(['frame 0: odd', 'slow: 2x, gate at least 3x', 'bytes: 20000 bytes, gate at most 10240']);
		expect(result.misses).toEqual(['fair: 5x, target at least 8x']);
	});
});

it('shortNumber keeps three digits', () => {
	expect([0.012345, 1.2345, 99.96, 413, 2345.6, Number.NaN].map(shortNumber)).toEqual(['0.0123', '1.23', '100', '413', '2346', 'NaN']);
});

describe('a race', () => {
	const answer = (indices: number[]): Answer => ({ indices });
	const contestant = (name: string, found: (frame: number) => number[], more: Partial<Contestant> = {}): Contestant => ({ name, run: found, answer, ...more });
	const run = async (...contestants: Contestant[]): Promise<RaceResult> => {
		const row = raceRow({ name: 'r', what: 'w', frames: 2, make: async () => contestants });
		return (await row.run({ place: 'chromium', quick: true, progress: () => undefined })) as RaceResult;
	};

	it('times nothing when an answer of any frame differs', async () => {
		const result = await run(
			contestant('kedge', (frame) => [frame]),
			contestant('peer', () => [0]),
		);
		expect(result.failures).toEqual(['frame 1: peer: detection 0 is number 0 instead of 1']);
		expect([result.lines, result.timings]).toEqual([[], []]);
		expect(result.detections).toEqual([1, 1]);
	});

	it('compares what is timed, too, where a peer has rules of its own', async () => {
		const result = await run(
			contestant('kedge', () => [1]),
			contestant('peer', () => [1, 2], { reference: () => answer([1, 2]) }),
		);
		expect(result.failures).toEqual([0, 1].map((frame) => `frame ${frame}: peer: 2 detections instead of 1`));
		expect(result.timings).toEqual([]);
	});

	it('fails where nothing was found', async () => {
		const result = await run(contestant('kedge', (frame) => (frame === 0 ? [] : [1])));
		expect(result.failures).toEqual(['frame 0: nothing was found, so nothing is compared']);
	});

	it('has gates everywhere, and targets in a browser', async () => {
		vi.useFakeTimers({ toFake: ['performance'] });
		const slow = (ms: number) => () => {
			vi.advanceTimersByTime(ms);
			return [1];
		};
		const make = async () => [
			contestant('kedge', slow(2)),
			contestant('peer', slow(10), { gate: 6, target: 8 }),
			contestant('other', slow(14), { gate: 6, target: 8 }),
		];
		const row = raceRow({ name: 'r', what: 'w', frames: 1, make });
		const verdicts = async (place: Place) => (await row.run({ place, quick: true, progress: () => undefined })).lines.map(({ verdict }) => verdict);
		try {
			expect(await verdicts('chromium')).toEqual(['', 'gate missed', 'target missed']);
			expect(await verdicts('node')).toEqual(['', 'gate missed', 'met']);
		} finally {
			vi.useRealTimers();
		}
	});

	it('compares a peer with what kedge finds by its rules', async () => {
		const turns: string[] = [];
		const peer = contestant('peer', () => [7], { reference: async () => ({ indices: [8] }), turn: () => turns.push('peer') });
		const result = await run(
			contestant('kedge', () => [7]),
			peer,
		);
		expect(result.failures).toEqual(['frame 0: peer: detection 0 is number 7 instead of 8', 'frame 1: peer: detection 0 is number 7 instead of 8']);
		expect(turns).toEqual(['peer', 'peer']);
	});
});
