// assembleMasks on a backend: to the GPU when the prototypes are there, when the result is to be, or when it is much work.
// Fetched when it is first wanted; it imports little, so that what is fetched before it stays in one piece.

import type { ManagedBackend } from '../backend.js';
import { refuse } from '../checks.js';
import { KedgeError } from '../errors.js';
import type { CpuTensor, Tensor } from '../tensors.js';
import { checkMasks } from './check.js';
import { assembleOnCpu } from './cpu.js';
import type { MaskDetections, MaskJob, MaskOptions, MaskOutput, MaskResults } from './job.js';

const WHERE = 'assembleMasks';

/** As `assembleMasks`, where a backend chooses to. Arrays are the library's own by now. */
export async function assembleMasksOn(
	backend: ManagedBackend,
	detections: MaskDetections,
	prototypes: Tensor,
	options: MaskOptions,
): Promise<MaskResults[MaskOutput]> {
	const job = checkMasks(detections, prototypes, options);
	const { link } = backend;
	const isTexture = job.output === 'texture';
	if (job.count === 0 && !isTexture) return assembleOnCpu(job, NOTHING);
	const isGpu = prototypes.location === 'gpu';
	if (isGpu && !link.device && !link.isLost) {
		const remedy = 'give the device that made them as the option device, or prototypes in CPU memory';
		refuse(TypeError, WHERE, 'prototypes', 'must be in CPU memory as long as kedge knows no GPU device', prototypes.buffer, remedy);
	}
	const wasLost = link.isLost;
	const bytes = job.count * job.height * job.width;
	const choice = backend.choose({ location: isGpu || isTexture ? 'gpu' : 'cpu', bytes, staysOnGpu: isTexture, computes: true });
	// 'hybrid' has a GPU too, for what is there already or is to be there
	if (choice.kind === 'webgpu' || (choice.kind === 'hybrid' && (isGpu || isTexture))) {
		const gpu = link.live ?? (await link.open(choice.kind));
		if (isGpu && wasLost) throw lostPrototypes();
		if (gpu) return link.use(gpu, gpu.assembleMasks(job));
	}
	if (isTexture) {
		const { kind, reason } = backend.choose({ location: 'gpu', bytes: 0 });
		throw new KedgeError('NO_WEBGPU', `${WHERE}: output 'texture' needs a GPU; the backend is '${kind}' (${reason}); use output 'labels'`);
	}
	return assembleOnCpu(job, await fetchPrototypes(backend, job));
}

const NOTHING: CpuTensor = { location: 'cpu', type: 'float32', data: new Float32Array(0), dims: undefined };

/** The prototypes in CPU memory, read from the GPU if they are there. */
async function fetchPrototypes({ link }: ManagedBackend, job: MaskJob): Promise<CpuTensor> {
	const tensor = job.prototypes;
	if (tensor.location === 'cpu') return tensor;
	if (link.isLost) throw lostPrototypes();
	const numElements = job.numPrototypes * job.prototypeSize[0] * job.prototypeSize[1];
	const strides = { batch: numElements, image: numElements, shape: 0, cell: 1, channel: job.strides.channel, numElements };
	const read = await link.module.readTensor(link.device as GPUDevice, { tensor, strides });
	return read.tensor as CpuTensor;
}

function lostPrototypes(): KedgeError {
	return new KedgeError('DEVICE_LOST', `${WHERE}: prototypes were on the GPU device that was lost; give new ones`);
}
