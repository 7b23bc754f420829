// How near kedge comes to what the hardware allows: the GPU time of decoding, and of all stages, against a kernel that does nothing
// but read the same head once with vec4 loads. Ratios are facts on a software adapter, where they say nothing of a memory's speed.

import { retinanet } from 'kedge';
import { differenceOf } from '../answer.js';
import { quantile } from '../measure.js';
import { type Goal, type Line, lineOf, type Result, type Row, type Run, resultOf } from '../result.js';
import { RETINANET, retinanetFrame } from '../retinanet-workload.js';
import { yolov8Frame } from '../workloads.js';
import { kedgeGpu, readbackCpu, type Scene, yolov8Scene } from './contestants.js';
import { type AdapterFacts, filledBuffer, openGpu } from './device.js';

const NAME = 'gpu limits';
const WHAT = 'GPU time of kedge against reading the same head once';

export interface LimitsResult extends Result {
	readonly kind: 'gpu limits';
	readonly adapter: AdapterFacts;
}

const GROUP = 256;
const READ = /* wgsl */ `
@group(0) @binding(0) var<storage, read> head: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var sum = vec4f(0.0);
  for (var i = id.x; i < arrayLength(&head); i += groups.x * ${GROUP}u) { sum += head[i]; }
  sums[id.x] = (sum.x + sum.y) + (sum.z + sum.w);
}
`;

/** Workgroups to try: a GPU is fastest with few long loops, or with many short ones. What they write is small beside what they read. */
const READ_GROUPS = [32, 128, 512];
const median = (samples: readonly number[]) => quantile(samples, 0.5);

/** Milliseconds to read a buffer of floats once, the best of some ways. Throws when a sum is wrong: then not all was read. */
async function readOnce(device: GPUDevice, buffer: GPUBuffer, content: Float32Array, rounds: number): Promise<number> {
	const { STORAGE, COPY_SRC, COPY_DST, MAP_READ, QUERY_RESOLVE } = GPUBufferUsage;
	const most = Math.ceil(content.length / 4 / GROUP);
	const bytes = 4 * GROUP * Math.max(...READ_GROUPS);
	const sums = device.createBuffer({ label: 'limits.sums', size: bytes, usage: STORAGE | COPY_SRC });
	const stamps = device.createBuffer({ label: 'limits.stamps', size: 16, usage: QUERY_RESOLVE | COPY_SRC });
	const staging = device.createBuffer({ label: 'limits.staging', size: bytes + 16, usage: MAP_READ | COPY_DST });
	const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
	const module = device.createShaderModule({ label: 'limits.read', code: READ });
	const pipeline = await device.createComputePipelineAsync({ label: 'limits.read', layout: 'auto', compute: { module, entryPoint: 'main' } });
	const entries = [buffer, sums].map((one, binding) => ({ binding, resource: { buffer: one } }));
	const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
	const expected = content.reduce((sum, x) => sum + x, 0);
	const magnitude = content.reduce((sum, x) => sum + Math.abs(x), 0);
	let best = Number.POSITIVE_INFINITY;
	for (const groups of new Set(READ_GROUPS.map((wanted) => Math.min(wanted, most)))) {
		const times: number[] = [];
		for (let round = 0; round <= rounds; round++) {
			const encoder = device.createCommandEncoder();
			const pass = encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } });
			pass.setPipeline(pipeline);
			pass.setBindGroup(0, group);
			pass.dispatchWorkgroups(groups);
			pass.end();
			encoder.resolveQuerySet(querySet, 0, 2, stamps, 0);
			encoder.copyBufferToBuffer(sums, 0, staging, 0, 4 * GROUP * groups);
			encoder.copyBufferToBuffer(stamps, 0, staging, bytes, 16);
			device.queue.submit([encoder.finish()]);
			await staging.mapAsync(GPUMapMode.READ);
			const got = new Float32Array(staging.getMappedRange(0, 4 * GROUP * groups)).reduce((sum, x) => sum + x, 0);
			const [begun, ended] = new BigUint64Array(staging.getMappedRange(bytes, 16));
			staging.unmap();
			if (!(Math.abs(got - expected) <= 1e-4 * magnitude)) throw new Error(`limits: the sum of what was read must be ${expected}; got ${got}`);
			// the first one warms up
			if (round > 0) times.push(Number(ended - begun) / 1e6);
		}
		best = Math.min(best, median(times));
	}
	for (const made of [sums, stamps, staging]) made.destroy();
	querySet.destroy();
	return best;
}

/** A torchvision RetinaNet head [1, 120087, 91] with this content. */
function retinanetScene(device: GPUDevice): { scene: Scene; content: Float32Array } {
	const { size, numClasses, numAnchors } = RETINANET;
	const head = retinanet({ numClasses, inputSize: [size, size], outputs: 'concatenated' });
	const { logits, deltas } = retinanetFrame(head.anchors as Float32Array, 1);
	const given: Record<string, { buffer: GPUBuffer; dims: number[] }> = {
		classes: { buffer: filledBuffer(device, 'classes', logits), dims: [1, numAnchors, numClasses] },
		boxes: { buffer: filledBuffer(device, 'boxes', deltas), dims: [1, numAnchors, 4] },
	};
	const tensors = head.tensors.map(({ name }) => given[name]);
	const unused = { boxes: given.boxes.buffer, scores: given.boxes.buffer, classIds: given.boxes.buffer };
	return { content: logits, scene: { head, tensors, scoreThreshold: 0.05, iouThreshold: 0.5, maxDetections: 100, input: unused } };
}

interface LimitCase {
	readonly label: string;
	readonly make: (device: GPUDevice) => { scene: Scene; content: Float32Array };
	/** What is held against reading once. */
	readonly goals: { readonly decode?: Goal; readonly all?: Goal };
}

const CASES: readonly LimitCase[] = [
	{
		label: 'yolov8 0.25',
		make: (device) => {
			const content = yolov8Frame(1);
			return { content, scene: yolov8Scene(device, content, 0.25) };
		},
		goals: { decode: { target: 2 } },
	},
	{ label: 'retinanet 120k', make: retinanetScene, goals: { decode: { target: 2 }, all: { target: 2 } } },
];

async function limits({ quick, progress }: Run): Promise<LimitsResult> {
	const { device, facts: adapter } = await openGpu();
	const shown = { kind: 'gpu limits', name: NAME, what: WHAT, adapter } as const;
	if (!adapter.timestamps) {
		device.destroy();
		return resultOf({ ...shown, lines: [lineOf({ label: 'GPU time', value: Number.NaN, unit: 'ms', note: 'the adapter has no timestamp-query' })] });
	}
	const differences: string[] = [];
	const lines: Line[] = [];
	const rounds = quick ? 5 : 25;
	for (const { label, make, goals } of CASES) {
		progress(`${label}: making the head`);
		const { scene, content } = make(device);
		const kedge = await kedgeGpu(device, scene);
		const cpu = await readbackCpu(device, scene);
		progress(`${label}: comparing the answers`);
		const [found, expected] = [kedge.read((await kedge.run(true)) as never).answer, cpu.read((await cpu.run(false)) as never).answer];
		const difference = differenceOf(found, expected);
		if (difference) differences.push(`${label}: ${difference}`);
		else {
			progress(`${label}: reading the head`);
			const buffer = scene.tensors.reduce((a, b) => (b.buffer.size > a.buffer.size ? b : a)).buffer;
			const once = await readOnce(device, buffer, content, rounds);
			const decode: number[] = [];
			const all: number[] = [];
			for (let round = 0; round < rounds; round++) {
				progress(`${label}: round ${round + 1} of ${rounds}`);
				const stages = kedge.read((await kedge.run(true)) as never).stages ?? {};
				decode.push(stages.decode);
				all.push(Object.values(stages).reduce((sum, ms) => sum + ms, 0));
			}
			const megabytes = content.byteLength / 1e6;
			const hardware = (goal: Goal | undefined) => (adapter.software ? {} : { ...goal, sense: 'at most' as const });
			lines.push(
				lineOf({
					label: `${label}: reading once`,
					value: once,
					unit: 'ms',
					ratio: 1,
					note: `${megabytes.toFixed(1)} MB, ${(megabytes / once).toFixed(1)} GB/s`,
				}),
			);
			lines.push(lineOf({ label: `${label}: decode`, value: median(decode), unit: 'ms', ratio: median(decode) / once, ...hardware(goals.decode) }));
			lines.push(lineOf({ label: `${label}: all stages`, value: median(all), unit: 'ms', ratio: median(all) / once, ...hardware(goals.all) }));
		}
		kedge.dispose();
		cpu.dispose();
		for (const { buffer } of scene.tensors) buffer.destroy();
	}
	device.destroy();
	return resultOf({ ...shown, lines }, differences);
}

export const limitsRow: Row = { name: NAME, what: WHAT, gpu: true, run: limits };
