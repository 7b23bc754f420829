// The WebGPU calls of a frame, written down once and then made again without the code that made them: what the frame costs the
// platform, whoever asks for it. The rest is the contestant's own.

import { listen, type Methods } from './listening.js';

/** Methods by what has them; a frame may use no others of theirs. Of what these make, only commands live no longer than the frame. */
const methodsOf = (): readonly (readonly [{ readonly prototype: object }, readonly string[]])[] => [
	[GPUDevice, ['createCommandEncoder', 'pushErrorScope', 'popErrorScope']],
	[GPUQueue, ['writeBuffer', 'submit']],
	[GPUCommandEncoder, ['clearBuffer', 'copyBufferToBuffer', 'beginComputePass', 'resolveQuerySet', 'finish']],
	[GPUComputePassEncoder, ['setPipeline', 'setBindGroup', 'dispatchWorkgroups', 'dispatchWorkgroupsIndirect', 'end']],
	[GPUBuffer, ['mapAsync', 'getMappedRange', 'unmap']],
];
const MAKES = ['createCommandEncoder', 'beginComputePass', 'finish'];
const IS_AWAITED = ['popErrorScope', 'mapAsync'];
/** What cannot come before everything awaited has come. */
const NEEDS_ALL = ['getMappedRange', 'unmap'];

/** A call; `self` and `args` are taken from what earlier calls made where they are numbers of such calls. */
interface Call {
	readonly name: string;
	readonly self: unknown;
	readonly selfFrom: number;
	readonly args: readonly unknown[];
	readonly submits: readonly number[];
}

/** Runs a frame and gives one that makes the same calls. Throws where the frame makes objects that last, or calls what would be left out. */
export async function replayOf(frame: () => Promise<unknown>): Promise<() => Promise<void>> {
	const calls: Call[] = [];
	const from = new Map<unknown, number>();
	const heard = (name: string) => (args: unknown[], result: unknown, self: unknown) => {
		if (MAKES.includes(name)) from.set(result, calls.length);
		const submits = name === 'submit' ? (args[0] as unknown[]).map((commands) => from.get(commands) ?? -1) : [];
		calls.push({ name, self, selfFrom: from.get(self) ?? -1, args: args.map(asItWas), submits });
	};
	const refuse = (name: string) => () => {
		throw new Error(`a frame to be made again called ${name}()`);
	};
	const restore = methodsOf().flatMap(([{ prototype }, names]) => {
		const others = ownMethods(prototype).filter((name) => !names.includes(name));
		return [...names.map((name) => listen(prototype, name, heard(name))), ...others.map((name) => listen(prototype, name, refuse(name)))];
	});
	try {
		await frame();
	} finally {
		for (const back of restore) back();
	}
	return () => replay(calls);
}

function ownMethods(prototype: object): string[] {
	const all = Object.entries(Object.getOwnPropertyDescriptors(prototype));
	return all.filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor').map(([name]) => name);
}

/** Data that is written may be another's scratch. */
function asItWas(argument: unknown): unknown {
	if (ArrayBuffer.isView(argument)) return (argument as Uint32Array).slice();
	return argument instanceof ArrayBuffer ? argument.slice(0) : argument;
}

async function replay(calls: readonly Call[]): Promise<void> {
	const results: unknown[] = [];
	let pending: unknown[] = [];
	for (const { name, self, selfFrom, args, submits } of calls) {
		if (pending.length > 0 && NEEDS_ALL.includes(name)) {
			await Promise.all(pending);
			pending = [];
		}
		const owner = (selfFrom < 0 ? self : results[selfFrom]) as Methods;
		const result = submits.length > 0 ? owner.submit(submits.map((call) => results[call])) : owner[name](...args);
		results.push(result);
		if (IS_AWAITED.includes(name)) pending.push(result);
	}
	await Promise.all(pending);
}
