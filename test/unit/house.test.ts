// The plan of the source, enforced: which room may import which, that nothing but a type points back up, and that every
// file opens with its idea. When a better plan shows itself, this table is what to change.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const GROUND = ['numbers', 'errors', 'checks', 'layout'];
/** What a run of a head is made of: shared by both sides and by what is above them. */
const RUN = ['tensors', 'plan', 'kept'];

/**
 * A room is a folder of src, or a file at its top, or shaders, or demo. It may import only rooms that stand before it in
 * this table, so there is no cycle. Type-only imports are free unless BARRED.
 */
const MAY_IMPORT: Record<string, string[]> = {
	numbers: [],
	errors: [],
	layout: [],
	checks: ['errors'],
	boxes: GROUND,
	anchors: ['boxes', ...GROUND],
	codecs: ['boxes', ...GROUND],
	tensors: GROUND,
	heads: ['anchors', 'codecs', 'boxes', 'tensors', ...GROUND],
	kept: ['layout'],
	plan: ['heads', 'tensors', ...GROUND],
	cpu: ['heads', 'codecs', 'boxes', ...RUN, ...GROUND],
	shaders: ['layout', 'numbers'],
	gpu: ['shaders', 'heads', 'codecs', ...RUN, ...GROUND],
	detections: GROUND,
	options: ['heads', 'boxes', 'plan', ...GROUND],
	inputs: ['options', 'boxes', ...GROUND],
	'gpu-link': ['gpu', 'cpu', 'options', ...GROUND],
	backend: ['cpu', 'gpu-link', 'options', 'inputs', 'boxes', ...RUN, ...GROUND],
	postprocessor: ['options', 'detections', 'backend', 'gpu-link', 'cpu', 'heads', ...RUN, ...GROUND],
	onnxruntime: GROUND,
	tfjs: GROUND,
	index: ['postprocessor', 'backend', 'boxes', 'anchors', 'codecs', 'heads', ...GROUND],
	demo: ['index', 'onnxruntime', 'tfjs'],
};

/** Not even a type. */
const BARRED: Record<string, string[]> = { cpu: ['gpu', 'shaders'], gpu: ['cpu'], shaders: ['gpu', 'cpu'], boxes: ['heads', 'backend'] };

interface Import {
	file: string;
	from: string;
	to: string;
	onlyTypes: boolean;
	dynamic: boolean;
}

function filesOf(folder: string): string[] {
	const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
	return names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).map((name) => path.posix.join(folder, name));
}

/** The room of a path relative to the repository. */
function roomOf(file: string): string {
	const [top, second, third] = file.split('/');
	if (top !== 'src') return top;
	return third ? second : second.replace(/\.(js|ts)$/, '');
}

function importsOf(file: string): Import[] {
	const text = readFileSync(path.join(root, file), 'utf8');
	const found: Import[] = [];
	for (const [, kind, names, specifier] of text.matchAll(/^(import|export)\s([^'"]*?)from '([^']+)';/gms)) {
		const onlyTypes =
			names.startsWith('type ') ||
			(kind === 'import' && /^\{/.test(names) && names.match(/[\w$]+( as \w+)?(?=\s*[,}])/g)?.length === names.match(/\btype \w/g)?.length);
		found.push({ file, from: roomOf(file), to: targetOf(file, specifier), onlyTypes: Boolean(onlyTypes), dynamic: false });
	}
	for (const [, specifier] of text.matchAll(/import\('([^']+)'\)/g))
		found.push({ file, from: roomOf(file), to: targetOf(file, specifier), onlyTypes: false, dynamic: true });
	return found;
}

function targetOf(file: string, specifier: string): string {
	if (specifier === 'kedge') return 'index';
	if (specifier.startsWith('kedge/')) return specifier.slice(6);
	if (!specifier.startsWith('.')) return specifier;
	return roomOf(path.posix.join(path.posix.dirname(file), specifier));
}

const files = [...filesOf('src'), ...filesOf('shaders'), ...filesOf('demo')];
const imports = files.flatMap(importsOf).filter(({ from, to }) => from !== to);
const show = ({ file, to }: Import) => `${file} imports ${to}`;

describe('the plan of the source', () => {
	it('is about real files', () => {
		expect(files.length).toBeGreaterThan(30);
		expect(imports.length).toBeGreaterThan(50);
		expect([...new Set(files.map(roomOf))].filter((room) => !(room in MAY_IMPORT))).toEqual([]);
	});

	it('points down only', () => {
		const order = Object.keys(MAY_IMPORT);
		const upward = order.flatMap((from, i) => MAY_IMPORT[from].filter((to) => to !== from && order.indexOf(to) > i).map((to) => `${from} imports ${to}`));
		expect(upward).toEqual([]);
	});

	it('lets a room import only what stands below it', () => {
		const outside = (to: string) => !(to in MAY_IMPORT);
		expect(imports.filter(({ from, to, onlyTypes }) => !onlyTypes && !outside(to) && !MAY_IMPORT[from].includes(to)).map(show)).toEqual([]);
	});

	it('keeps cpu and gpu apart, in types too', () => {
		expect(imports.filter(({ from, to }) => BARRED[from]?.includes(to)).map(show)).toEqual([]);
	});

	it('fetches the GPU side only when it is asked for', () => {
		const toGpu = imports.filter(({ from, to, onlyTypes }) => (to === 'gpu' || to === 'shaders') && from !== 'gpu' && !onlyTypes);
		expect(toGpu.length).toBeGreaterThan(0);
		expect(toGpu.filter(({ dynamic }) => !dynamic).map(show)).toEqual([]);
	});

	it('has no dependency but the shader preprocessor, which is bundled', () => {
		const outside = imports.filter(({ from, to }) => from !== 'demo' && !(to in MAY_IMPORT));
		expect(outside.map(show)).toEqual(['shaders/wgsl.ts imports wgsl-preprocessor/wgsl-preprocessor.js']);
	});
});

describe('files', () => {
	const all = [...files, ...filesOf('test')];

	it('open with their idea', () => {
		expect(all.filter((file) => !readFileSync(path.join(root, file), 'utf8').startsWith('// '))).toEqual([]);
	});

	it('are called in kebab-case', () => {
		expect(all.filter((file) => !/^[a-z0-9./-]+$/.test(file))).toEqual([]);
	});

	it('import by names that end in .js', () => {
		const wrong = all.filter((file) => /from '\.[^'$]*(?<!\.m?js)';/.test(readFileSync(path.join(root, file), 'utf8')));
		expect(wrong).toEqual([]);
	});
});
