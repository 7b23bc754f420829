// Every shader chunk of the codecs decodes to the bits of `decodeBox`, in every variant: ordinary numbers, extremes, and
// raw numbers that are not finite, which must give a box that no backend can use.

import { assert } from 'chai';
import { codecChunk } from '../../shaders/shared/codecs.wgsl.js';
import { numbers } from '../../shaders/shared/numbers.wgsl.js';
import { flushCoordinate, isUsableBox } from '../../src/boxes/overlap.js';
import { bins } from '../../src/codecs/bins.js';
import { boxes } from '../../src/codecs/boxes.js';
import { cell } from '../../src/codecs/cell.js';
import { centers } from '../../src/codecs/centers.js';
import { anchorWidth, type BoxCodec } from '../../src/codecs/codec.js';
import { corners } from '../../src/codecs/corners.js';
import { DELTA_CLAMP, deltas } from '../../src/codecs/deltas.js';
import { distances } from '../../src/codecs/distances.js';
import { mediapipe } from '../../src/codecs/mediapipe.js';
import { rotatedDeltas } from '../../src/codecs/rotated-deltas.js';
import { rotatedDistances } from '../../src/codecs/rotated-distances.js';
import { gpuTest } from '../support/gpu-suite.js';
import { random } from '../support/random.js';
import { runKernel } from '../support/run-kernel.js';

const N = 16_384;
const STRIDE = 16;
const EXTREMES = [0, -0, 1, -1, 4.2, -4.2, 88, -87, 1000, -1000, 1e-20, 65504, 1e18, -1e18, 3e38, Infinity, -Infinity, NaN];

const CODECS: [string, BoxCodec][] = [
	['boxes cxcywh', boxes()],
	['boxes xyxy', boxes({ format: 'xyxy' })],
	['boxes yxyx scaled', boxes({ format: 'yxyx', scale: [640, 480] })],
	['boxes xywh scaled', boxes({ format: 'xywh', scale: [300, 300] })],
	['boxes cxcywh scaled', boxes({ scale: [641, 479] })],
	['deltas', deltas()],
	['deltas with variances', deltas({ variances: [0.1, 0.1, 0.2, 0.2], clamp: false })],
	['deltas yxhw, clamped both ways', deltas({ order: 'yxhw', clamp: [-DELTA_CLAMP, DELTA_CLAMP] })],
	['deltas with means', deltas({ means: [0.1, -0.2, 0.3, -0.1], variances: [0.1, 0.1, 0.2, 0.2] })],
	['deltas with centres clamped', deltas({ centerClamp: 32 })],
	['deltas, legacy of Detectron', deltas({ legacy: 'detectron', weights: [10, 10, 5, 5] })],
	['deltas, legacy of mmdetection', deltas({ legacy: 'mmdet', clamp: [-DELTA_CLAMP, DELTA_CLAMP] })],
	['corners', corners({ variances: 0.2 })],
	['corners in input sizes', corners({ unit: [300, 200], variances: [0.1, 0.1, 0.2, 0.2], means: [0.1, 0, -0.1, 0] })],
	['cell', cell()],
	['cell without sigmoid', cell({ sigmoid: false })],
	['cell v3', cell({ version: 'v3' })],
	['cell v4', cell({ version: 'v4' })],
	['cell v4 tiny, sigmoids applied', cell({ version: 'v4', scaleXY: 1.05, sigmoid: false })],
	['cell X', cell({ version: 'x' })],
	['distances in strides', distances()],
	['distances in pixels', distances({ unit: 'pixels' })],
	['distances in sizes, tblr', distances({ unit: 'size', order: 'tblr', scale: 4 })],
	['distances, relu', distances({ activation: 'relu' })],
	['distances, exp', distances({ activation: 'exp' })],
	['distances, exp, scaled', distances({ activation: 'exp', scale: 0.3, unit: 'pixels' })],
	['distances, signed', distances({ signed: true })],
	['corners, inclusive', corners({ inclusive: true })],
	['corners that move nothing', corners({ unit: 'none' })],
	['centres', centers()],
	['centres, yxhw, relu', centers({ order: 'yxhw', activation: 'relu' })],
	['centres without offsets', centers({ offsets: false })],
	['centres without offsets, yxhw', centers({ offsets: false, order: 'yxhw' })],
	['cell v4, one level listed', cell({ version: 'v4', scaleXY: { 8: 1.2 } })],
	['boxes cxcywhr', boxes({ format: 'cxcywhr', scale: [2, 2] })],
	['mediapipe', mediapipe({ scale: 128 })],
	['mediapipe, exponential', mediapipe({ scale: [10, 10, 5, 5], exponential: true, order: 'xywh' })],
	['mediapipe, distances', mediapipe({ scale: 192, order: 'xyxy' })],
	['bins', bins()],
	['bins, 8', bins({ numBins: 8 })],
	['rotated distances', rotatedDistances()],
	['rotated distances, raw angle', rotatedDistances({ angle: 'raw' })],
	['rotated distances, 16 bins', rotatedDistances({ numBins: 16 })],
	['rotated deltas', rotatedDeltas()],
	['rotated deltas of detectron2', rotatedDeltas({ anchors: 'cxcywhr', angle: 'degrees-ccw', weights: [10, 10, 5, 5, 1] })],
	[
		'rotated deltas of mmrotate, projected',
		rotatedDeltas({ anchors: 'cxcywhr', range: 'le90', projected: true, clamp: [-DELTA_CLAMP, DELTA_CLAMP], means: [0.1, 0, 0, 0, 0.1] }),
	],
	['rotated deltas, angles as they come', rotatedDeltas({ range: 'none' })],
];

function anchorRow(codec: BoxCodec, next: () => number): number[] {
	const [x, y, w, h] = [next() * 1300 - 10, next() * 800 - 10, 1 + next() * 500, 1 + next() * 500];
	if (codec.anchors === 'cxcywhr') return [x, y, w, h, codec.constants.sign < 0 ? next() * 180 - 90 : next() * 4 - 2];
	return codec.anchors === 'xyxy' ? [x, y, x + w, y + h] : codec.anchors === 'point' ? [x, y, 8, 16] : [x, y, w, h];
}

for (const [name, codec] of CODECS) {
	gpuTest(`codecs: ${name} decodes to the bits of its twin`, async ({ device }) => {
		const next = random(23);
		const { numRaw } = codec;
		const width = codec.rotated ? 5 : 4;
		const raw = new Float32Array(numRaw * N).map((_, i) => {
			const wide = i < (numRaw * N) / 2 ? 8 : 1000;
			return next() < 0.08 / numRaw ? EXTREMES[Math.floor(next() * EXTREMES.length)] : (next() * 2 - 1) * wide;
		});
		const step = anchorWidth(codec.anchors);
		const anchors = new Float32Array(step * N);
		for (let i = 0; i < N; i++) anchors.set(anchorRow(codec, next), step * i);
		const got = await runKernel(device, {
			code: `struct Params { zero: u32 } ${numbers}
			@group(0) @binding(0) var<uniform> params: Params;
			@group(0) @binding(1) var<storage, read> raws: array<f32>;
			@group(0) @binding(2) var<storage, read> anchors: array<f32>;
			@group(0) @binding(3) var<storage, read_write> output: array<f32>;
			fn raw_number(at: u32, c: u32) -> f32 { return raws[at + c]; }
			${codecChunk(codec)}
			@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
				let a = id.x * ${step}u;
				${step === 5 ? 'anchor_angle = anchors[a + 4u];' : ''}
				let box = decode_box(id.x * ${numRaw}u, vec4f(anchors[a], anchors[a + 1u], anchors[a + 2u], anchors[a + 3u]), ${STRIDE}.0);
				for (var c = 0u; c < 4u; c++) { output[id.x * ${width}u + c] = box[c]; }
				${codec.rotated ? 'output[id.x * 5u + 4u] = decoded_angle;' : ''}
			}`,
			params: new Uint32Array(4),
			inputs: [raw, anchors].map((a) => new Uint32Array(a.buffer)),
			outputWords: width * N,
			workgroups: N / 64,
		});
		const box = new Float32Array(got.buffer, got.byteOffset, got.length);
		const want = new Float32Array(width);
		const wrong: string[] = [];
		let usable = 0;
		for (let i = 0; i < N; i++) {
			const k = width * i;
			codec.decodeBox(raw, numRaw * i, anchors, step * i, STRIDE, want, 0);
			const expected = isUsableBox(want[0], want[1], want[2], want[3]);
			const found = isUsableBox(box[k], box[k + 1], box[k + 2], box[k + 3]);
			usable += Number(expected);
			const same = expected ? found && want.every((v, c) => Object.is(flushCoordinate(v), flushCoordinate(box[k + c]))) : !found;
			if (!same)
				wrong.push(
					`raw [${raw.subarray(numRaw * i, numRaw * (i + 1))}], anchor [${anchors.subarray(step * i, step * (i + 1))}]: got [${box.subarray(k, k + width)}], expected [${want}]`,
				);
		}
		assert.isAbove(usable, N / 5, 'MediaPipe drops negative sizes, which leaves a quarter of its boxes');
		assert.isBelow(usable, N, 'some rows must be unusable, or nothing was tested of them');
		assert.deepEqual(wrong.slice(0, 3), [], `${wrong.length} of ${N} differ`);
	});
}
