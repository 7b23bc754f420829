// URL parameters and class names of the demo: what is read, what is refused and how it is said.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BACKENDS, DEFAULTS, LABEL_LIMITS, RUNTIMES, readLabels, readSettings, type Settings, SOURCES, writeSettings } from '../../../demo/settings.js';

test('no parameters give the defaults, and defaults give no parameters', () => {
	expect(readSettings('')).toEqual({ settings: DEFAULTS, problems: [] });
	expect(writeSettings(DEFAULTS)).toBe('');
});

test('what is written is read back', () => {
	const settings: fc.Arbitrary<Settings> = fc.record({
		source: fc.constantFrom(...SOURCES),
		backend: fc.constantFrom(...BACKENDS),
		runtime: fc.constantFrom(...RUNTIMES),
		score: fc.integer({ min: 0, max: 100 }).map((v) => v / 100),
		iou: fc.integer({ min: 0, max: 100 }).map((v) => v / 100),
		max: fc.integer({ min: 1, max: 1000 }),
		frame: fc.integer({ min: 0, max: 1_000_000 }),
		agnostic: fc.boolean(),
		compare: fc.boolean(),
		paused: fc.boolean(),
	});
	fc.assert(
		fc.property(settings, (given) => {
			expect(readSettings(writeSettings(given))).toEqual({ settings: { ...given }, problems: [] });
		}),
	);
});

test('any query gives complete settings within their limits, and never throws', () => {
	const name = fc.oneof(fc.constantFrom(...Object.keys(DEFAULTS), '__proto__', 'constructor', 'toString'), fc.string());
	fc.assert(
		fc.property(fc.array(fc.tuple(name, fc.oneof(fc.string(), fc.double().map(String)))), (pairs) => {
			const { settings } = readSettings(new URLSearchParams(pairs).toString());
			expect(Object.keys(settings)).toEqual(Object.keys(DEFAULTS));
			expect(settings.score >= 0 && settings.score <= 1 && settings.iou >= 0 && settings.iou <= 1).toBe(true);
			expect(Number.isInteger(settings.max) && settings.max >= 1 && settings.max <= 1000).toBe(true);
		}),
	);
});

test('unknown and inherited names are refused by name', () => {
	for (const name of ['__proto__', 'constructor', 'toString', 'Score'])
		expect(readSettings(`${name}=1`).problems).toEqual([expect.stringMatching(`^URL: "${name}" must be one of source, `)]);
	expect(readSettings('score=1e-1').problems).toEqual(['URL: "score" must be from 0 to 1; got "1e-1"']);
	expect(readSettings(`score=${'9'.repeat(500)}`).problems[0].length).toBeLessThan(140);
});

test('class names: markup stays as it is; control characters and giant lists are refused', () => {
	expect(readLabels(' a, <img src=x onerror=alert(1)> ,=1+1')).toEqual(['a', '<img src=x onerror=alert(1)>', '=1+1']);
	expect(readLabels('  ')).toEqual([]);
	for (const text of ['a\u0000b', 'a\nb', 'a\u007f']) expect(() => readLabels(text)).toThrow('class names: must be one line of text; got a control character');
	expect(() => readLabels('x'.repeat(LABEL_LIMITS.characters + 1))).toThrow(
		`class names: must have ${LABEL_LIMITS.characters} characters at most; got ${LABEL_LIMITS.characters + 1}`,
	);
	expect(() => readLabels(','.repeat(LABEL_LIMITS.names))).toThrow(`class names: must be ${LABEL_LIMITS.names} at most; got ${LABEL_LIMITS.names + 1}`);
});
