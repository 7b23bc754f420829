// The rows of the speed page: what is worked on and who does it. Workloads and peers are the bench's, so that numbers of a
// page and of `npm run bench` speak of the same work.

import { type BackendKind, createPostprocessor, type Detections, nms, type Postprocessor, type PostprocessorOptions, yolov8 } from 'kedge';
import { type Answer, detectionsAnswer } from '../../test/bench/answer.js';
import { filledBuffer } from '../../test/bench/gpu/device.js';
import { loopAnswer, loopInPlace, loopTransposed } from '../../test/bench/peers/loop.js';
import { naiveNms } from '../../test/bench/peers/naive.js';
import { tutorial, tutorialAnswer } from '../../test/bench/peers/tutorial.js';
import { clusteredBoxes, YOLO, yolov8Frame } from '../../test/bench/workloads.js';
import { Download, type Gpu } from './gpu.js';

/** One way to do the work of a row. */
export interface Contestant {
	readonly name: string;
	/** Which of kedge's backends it is. */
	readonly side?: BackendKind;
	/** Does frame i. */
	readonly run: (frame: number) => unknown;
	/** What `run` gave, to be compared. */
	readonly answer: (result: never) => Answer;
	/** It waits for the GPU: then it is also told how long it keeps its thread. */
	readonly waits?: boolean;
	/** Milliseconds per stage of frame i, where the GPU tells. */
	readonly stages?: (frame: number) => Promise<Readonly<Record<string, number>> | undefined>;
}

/** What a row has while it runs. */
export interface Field {
	/** The one to whose answer all others are held comes first. */
	readonly contestants: readonly Contestant[];
	/** Who is left out, and why. */
	readonly note?: string;
	/** Runs frame 0 on 'auto', and says what was chosen. */
	readonly auto?: () => Promise<{ readonly kind: BackendKind; readonly reason: string }>;
	dispose(): void;
}

/** A row. */
export interface Row {
	readonly id: string;
	readonly title: string;
	readonly what: string;
	/** Frames that contestants go round, so that no branch is learnt by heart. */
	readonly frames: number;
	/** It begins on the GPU: without one there is no row. */
	readonly needsGpu?: boolean;
	/** What its tensor is, where 'auto' is asked about it. */
	readonly tensor?: string;
	make(gpu: Gpu | undefined): Promise<Field>;
}

const FRAMES = 4;
const MAX_DETECTIONS = 300;
const IOU = 0.45;
const NMS_IOU = 0.5;

/** What is freed at the end of a row. */
class Holdings {
	readonly #all: (() => void)[] = [];

	keep<T extends { dispose(): void } | { destroy(): void }>(thing: T): T {
		this.#all.push(() => ('dispose' in thing ? thing.dispose() : thing.destroy()));
		return thing;
	}

	readonly dispose = (): void => {
		for (const free of this.#all.splice(0)) free();
	};
}

type Settings = Pick<PostprocessorOptions, 'scoreThreshold' | 'multiLabel'>;

/** A head of one or more images, in frames that lie where the row begins. */
class YoloField {
	readonly holdings = new Holdings();
	readonly contestants: Contestant[] = [];
	readonly #dims: readonly number[];
	readonly #settings: Settings;
	readonly #gpu: Gpu | undefined;

	constructor(
		readonly frames: readonly Float32Array[],
		settings: Settings,
		gpu: Gpu | undefined,
	) {
		this.#settings = settings;
		this.#gpu = gpu;
		const image = YOLO.dims[1] * YOLO.dims[2];
		this.#dims = [frames[0].length / image, YOLO.dims[1], YOLO.dims[2]];
	}

	async make(options: Pick<PostprocessorOptions, 'backend' | 'device'>): Promise<Postprocessor> {
		const head = yolov8({ numClasses: YOLO.numClasses });
		return this.holdings.keep(await createPostprocessor({ head, iouThreshold: IOU, maxDetections: MAX_DETECTIONS, ...this.#settings, ...options }));
	}

	/** kedge on a backend, with tensors in CPU memory or, where they are given, in GPU buffers. */
	async addKedge(side: BackendKind, buffers?: readonly GPUBuffer[]): Promise<void> {
		const postprocessor = await this.make(side === 'cpu' ? { backend: 'cpu' } : { backend: side, device: this.#gpu?.device });
		const tensor = this.#tensors(buffers);
		const run = (i: number) => postprocessor.run<Detections | Detections[]>(tensor(i));
		const stages = async (i: number) => {
			const found = await postprocessor.run<Detections | Detections[]>(tensor(i), { timings: true });
			const { total: _, ...times } = (Array.isArray(found) ? found[0] : found).timings ?? {};
			return Object.keys(times).length ? times : undefined;
		};
		this.contestants.push({ name: `kedge ${side}`, side, run, answer: answerOf, ...(side === 'cpu' ? {} : { waits: true, stages }) });
	}

	#tensors(buffers?: readonly GPUBuffer[]) {
		const dims = this.#dims;
		return (i: number) => (buffers ? { gpuBuffer: buffers[i], dims, type: 'float32' as const } : { data: this.frames[i], dims });
	}

	/** What 'auto' does with such a tensor. */
	auto(buffers?: readonly GPUBuffer[]): NonNullable<Field['auto']> {
		return async () => {
			// who has tensors on a GPU gives their device; who has none leaves the choice of that to kedge, too
			const postprocessor = await this.make({ backend: 'auto', ...(buffers ? { device: this.#gpu?.device } : {}) });
			await postprocessor.run<Detections | Detections[]>(this.#tensors(buffers)(0));
			const { kind, reason } = postprocessor.backend;
			return { kind, reason };
		};
	}

	/** The common way with tensors on the GPU. */
	async addReadback(buffers: readonly GPUBuffer[], device: GPUDevice, loop: boolean): Promise<void> {
		const download = this.holdings.keep(new Download(device, buffers[0].size));
		const cpu = await this.make({ backend: 'cpu' });
		const dims = this.#dims;
		this.contestants.push({
			...{ name: 'read back, kedge cpu', side: 'cpu', waits: true, answer: answerOf },
			run: (i) => download.read(buffers[i], (data) => cpu.run<Detections | Detections[]>({ data, dims })),
		});
		if (!loop) return;
		this.contestants.push({
			...{ name: 'read back, loop in place', waits: true, answer: loopAnswer },
			run: (i) => download.read(buffers[i], (data) => loopInPlace(data, this.#settings.scoreThreshold ?? 0, IOU, MAX_DETECTIONS)),
		});
	}

	finish(auto?: Field['auto']): Field {
		return { contestants: this.contestants, auto, dispose: this.holdings.dispose };
	}
}

/** Images of a batch one after the other, with anchors counted on. */
function answerOf(found: Detections | Detections[]): Answer {
	if (!Array.isArray(found)) return detectionsAnswer(found);
	const all = found.map(detectionsAnswer);
	const flat = <T>(of: (answer: Answer, image: number) => ArrayLike<T>) => all.flatMap((answer, image) => Array.from(of(answer, image)));
	return {
		indices: flat(({ indices }, image) => Array.from(indices, (anchor) => anchor + image * YOLO.numAnchors)),
		classIds: flat(({ classIds = [] }) => classIds),
		scores: flat(({ scores = [] }) => scores),
		boxes: flat(({ boxes = [] }) => boxes),
	};
}

const yoloFrames = () => Array.from({ length: FRAMES }, (_, i) => yolov8Frame(1 + i));

/** The frames as one tensor of four images, and another with their order turned. */
function yoloBatches(): Float32Array[] {
	const frames = yoloFrames();
	return [0, 2].map((first) => {
		const batch = new Float32Array(FRAMES * frames[0].length);
		frames.forEach((_, i) => batch.set(frames[(first + i) % FRAMES], i * frames[0].length));
		return batch;
	});
}

/** Tensors in CPU memory; the GPU has to have them sent. */
async function makeInMemory(frames: readonly Float32Array[], settings: Settings, gpu: Gpu | undefined, peers: boolean): Promise<Field> {
	const field = new YoloField(frames, settings, gpu);
	await field.addKedge('cpu');
	if (gpu) await field.addKedge('webgpu');
	const given = [settings.scoreThreshold ?? 0, IOU, MAX_DETECTIONS] as const;
	if (peers) {
		field.contestants.push(
			{ name: 'loop in place', run: (i) => loopInPlace(frames[i], ...given), answer: loopAnswer },
			{ name: 'loop, transposing', run: (i) => loopTransposed(frames[i], ...given), answer: loopAnswer },
			{ name: 'tutorial code', run: (i) => tutorial(frames[i], ...given), answer: tutorialAnswer },
		);
	}
	return field.finish(field.auto());
}

/** Tensors that a network has left on the GPU. */
async function makeOnGpu(frames: readonly Float32Array[], settings: Settings, gpu: Gpu | undefined, loop: boolean): Promise<Field> {
	if (!gpu) throw new Error('speed: this row begins on a GPU');
	const field = new YoloField(frames, settings, gpu);
	const buffers = frames.map((frame) => field.holdings.keep(filledBuffer(gpu.device, 'tensor', frame)));
	await field.addKedge('webgpu', buffers);
	await field.addKedge('hybrid', buffers);
	await field.addReadback(buffers, gpu.device, loop);
	return field.finish(field.auto(buffers));
}

/** More boxes than these take a software adapter seconds. */
const MOST_FOR_SOFTWARE = 20_000;

/** NMS of boxes in CPU memory. */
function makeNms(n: number, maxDetections: number, peer: boolean): Row['make'] {
	return async (gpu) => {
		const { boxes, scores } = clusteredBoxes(n, 1, 1);
		const options = { iouThreshold: NMS_IOU, maxDetections };
		const answer = (indices: ArrayLike<number>): Answer => ({ indices });
		const contestants: Contestant[] = [{ name: 'kedge cpu', side: 'cpu', run: () => nms(boxes, scores, options), answer }];
		const leftOut = gpu?.software && n > MOST_FOR_SOFTWARE;
		if (gpu && !leftOut) contestants.push({ name: 'kedge webgpu', side: 'webgpu', waits: true, run: () => gpu.backend.nms(boxes, scores, options), answer });
		if (peer) contestants.push({ name: 'two plain loops', run: () => naiveNms(boxes, scores, NMS_IOU), answer });
		return { contestants, note: leftOut ? 'kedge webgpu is left out: a software adapter takes seconds for it' : undefined, dispose: () => undefined };
	};
}

const ARGMAX: Settings = { scoreThreshold: 0.25 };
const MULTI: Settings = { scoreThreshold: 0.001, multiLabel: true };
const FEW = 'threshold 0.25, 64 candidates';

/** All rows, in the order in which they run. */
export const ROWS: readonly Row[] = [
	{
		...{ id: 'yolo-memory', title: 'YOLOv8 head in CPU memory', what: `[1, 84, 8400], ${FEW}`, frames: FRAMES, tensor: '2.8 MB in CPU memory' },
		make: (gpu) => makeInMemory(yoloFrames(), ARGMAX, gpu, true),
	},
	{
		...{ id: 'yolo-gpu', title: 'YOLOv8 head on the GPU', what: `[1, 84, 8400], ${FEW}`, frames: FRAMES, tensor: '2.8 MB on the GPU', needsGpu: true },
		make: (gpu) => makeOnGpu(yoloFrames(), ARGMAX, gpu, true),
	},
	{
		...{ id: 'batch-memory', title: 'Four heads in CPU memory', what: `[4, 84, 8400], ${FEW} each`, frames: 2, tensor: '11.3 MB in CPU memory' },
		make: (gpu) => makeInMemory(yoloBatches(), ARGMAX, gpu, false),
	},
	{
		...{ id: 'batch-gpu', title: 'Four heads on the GPU', what: `[4, 84, 8400], ${FEW} each`, frames: 2, tensor: '11.3 MB on the GPU', needsGpu: true },
		make: (gpu) => makeOnGpu(yoloBatches(), ARGMAX, gpu, false),
	},
	{
		...{
			id: 'yolo-multi',
			title: 'YOLOv8 for evaluation',
			what: '[1, 84, 8400] in CPU memory, threshold 0.001, about 8500 candidates, multi-label',
			frames: FRAMES,
		},
		make: (gpu) => makeInMemory(yoloFrames(), MULTI, gpu, false).then((field) => ({ ...field, auto: undefined })),
	},
	{
		...{ id: 'nms-5k', title: 'NMS of 5000 boxes', what: 'clustered, one class, IoU 0.5, no limit', frames: 1 },
		make: makeNms(5000, Number.POSITIVE_INFINITY, true),
	},
	{
		...{ id: 'nms-100k', title: 'NMS of 100,000 boxes', what: `clustered, one class, IoU 0.5, ${MAX_DETECTIONS} at most`, frames: 1 },
		make: makeNms(100_000, MAX_DETECTIONS, false),
	},
];
