// The matching page without its page: anchors are where they are said to be, scenes are what their captions say, and every
// explanation agrees with the label that kedge gave, whatever the rule, the scene and the anchor.

import { describe, expect, it } from 'vitest';
import { ANCHOR_SETS, anchorSet, cellAt, placeOf, rowOf } from '../../../demo/matching/anchor-sets.js';
import { dragged, LEAST_SIDE } from '../../../demo/matching/editor.js';
import { explain } from '../../../demo/matching/explain.js';
import { RULES, type Thresholds } from '../../../demo/matching/rules.js';
import { SCENES } from '../../../demo/matching/scenes.js';
import { random } from '../../support/random.js';

const STANDARD: Thresholds = { positive: 0.5, negative: 0.4, minPositive: 0, ignore: 0.7, ratio: 4, topK: 9, radius: 1.5 };
const boxesOf = (id: string, scene: string) => {
	const set = anchorSet(id);
	const truths = (SCENES.find((each) => each.id === scene) as (typeof SCENES)[number]).make(set);
	return { set, truths, boxes: Float32Array.from(truths.flatMap(({ box }) => box)) };
};

describe.each(ANCHOR_SETS)('anchors of %s', (id) => {
	const set = anchorSet(id);

	it('are numbered level by level, and every row is found again', () => {
		const last = set.levels.at(-1) as (typeof set.levels)[number];
		expect(last.start + last.rows * last.columns * last.perCell).toBe(set.boxes.length / 4);
		const next = random(3);
		for (let i = 0; i < 300; i++) {
			const anchor = Math.floor((next() * set.boxes.length) / 4);
			expect(rowOf(set, placeOf(set, anchor))).toBe(anchor);
		}
	});

	it('are centred where their cell is looked for', () => {
		const next = random(4);
		for (let i = 0; i < 300; i++) {
			const anchor = Math.floor((next() * set.boxes.length) / 4);
			const [x1, y1, x2, y2] = set.boxes.subarray(4 * anchor, 4 * anchor + 4);
			const { level, row, column } = placeOf(set, anchor);
			// torchvision's rounded corners may be half a pixel off
			expect(cellAt(set, level, (x1 + x2) / 2, (y1 + y2) / 2)).toEqual({ row, column });
		}
	});

	it('have rules that are known', () => {
		for (const rule of set.rules) expect(Object.keys(RULES)).toContain(rule);
	});
});

describe('scenes', () => {
	it.each(ANCHOR_SETS)('lie inside of the picture of %s', (id) => {
		const { inputSize } = anchorSet(id);
		for (const { make } of SCENES) {
			for (const { box } of make(anchorSet(id))) {
				expect(box[0]).toBeGreaterThanOrEqual(0);
				expect(box[1]).toBeGreaterThanOrEqual(0);
				expect(box[2]).toBeLessThanOrEqual(inputSize);
				expect(box[3]).toBeLessThanOrEqual(inputSize);
				expect(box[2] - box[0]).toBeGreaterThan(0);
				expect(box[3] - box[1]).toBeGreaterThan(0);
			}
		}
	});

	it.each(['yolov3', 'yolov5'])('put the centres of person and racket into one cell of %s’s coarsest level', (id) => {
		const { truths } = boxesOf(id, 'racket');
		const cells = truths.map(({ box }) => [Math.floor((box[0] + box[2]) / 2 / 32), Math.floor((box[1] + box[3]) / 2 / 32)]);
		expect(cells[0]).toEqual(cells[1]);
	});

	it('leave two objects with one best anchor, and one object with two', () => {
		for (const id of ['retinanet-torchvision', 'retinanet-mmdet', 'rpn', 'ssd300']) {
			const two = boxesOf(id, 'shared');
			const fates = RULES.mmdet.run(two.set, two.boxes, STANDARD).groundTruths;
			expect(fates[0].bestAnchor, id).toBe(fates[1].bestAnchor);
			const tie = boxesOf(id, 'tie');
			// only what is rescued
			const { numPositives } = RULES.detectron2.run(tie.set, tie.boxes, { ...STANDARD, positive: 1 });
			expect(numPositives, id).toBeGreaterThanOrEqual(2);
		}
	});
});

/** What a label is called in the sentence that decided. */
const CALLED: Record<string, RegExp> = {
	'-1': /ignored|not punished/,
	'0': /negative|another|neither|not less|not in|written over/i,
	'1': /positive|answers for|took it|smallest has it/,
};

describe.each(ANCHOR_SETS)('explanations for %s', (id) => {
	it('name one step that decided, and it says what the label is', () => {
		const next = random(5);
		for (const scene of SCENES) {
			const { set, truths, boxes } = boxesOf(id, scene.id);
			const names = truths.map(({ kind }, i) => `${kind} ${i + 1}`);
			const wanted = set.published;
			for (const name of set.rules) {
				const rule = RULES[name];
				const thresholds = { ...STANDARD, ...wanted };
				const matches = rule.run(set, boxes, thresholds);
				const anchors = [...matches.labels.keys()].filter((anchor) => matches.labels[anchor] !== 0 || next() < 0.01);
				for (const anchor of anchors.slice(0, 250)) {
					const { steps, measures } = explain({ set, boxes, names, rule, thresholds, matches, anchor });
					const where = `${scene.id}, ${name}, anchor ${anchor}, label ${matches.labels[anchor]}: ${steps.map(({ text }) => text).join(' | ')}`;
					const decided = steps.filter((step) => step.decided);
					expect(decided.length, where).toBe(1);
					expect(decided[0].text, where).toMatch(CALLED[matches.labels[anchor]]);
					expect(measures.length, where).toBe(truths.length);
				}
			}
		}
	});

	it('say what becomes of anchors when an object overlaps none of them', () => {
		const { set, boxes: person } = boxesOf(id, 'racket');
		const boxes = Float32Array.from([...person, -9000, -9000, -8990, -8990]);
		const names = ['person', 'racket', 'stray'];
		for (const name of set.rules.filter((each) => RULES[each].facts)) {
			const rule = RULES[name];
			const matches = rule.run(set, boxes, STANDARD);
			for (const anchor of [0, 1, ...matches.labels.keys()].filter((each, i) => i < 2 || each % 97 === 0)) {
				const { steps } = explain({ set, boxes, names, rule, thresholds: STANDARD, matches, anchor });
				const where = `${name}, anchor ${anchor}, label ${matches.labels[anchor]}: ${steps.map(({ text }) => text).join(' | ')}`;
				const decided = steps.filter((step) => step.decided);
				expect(decided.length, where).toBe(1);
				expect(decided[0].text, where).toMatch(CALLED[matches.labels[anchor]]);
			}
		}
	});

	it('say that there is nothing to find in an empty picture', () => {
		const set = anchorSet(id);
		for (const name of set.rules) {
			const matches = RULES[name].run(set, new Float32Array(), STANDARD);
			expect(matches.numPositives).toBe(0);
			const { steps } = explain({ set, boxes: new Float32Array(), names: [], rule: RULES[name], thresholds: STANDARD, matches, anchor: 0 });
			expect(steps).toEqual([{ text: 'There is no object in the picture, so every anchor is a negative.', decided: true }]);
		}
	});
});

describe('dragging', () => {
	it('moves whole pixels inside of the picture', () => {
		expect(dragged([10, 10, 30, 40], 'move', 5.4, -3.6, 100)).toEqual([15, 6, 35, 36]);
		expect(dragged([10, 10, 30, 40], 'move', -50, 500, 100)).toEqual([0, 70, 20, 100]);
	});

	it('resizes by an edge or a corner, and never turns a box inside out', () => {
		expect(dragged([10, 10, 30, 40], 'se', 5, 6, 100)).toEqual([10, 10, 35, 46]);
		expect(dragged([10, 10, 30, 40], 'nw', 90, 90, 100)).toEqual([30 - LEAST_SIDE, 40 - LEAST_SIDE, 30, 40]);
		expect(dragged([10, 10, 30, 40], 'e', 500, 9, 100)).toEqual([10, 10, 100, 40]);
		expect(dragged([10, 10, 30, 40], 'n', 7, -90, 100)).toEqual([10, 0, 30, 40]);
	});
});
