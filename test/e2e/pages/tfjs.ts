// One device for the WebGPU backend of TensorFlow.js and kedge: a head computed by tfjs on the GPU goes to kedge through
// dataToGPU(), and the same tensor, downloaded, to kedge on the CPU.

import '@tensorflow/tfjs-backend-webgpu';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createPostprocessor, type Detections, yolov8 } from 'kedge';
import { deviceOf, fromTfjs, runTfjs } from 'kedge/tfjs';

/** A result in plain values. */
export interface Plain {
	boxes: number[];
	scores: number[];
	classIds: number[];
	indices: number[];
	numCandidates: number;
}

/** What the page found. */
export interface TfjsReport {
	gpu: Plain;
	cpu: Plain;
	/** tfjs on its CPU backend, kedge on the CPU. */
	plainCpu: Plain;
	kind: string;
	sharesDevice: boolean;
	onGpu: boolean;
	/** Tensors alive in tfjs before and after ten runs. */
	tensorsBefore: number;
	tensorsAfter: number;
	inputAlive: boolean;
}

const plain = (d: Detections): Plain => ({
	boxes: [...d.boxes],
	scores: [...d.scores],
	classIds: [...d.classIds],
	indices: [...d.indices],
	numCandidates: d.numCandidates,
});

/** The head [1, anchors, 4 + classes], turned to [1, 4 + classes, anchors] by tfjs; all steps are exact. */
function headOf(values: Float32Array, anchors: number, channels: number): tf.Tensor {
	return tf.tidy(() => tf.transpose(tf.mul(tf.tensor3d(values, [1, anchors, channels]), tf.scalar(0.5)), [0, 2, 1]));
}

async function runTensorflow(list: number[], numClasses: number, size: number): Promise<TfjsReport> {
	await tf.setBackend('webgpu');
	await tf.ready();
	const device = deviceOf(tf);
	const channels = 4 + numClasses;
	const values = Float32Array.from(list);
	const anchors = values.length / channels;
	const head = yolov8({ numClasses, inputSize: [size, size] });
	const gpu = await createPostprocessor({ head, backend: 'webgpu', device });
	const cpu = await createPostprocessor({ head, backend: 'cpu' });
	const output = headOf(values, anchors, channels);
	const first = await runTfjs(gpu, tf, output);
	const { kind } = gpu.backend;
	const inputs = await fromTfjs(tf, output);
	const onGpu = 'gpuBuffer' in (inputs.outputs as object);
	inputs.dispose();
	const tensorsBefore = tf.memory().numTensors;
	for (let i = 0; i < 10; i++) await runTfjs(gpu, tf, { output0: output });
	const tensorsAfter = tf.memory().numTensors;
	const downloaded = await cpu.run({ data: await output.data(), dims: output.shape });
	const sharesDevice = gpu.backend.device === device;
	const inputAlive = !output.isDisposed;
	gpu.dispose();
	await tf.setBackend('cpu');
	const plainCpu = await runTfjs(cpu, tf, headOf(values, anchors, channels));
	return { gpu: plain(first), cpu: plain(downloaded), plainCpu: plain(plainCpu), kind, sharesDevice, onGpu, tensorsBefore, tensorsAfter, inputAlive };
}

Object.assign(globalThis, { runTensorflow });
