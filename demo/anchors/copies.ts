// The anchors as text to take along: JSON with all digits and how they were made, or the lines of a YOLO yaml.

import type { AnchorFitness } from 'kedge/training';
import type { Options } from './options.js';

type Levels = readonly (readonly number[])[];

/** Everything there is to know of them. */
export function jsonOf(anchors: Levels, fitness: AnchorFitness | undefined, { inputSize, distance, update, init, seed, generations }: Options): string {
	return JSON.stringify({ inputSize, anchors, ...fitness, made: { distance, update, init, seed, generations } }, null, '\t');
}

/** The finest level is P3, of stride 8. */
export function yamlOf(anchors: Levels): string {
	const lines = anchors.map((level, i) => `  - [${level.map((v) => Math.round(v)).join(', ')}]  # P${3 + i}/${8 << i}`);
	return `anchors:\n${lines.join('\n')}\n`;
}
