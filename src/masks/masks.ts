// Instance masks as YOLACT and YOLO-seg make them: each detection's coefficients times the prototypes are the logits of
// its mask, which is cut to the box, resized and held against a threshold. Formula and order: ultralytics utils/ops.py,
// process_mask and process_mask_native; Bolya et al. 2019.

import { refuse } from '../checks.js';
import { checkTransformKinds } from '../options.js';
import { normalizeTensor, type TensorLike } from '../tensors.js';
import { checkMasks } from './check.js';
import { assembleOnCpu } from './cpu.js';
import type { MaskDetections, MaskOptions, MaskOutput, MaskResults } from './job.js';

const WHERE = 'assembleMasks';

/**
 * Masks of detections from their coefficients and the model's prototypes, on the CPU, at once. logit = sum over m of
 * coefficient[m] x prototype[m, y, x], in float32 steps in this order; bilinear with pixel centres at halves
 * (align_corners = False); a pixel at r stays when x1 <= r < x2. NaN is outside of every mask.
 * @param detections boxes [N, 4] and maskCoefficients [N, M], as a postprocessor gives them
 * @param prototypes [M, height, width] or [1, M, height, width], float32 or float16, in CPU memory
 * @returns bytes [N, height, width] of 0 and 1; or what `output` asks for
 * Throws a TypeError or RangeError that names the argument. The numbers are those of `Backend.assembleMasks`, bit for bit. In the
 * frame each pixel is looked up where the letterbox put it; ultralytics rounds the padding to whole prototypes there.
 */
export function assembleMasks<O extends Exclude<MaskOutput, 'texture'> = 'bytes'>(
	detections: MaskDetections,
	prototypes: TensorLike,
	options: MaskOptions<O>,
): MaskResults[O] {
	const tensor = normalizeTensor(WHERE, 'prototypes', prototypes);
	checkTransformKinds(WHERE, options?.transform);
	const job = checkMasks(detections, tensor, options);
	if (job.output === 'texture') refuse(TypeError, WHERE, 'output', `must be 'bytes', 'logits' or 'labels' on the CPU`, job.output, 'use backend.assembleMasks');
	if (tensor.location === 'gpu') refuse(TypeError, WHERE, 'prototypes', 'must be in CPU memory', tensor.buffer, 'use backend.assembleMasks');
	return assembleOnCpu(job, tensor) as MaskResults[O];
}
