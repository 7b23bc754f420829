// Everything that takes its time on the anchors page, beside the page: reading labels, k-means, evolution.

import { type Backend, createBackend } from 'kedge';
import { type AnchorFitness, anchorFitness, evolveAnchors, kmeansAnchors, labelSizes, readLabels } from 'kedge/training';
import { type Context, serve } from '../serve.js';
import type { GivenFile } from './files.js';
import type { DataSet } from './sample.js';

/** Where clustering runs. */
export type Where = 'auto' | 'webgpu' | 'cpu';

/** What a run took and where it was. */
export interface Timed {
	readonly milliseconds: number;
	/** What the backend says of itself. */
	readonly ran: { readonly kind: string; readonly reason: string };
}

/** The tasks. */
export interface Tasks {
	read: {
		input: readonly GivenFile[];
		progress: { files: number; boxes: number };
		output: { data: DataSet; format: string; problems: readonly string[]; numProblems: number };
	};
	cluster: {
		input: { sizes: Float32Array; where: Where; options: Omit<NonNullable<Parameters<typeof kmeansAnchors>[1]>, 'backend' | 'signal' | 'onProgress'> };
		progress: never;
		output: Timed & Omit<Awaited<ReturnType<typeof kmeansAnchors>>, never>;
	};
	evolve: {
		input: { sizes: Float32Array; anchors: Float32Array; where: Where; generations: number; seed: number };
		progress: { generation: number; fitness: number };
		output: Timed & Awaited<ReturnType<typeof evolveAnchors>>;
	};
	score: { input: { sizes: Float32Array; tables: readonly (readonly number[])[] }; progress: never; output: AnchorFitness[] };
}

const backends = new Map<Where, Promise<Backend>>();

function backendFor(where: Where): Promise<Backend> {
	let backend = backends.get(where);
	if (!backend) {
		backend = createBackend(where);
		backends.set(where, backend);
		// one that could not be had is asked for again
		backend.catch(() => backends.delete(where));
	}
	return backend;
}

async function timed<T>(where: Where, work: (backend: Backend) => Promise<T>): Promise<T & Timed> {
	const backend = await backendFor(where);
	const start = performance.now();
	const result = await work(backend);
	return { ...result, milliseconds: performance.now() - start, ran: { kind: backend.kind, reason: backend.reason } };
}

const MOST_PROBLEMS = 200;

async function read(files: Tasks['read']['input'], { signal, progress }: Context): Promise<Tasks['read']['output']> {
	const given = files.map(({ file, path }) => ({
		name: path,
		size: file.size,
		arrayBuffer: () => file.arrayBuffer(),
		stream: () => file.stream(),
	}));
	const labels = await readLabels(given, { format: 'auto', signal, onProgress: progress, limits: { problems: MOST_PROBLEMS } });
	const { sizes, imageSizes, numCrowd, numDifficult, numUnsized } = labelSizes(labels);
	const problems = labels.problems.map(({ file, line, what }) => `${file}${line === undefined ? '' : `, line ${line}`}: ${what}`);
	const left = [
		[numUnsized, 'because the size of their image is not known: add the image files'],
		[numCrowd, 'because they are groups (iscrowd)'],
		[numDifficult, 'because they are marked as difficult'],
	] as const;
	for (const [count, why] of left) if (count) problems.unshift(`${count.toLocaleString('en')} boxes are left out, ${why}`);
	const title = folderOf(files);
	const data: DataSet = {
		title,
		sizes,
		images: imageSizes,
		numImages: labels.images.length,
		numClasses: labels.classNames.length,
		classNames: labels.classNames,
	};
	return { data, format: labels.format ?? 'none', problems, numProblems: labels.numProblems + problems.length - labels.problems.length };
}

/** What to call the files: their common folder, or the first file. */
function folderOf(files: readonly GivenFile[]): string {
	const first = files[0]?.path ?? '';
	const folder = first.split('/')[0];
	return files.length > 1 && folder !== first && files.every(({ path }) => path.startsWith(`${folder}/`))
		? folder
		: files.length === 1
			? first
			: `${files.length} files`;
}

serve<Tasks>({
	read,
	cluster: ({ sizes, where, options }, { signal }) => timed(where, (backend) => kmeansAnchors(sizes, { ...options, backend, signal })),
	evolve: ({ sizes, anchors, where, ...options }, { signal, progress }) =>
		timed(where, (backend) => evolveAnchors(sizes, anchors, { ...options, backend, signal, onProgress: progress })),
	score: async ({ sizes, tables }) => tables.map((table) => anchorFitness(sizes, table)),
});
