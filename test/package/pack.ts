// Packs the library as npm would publish it and unpacks it where a consumer would find it: a fresh folder outside the
// repository, with node_modules/kedge and nothing from a registry.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

/** A consumer's project. */
export interface Consumer {
	folder: string;
	/** The unpacked package. */
	library: string;
	tarball: string;
	/** Runs a command in the folder and returns its standard output; throws with both streams when it fails. */
	run(command: string, args: string[], env?: Record<string, string>): string;
	write(name: string, text: string): string;
	dispose(): void;
}

/** Packs (which builds) and unpacks. */
export function makeConsumer(): Consumer {
	const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'kedge-consumer-')));
	const run: Consumer['run'] = (command, args, env = {}) => {
		const { NODE_OPTIONS: _, ...inherited } = process.env;
		const result = spawnSync(command, args, {
			cwd: folder,
			env: { ...inherited, ...env },
			encoding: 'utf8',
			timeout: 120_000,
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${result.signal ?? result.status}\n${result.stdout}\n${result.stderr}`);
		return result.stdout;
	};
	execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: repository, encoding: 'utf8', timeout: 240_000, stdio: ['ignore', 'pipe', 'pipe'] });
	const tarball = path.join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string);
	const library = path.join(folder, 'node_modules/kedge');
	mkdirSync(library, { recursive: true });
	execFileSync('tar', ['-xzf', tarball, '-C', library, '--strip-components=1']);
	// What a consumer may have beside kedge.
	for (const name of ['webgpu', '@webgpu']) symlinkSync(path.join(repository, 'node_modules', name), path.join(folder, 'node_modules', name));
	const write = (name: string, text: string) => {
		const file = path.join(folder, name);
		mkdirSync(path.dirname(file), { recursive: true });
		writeFileSync(file, text);
		return file;
	};
	write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies: { kedge: '*', webgpu: '*' } }));
	write('exercise.js', EXERCISE);
	return { folder, library, tarball, run, write, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

/** All files below a folder, relative, sorted. */
export function filesBelow(folder: string): string[] {
	const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
	return entries
		.filter((entry) => entry.isFile())
		.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
		.sort();
}

export const readText = (...parts: string[]) => readFileSync(path.join(...parts), 'utf8');

/**
 * What every consumer runs: three boxes by nms, and a YOLOv8 head with three candidates of which one is suppressed.
 * A 32 x 32 input has 4 x 4 + 2 x 2 + 1 = 21 anchors. `kedge` is passed in, so that each consumer imports it in its own way.
 */
const EXERCISE = `
export async function exercise(kedge, backend, gpu) {
	const boxes = new Float32Array([0, 0, 10, 10, 1, 1, 11, 11, 20, 20, 30, 30]);
	const scores = new Float32Array([0.5, 0.9, 0.7]);
	const postprocessor = await kedge.createPostprocessor({
		head: kedge.yolov8({ numClasses: 2, inputSize: [32, 32] }),
		backend,
		...(gpu ? { gpu } : {}),
		labels: ['cat', 'dog'],
	});
	const output = new Float32Array(6 * 21);
	const anchor = (a, ...channels) => channels.forEach((value, c) => { output[c * 21 + a] = value; });
	anchor(3, 10, 10, 8, 8, 0, 0.75);
	anchor(4, 11, 10, 8, 8, 0, 0.5);
	anchor(20, 24, 20, 4, 8, 0.625, 0.125);
	const detections = await postprocessor.run({ data: output, dims: [1, 6, 21], type: 'float32' }, {
		transform: kedge.letterbox([64, 64], [32, 32]),
	});
	const result = {
		nms: [...kedge.nms(boxes, scores, { iouThreshold: 0.5 })],
		count: detections.count,
		candidates: detections.numCandidates,
		boxes: [...detections.boxes],
		scores: [...detections.scores],
		indices: [...detections.indices],
		labels: [...detections].map((d) => d.label),
	};
	postprocessor.dispose();
	return result;
}
`;

/** By hand: IoU of the first two boxes is 81/119 > 0.5; of the two dogs 56/72 > 0.45; the frame is twice the input. */
export const EXPECTED = {
	nms: [1, 2],
	count: 2,
	candidates: 3,
	boxes: [12, 12, 28, 28, 44, 32, 52, 48],
	scores: [0.75, 0.625],
	indices: [3, 20],
	labels: ['dog', 'cat'],
};
