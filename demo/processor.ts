// One frame's way: capture, preprocess, inference, post-processing, comparison. Keeps the network's last outputs, so
// that a moved slider needs post-processing only.

import { checkWebGPU, createPostprocessor, type Detections, type Letterbox, letterbox, type Postprocessor } from 'kedge';
import { fromOrt } from 'kedge/onnxruntime';
import { compare } from './agreement.js';
import type { Network, NetworkOutputs } from './network.js';
import { Preprocessor } from './preprocess.js';
import type { Settings } from './settings.js';
import type { Source } from './sources.js';

/** Everything there is to say about one frame. */
export interface FrameResult {
	readonly detections: Detections;
	/** Milliseconds by stage, in order; the stages of post-processing are in `detections.timings`. */
	readonly times: { capture: number; preprocess: number; inference: number; postprocess: number };
	readonly backend: { kind: string; reason: string };
	readonly adapter: string;
	/** Undefined when there is nothing to compare, because the CPU did the work or comparing is switched off. */
	readonly agreement?: { equal: boolean; difference?: string };
}

/** Owns the network, the postprocessors and the captured frame. */
export class Processor {
	/** The frame that is worked on. Shown only together with its boxes, which come later. */
	readonly frame = document.createElement('canvas');
	readonly #context: CanvasRenderingContext2D;
	#network: Network | undefined;
	#preprocessor: Preprocessor | undefined;
	#postprocessor: Postprocessor | undefined;
	#reference: Postprocessor | undefined;
	#outputs: NetworkOutputs | undefined;
	#transform: Letterbox | undefined;
	#times = { capture: 0, preprocess: 0, inference: 0 };
	#adapter = '';

	constructor() {
		// In CPU memory, because every frame is read: from a GPU canvas that takes tens of milliseconds.
		const context = this.frame.getContext('2d', { alpha: false, willReadFrequently: true });
		if (!context) throw new Error('demo: the browser gave no canvas');
		this.#context = context;
	}

	get network(): Network | undefined {
		return this.#network;
	}

	/** Whether `repeat` has something to work on. */
	get hasOutputs(): boolean {
		return this.#outputs !== undefined;
	}

	/** Takes a network in place of the last one, which is released. */
	async setNetwork(network: Network, backend: Settings['backend'], labels: readonly string[]): Promise<void> {
		const last = this.#network;
		this.#dropOutputs();
		this.#network = network;
		this.#preprocessor = new Preprocessor(network.inputSize);
		await this.setBackend(backend, labels);
		await last?.release();
	}

	/** Makes the network's head ready on a backend; throws when that backend cannot be had, and keeps the last one. */
	async setBackend(backend: Settings['backend'], labels: readonly string[]): Promise<void> {
		const network = this.#network;
		if (!network) return;
		const { head, device } = network;
		const names = labels.length ? { labels: labels.slice(0, head.numClasses) } : {};
		const shared = device ? { device, onLost: 'cpu' as const } : {};
		const made = await createPostprocessor({ head, backend, ...shared, ...names });
		this.#postprocessor?.dispose();
		this.#postprocessor = made;
		this.#reference?.dispose();
		this.#reference = await createPostprocessor({ head, backend: 'cpu', ...(device ? { device } : {}) });
		this.#adapter = await describeAdapter(made.backend.device);
	}

	/** A new frame, all the way. */
	async process(source: Source, settings: Settings): Promise<FrameResult> {
		const network = this.#network;
		const preprocessor = this.#preprocessor;
		if (!network || !preprocessor) throw new Error('demo: there is no network yet');
		const start = performance.now();
		this.capture(source);
		const captured = performance.now();
		const transform = letterbox([source.height, source.width], network.inputSize);
		const input = preprocessor.run(this.frame, transform);
		const prepared = performance.now();
		const outputs = await network.run(input);
		const inferred = performance.now();
		this.#dropOutputs();
		this.#outputs = outputs;
		this.#transform = transform;
		this.#times = { capture: captured - start, preprocess: prepared - captured, inference: inferred - prepared };
		return this.repeat(settings);
	}

	/** Post-processing alone, on the outputs of the last frame. */
	async repeat(settings: Settings): Promise<FrameResult> {
		const postprocessor = this.#postprocessor;
		if (!postprocessor || !this.#outputs) throw new Error('demo: there are no outputs yet');
		const options = {
			transform: this.#transform,
			scoreThreshold: settings.score,
			iouThreshold: settings.iou,
			maxDetections: settings.max,
			classAgnostic: settings.agnostic,
		};
		const start = performance.now();
		const detections = await postprocessor.run(fromOrt(this.#outputs), { ...options, timings: true });
		const postprocess = performance.now() - start;
		const { kind, reason } = postprocessor.backend;
		let agreement: FrameResult['agreement'];
		if (settings.compare && detections.backend !== 'cpu' && this.#reference) {
			agreement = compare(detections, await this.#reference.run(fromOrt(this.#outputs), options));
		}
		return { detections, times: { ...this.#times, postprocess }, backend: { kind, reason }, adapter: this.#adapter, agreement };
	}

	/** Takes the source's present frame. */
	capture(source: Source): void {
		if (this.frame.width !== source.width) this.frame.width = source.width;
		if (this.frame.height !== source.height) this.frame.height = source.height;
		source.draw(this.#context);
	}

	#dropOutputs(): void {
		for (const tensor of Object.values(this.#outputs ?? {})) tensor.dispose();
		this.#outputs = undefined;
	}
}

/** What computes, in words: the device's adapter, or the one that there would be. */
async function describeAdapter(device: GPUDevice | undefined): Promise<string> {
	const info = device?.adapterInfo;
	const names = info ? [info.vendor, info.architecture, info.description].filter(Boolean).join(' ') : '';
	const report = await checkWebGPU();
	const name = names || report.adapter || (report.available ? 'WebGPU, unnamed' : `none (${report.reason})`);
	return report.software ? `${name} (software)` : name;
}
