// What 'auto' takes, against the fastest of all backends on the same work: whether its thresholds are right on the machine
// at hand. All backends find the same, which is checked first.

import { type Backend, type BackendKind, createBackend, createPostprocessor, type Detections, type Postprocessor, retinanet, yolov8 } from 'kedge';
import { type Answer, detectionsAnswer, differenceOf } from './answer.js';
import { type Effort, measure, type Timed } from './measure.js';
import { type Line, lineOf, type Result, type Row, type Run, resultOf } from './result.js';
import { RETINANET, retinanetFrame } from './retinanet-workload.js';
import { clusteredBoxes, uniformBoxes, YOLO, yolov8Frame } from './workloads.js';

/** 'auto' is to take at most so many times the fastest. */
const TARGET = 1.5;
/** Milliseconds that a call may take to be timed. */
const SLOW = 1500;
/** Milliseconds by which a choice may be slower whatever the ratio: less is not felt. */
const UNFELT = 0.5;
const KINDS: readonly ('auto' | BackendKind)[] = ['auto', 'cpu', 'hybrid', 'webgpu'];
const QUICK: Effort = { rounds: 10, budget: 2500, minRounds: 3, warmUp: 100, warmCalls: 3 };
const THOROUGH: Effort = { rounds: 40, budget: 10_000, minRounds: 5, warmUp: 300, warmCalls: 10 };

/** One piece of work, by every backend. */
interface Work {
	readonly label: string;
	readonly ways: readonly Way[];
}

interface Way {
	readonly name: string;
	run(): Promise<unknown>;
	answer(result: never): Answer;
	/** What 'auto' took; asked after a run. */
	took?(): string;
}

async function openDevice(): Promise<GPUDevice> {
	const adapter = await navigator.gpu?.requestAdapter();
	if (!adapter) throw new Error('choice: needs WebGPU; got no adapter');
	const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
	return adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
}

/** Times the ways of a work and holds 'auto', the first, against the fastest. */
async function judgeWork({ label, ways }: Work, { quick, progress }: Run, differences: string[]): Promise<Line | undefined> {
	const timed: Timed[] = [];
	const slow: string[] = [];
	let expected: Answer | undefined;
	const before = differences.length;
	for (const { name, run, answer } of ways) {
		progress(`${label}: ${name}`);
		await run(); // compiles, and fetches what is fetched late
		const begun = performance.now();
		const got = answer((await run()) as never);
		const elapsed = performance.now() - begun;
		expected ??= got;
		const difference = differenceOf(got, expected);
		if (difference) differences.push(`${label}: ${name}: ${difference}`);
		if (elapsed <= SLOW || timed.length === 0) timed.push({ name, run });
		else slow.push(`${name} above ${SLOW} ms`);
	}
	if (expected?.indices.length === 0) differences.push(`${label}: nothing was found, so nothing is compared`);
	if (differences.length > before) return undefined;
	const timings = await measure(timed, quick ? QUICK : THOROUGH, (text) => progress(`${label}: ${text}`));
	const [auto, ...others] = timings;
	// where every other one is too slow to be timed, 'auto' is beside itself
	const fastest = others.reduce((a, b) => (b.median < a.median ? b : a), others[0] ?? auto);
	// of medians that differ by what is not felt, neither is the slower
	const ratio = auto.median - fastest.median < UNFELT ? Math.min(1, auto.median / fastest.median) : auto.median / fastest.median;
	const took = ways[0].took?.();
	const note = [...(took ? [`takes ${took}`] : []), ...others.map((one) => `${one.name} ${one.median.toPrecision(3)} ms`), ...slow].join(', ');
	return lineOf({ label, value: auto.median, unit: 'ms', low: auto.low, high: auto.high, ratio, target: TARGET, sense: 'at most', note });
}

type Tensors = Record<string, { data: Float32Array; dims: readonly number[] }>;

/** A head on all backends, its tensors in CPU memory or on the GPU. */
async function headWork(device: GPUDevice, label: string, options: Parameters<typeof createPostprocessor>[0], tensors: Tensors, onGpu: boolean): Promise<Work> {
	const outputs = onGpu ? Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, uploaded(device, tensor)])) : tensors;
	const ways = await Promise.all(
		KINDS.map(async (backend): Promise<Way> => {
			const one: Postprocessor = await createPostprocessor({ ...options, backend, device });
			return { name: backend, run: () => one.run(outputs), answer: (found: Detections) => detectionsAnswer(found), took: () => one.backend.kind };
		}),
	);
	return { label: `${label}, ${onGpu ? 'on the GPU' : 'in CPU memory'}`, ways };
}

function uploaded(device: GPUDevice, { data, dims }: Tensors[string]) {
	const gpuBuffer = device.createBuffer({ size: data.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
	device.queue.writeBuffer(gpuBuffer, 0, data as Float32Array<ArrayBuffer>);
	return { gpuBuffer, dims, type: 'float32' as const };
}

const yoloHead = { head: yolov8({ numClasses: YOLO.numClasses }) };

function retinanetCase() {
	const { size, numClasses, numAnchors } = RETINANET;
	const head = retinanet({ numClasses, inputSize: [size, size], outputs: 'concatenated' });
	const { logits, deltas } = retinanetFrame(head.anchors as Float32Array, 1);
	const tensors: Tensors = { classes: { data: logits, dims: [1, numAnchors, numClasses] }, boxes: { data: deltas, dims: [1, numAnchors, 4] } };
	return { options: { head, scoreThreshold: 0.05, iouThreshold: 0.5, maxDetections: 100 }, tensors };
}

async function headChoices(run: Run): Promise<Result> {
	const device = await openDevice();
	const differences: string[] = [];
	const lines: Line[] = [];
	const frame: Tensors = { output0: { data: yolov8Frame(1), dims: YOLO.dims } };
	const large = retinanetCase();
	const cases: [string, Parameters<typeof createPostprocessor>[0], Tensors][] = [
		['yolov8 0.25', { ...yoloHead, scoreThreshold: 0.25 }, frame],
		['yolov8 0.001 multi-label', { ...yoloHead, scoreThreshold: 0.001, multiLabel: true }, frame],
		['retinanet 120k', large.options, large.tensors],
	];
	for (const [label, options, tensors] of cases) {
		for (const onGpu of [false, true]) {
			const line = await judgeWork(await headWork(device, label, options, tensors, onGpu), run, differences);
			if (line) lines.push(line);
		}
	}
	return resultOf({ kind: 'choice', name: HEADS, what: HEADS_WHAT, lines }, differences);
}

async function nmsChoices(run: Run): Promise<Result> {
	const device = await openDevice();
	const backends: [string, Backend][] = [];
	for (const kind of ['auto', 'cpu', 'webgpu'] as const) backends.push([kind, await createBackend(kind, { device })]);
	const differences: string[] = [];
	const lines: Line[] = [];
	for (const [kind, load] of [
		['clustered', (n: number) => clusteredBoxes(n, 1, 1)],
		['uniform', (n: number) => uniformBoxes(n, 1)],
	] as const) {
		for (const n of run.quick ? [1000, 20_000] : [1000, 5000, 20_000, 100_000]) {
			const { boxes, scores } = load(n);
			for (const maxDetections of [300, Number.POSITIVE_INFINITY]) {
				const options = { iouThreshold: 0.5, maxDetections };
				const ways = backends.map(
					([name, backend]): Way => ({ name, run: () => backend.nms(boxes, scores, options), answer: (indices: Uint32Array) => ({ indices }) }),
				);
				const label = `${n} ${kind}, ${maxDetections === 300 ? '300 at most' : 'no limit'}`;
				const line = await judgeWork({ label, ways }, run, differences);
				if (line) lines.push(line);
			}
		}
	}
	for (const [, backend] of backends) backend.dispose();
	return resultOf({ kind: 'choice', name: NMS, what: NMS_WHAT, lines }, differences);
}

const HEADS = 'choice of heads';
const HEADS_WHAT = `'auto' against the fastest of cpu, hybrid and webgpu: a head in CPU memory, and on the GPU (where cpu reads it back)`;
const NMS = 'choice of nms';
const NMS_WHAT = `'auto' against the faster of cpu and webgpu: boxes in CPU memory`;

export const CHOICE_ROWS: readonly Row[] = [
	{ name: HEADS, what: HEADS_WHAT, gpu: true, run: headChoices },
	{ name: NMS, what: NMS_WHAT, gpu: true, run: nmsChoices },
];
