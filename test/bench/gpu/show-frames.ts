// What frames on the GPU cost, as two tables: facts of a frame by each contestant, and GPU time by stage.

import { columns } from '../columns.js';
import { ratioOf } from '../measure.js';
import { shortNumber } from '../result.js';
import { adapterLine } from './device.js';
import type { FrameFacts, FramesResult } from './frames.js';

/** Bytes in words, by thousands. */
export function bytesText(bytes: number): string {
	if (bytes < 10_000) return `${bytes} B`;
	return bytes < 10_000_000 ? `${shortNumber(bytes / 1000)} kB` : `${shortNumber(bytes / 1e6)} MB`;
}

const ms = (value: number | undefined) => (value === undefined ? '–' : `${shortNumber(value)} ms`);

const HEADS = [
	'',
	'wall',
	'quartiles',
	'ratio',
	'main thread, CPU',
	'own part',
	'script',
	'submit()',
	'submits',
	'passes',
	'maps',
	'read back',
	'objects',
	'GPU memory',
];

function factsCells({ name, wall, counts, bytesHeld, mainThread, ownMainThread }: FrameFacts, kedge: FrameFacts): string[] {
	return [
		name,
		ms(wall.median),
		`${shortNumber(wall.low)} to ${shortNumber(wall.high)}`,
		`${shortNumber(ratioOf(wall, kedge.wall).median)}x`,
		ms(mainThread),
		ms(ownMainThread),
		ms(counts.script),
		ms(counts.submit),
		...[counts.submits, counts.passes, counts.maps].map(String),
		bytesText(counts.bytesMapped),
		String(counts.objects),
		bytesText(bytesHeld),
	];
}

function stageText({ name, stages }: FrameFacts): string[] {
	if (!stages) return [];
	const total = Object.values(stages).reduce((sum, one) => sum + one, 0);
	const each = Object.entries(stages).map(([stage, time]) => `${stage} ${shortNumber(time)}`);
	return [`GPU time of ${name}: ${shortNumber(total)} ms (${each.join(', ')})`];
}

export function framesLines({ adapter, detections, facts, emptyFrame }: FramesResult): string[] {
	if (facts.length === 0) return [adapterLine(adapter)];
	const rows = facts.map((one) => factsCells(one, facts[0]));
	return [
		adapterLine(adapter),
		`${detections} detections, the same by all`,
		...columns(
			[HEADS, ...rows],
			HEADS.map((_, i) => i).filter((i) => i !== 0 && i !== 2),
		),
		emptyFrame === undefined
			? 'main thread, CPU time: not told here; in Node Dawn polls on that thread'
			: `main thread, CPU time: a frame without any work (a submit, a map of 16 bytes) costs ${shortNumber(emptyFrame)} ms`,
		...facts.flatMap(stageText),
	];
}
