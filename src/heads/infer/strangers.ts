// What is said where no head fits: outputs that look like something known, and what would fit with other hints.

import { isWhole } from './fit.js';
import type { Output } from './outputs.js';

/** A clause for the reason, or ''. */
export function strangers(outputs: readonly Output[]): string {
	const names = outputs.map(({ name = '' }) => name);
	const types = outputs.map(({ type = '' }) => type);
	if (names.some((name) => /^(num_?detections|num_dets|det(ection)?_(boxes|scores|classes)|TFLite_Detection_PostProcess.*)$/.test(name)))
		return 'its names are those of detections after suppression, which are final already';
	const whole = types.filter(isWhole);
	if (whole.length === outputs.length) return `outputs of ${whole[0]} must be dequantized first`;
	if (whole.length > 0) return 'an output of whole numbers looks like class ids of detections after suppression, which are final already';
	const [only] = outputs;
	if (outputs.length > 1) return '';
	const { dims } = only;
	if (dims.length === 4 && dims[3] === 7) return "it looks like Caffe's DetectionOutput (image, class id, score, box), which is final already";
	const axes = dims.filter((n) => n !== 1);
	if (axes.length === 1 && dims.length <= 4) return 'one row of numbers looks like a classifier';
	return '';
}
