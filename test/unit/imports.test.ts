// The plan of the house, enforced: what may import what. Data flows down this page; nothing points back up.
// A room is a folder of src, or a file at its top. Its own room is always allowed.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Rooms whose values each room may import, besides the words everyone uses. */
const TABLE: Record<string, readonly string[]> = {
	index: ['postprocessor', 'backend', 'operations', 'rotated-operations', 'soft-operations', 'semantics', 'boxes', 'anchors', 'codecs', 'heads', 'masks'],
	// the wing: what training does with anchors; its own door, and nobody imports it
	training: ['inputs', 'backend', 'boxes', 'anchors', 'codecs', 'layout'],
	// the command in Node, a user of the public doors that is bundled on its own
	command: ['index', 'training'],
	onnxruntime: [],
	tfjs: [],
	postprocessor: ['options', 'detections', 'dispatch', 'backend', 'bind', 'bindings', 'head-facts'],
	dispatch: ['gpu-link', 'cpu'],
	operations: ['inputs', 'cpu', 'boxes'],
	'rotated-operations': ['inputs', 'cpu', 'boxes'],
	'soft-operations': ['inputs', 'cpu'],
	calls: ['inputs', 'cpu', 'boxes'],
	masks: ['options', 'tensors', 'boxes'],
	backend: ['options', 'gpu-link', 'tensors'],
	'gpu-link': ['cpu'],
	inputs: ['options', 'semantics', 'soft-check', 'boxes'],
	settings: ['options', 'semantics', 'soft-check', 'head-check', 'head-facts'],
	options: ['semantics', 'boxes', 'head-facts'],
	'soft-check': ['semantics'],
	semantics: [],
	'head-check': ['boxes'],
	detections: [],
	gpu: ['shaders', 'anchors', 'masks', 'codecs', 'plan', 'level-plan', 'kept', 'layout', 'boxes', 'head-facts'],
	cpu: ['boxes', 'codecs', 'plan', 'level-plan', 'kept', 'layout', 'head-facts'],
	shaders: ['boxes', 'layout', 'head-facts', 'masks'],
	kept: ['layout', 'plan', 'head-facts'],
	plan: ['layout', 'head-facts'],
	'level-plan': ['layout', 'head-facts'],
	heads: ['anchors', 'codecs', 'bind', 'tensors', 'boxes'],
	'head-facts': [],
	pipeline: [],
	bind: ['tensors'],
	bindings: ['bind', 'outputs'],
	outputs: ['bind', 'tensors'],
	tensors: [],
	anchors: ['boxes'],
	codecs: ['boxes'],
	boxes: [],
	layout: [],
};

/** Words of the house: every room may use them. They import nothing but each other. */
const WORDS = ['checks', 'errors', 'numbers', 'functions', 'stages'];

/** Fetched only when wanted, by dynamic import: the GPU with all shaders, the CPU path, the twins, the heads that an error suggests. */
const FETCHED: Record<string, readonly string[]> = {
	training: ['shaders'],
	'gpu-link': ['gpu'],
	dispatch: ['cpu'],
	backend: ['calls', 'masks'],
	calls: ['cpu'],
	postprocessor: ['heads', 'settings'],
};

/** Descriptions: their types say what a thing is, whoever makes it. Type imports leave nothing behind at run time. */
const DESCRIPTIONS = ['pipeline', 'backend', 'heads', 'tensors', 'codecs', 'boxes', 'options', 'inputs', 'detections', 'plan', 'layout', 'head-facts', 'masks'];
/** Other type imports. */
const TYPES: Record<string, readonly string[]> = { onnxruntime: ['postprocessor'], tfjs: ['postprocessor'], gpu: ['shaders'] };

type Kind = 'value' | 'type' | 'dynamic';
interface Import {
	readonly from: string;
	readonly to: string;
	readonly kind: Kind;
}

/** The specifiers of a module's text. */
function importsOf(text: string): { specifier: string; kind: Kind }[] {
	const statements = text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm);
	const dynamic = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g);
	return [
		...[...statements].map((m) => ({ specifier: m[2], kind: (m[1] ? 'type' : 'value') as Kind })),
		...[...dynamic].map((m) => ({ specifier: m[1], kind: 'dynamic' as Kind })),
	];
}

function filesIn(folder: string): string[] {
	const all = readdirSync(path.join(root, folder), { recursive: true }) as string[];
	return all.map((name) => path.posix.join(folder, name.split(path.sep).join('/'))).filter((name) => /\.ts$/.test(name) && !name.endsWith('.d.ts'));
}

const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** src/cpu/fast.ts is in cpu, src/plan.ts in plan, shaders/rank.wgsl.ts in shaders. */
function roomOf(file: string): string {
	const [top, second, third] = file.split('/');
	return top !== 'src' ? top : third ? second : second.replace(/\.ts$/, '');
}

const house = [...filesIn('src'), ...filesIn('shaders')];
const imports: Import[] = house.flatMap((from) =>
	importsOf(read(from)).map(({ specifier, kind }) => {
		const to = specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier).replace(/\.js$/, '.ts') : specifier;
		return { from, to, kind };
	}),
);
const internal = imports.filter(({ to }) => /^(src|shaders)\//.test(to));

function isAllowed({ from, to, kind }: Import): boolean {
	const [a, b] = [roomOf(from), roomOf(to)];
	if (a === b) return true;
	if (kind === 'dynamic') return FETCHED[a]?.includes(b) ?? false;
	if (WORDS.includes(a)) return WORDS.includes(b);
	if (WORDS.includes(b) || TABLE[a]?.includes(b)) return true;
	return kind === 'type' && (DESCRIPTIONS.includes(b) || (TYPES[a]?.includes(b) ?? false) || (a === 'index' && b === 'checks'));
}

describe('imports', () => {
	it('are read right', () => {
		const text = `import a from './a.js';\nimport type { B } from "./b.js";\nimport {\n\tc,\n\ttype D,\n} from './c.js';\nimport './d.js';\nexport { e } from './e.js';\nexport type { F } from './f.js';\nconst g = await import('./g.js');\nexport const h = 'from';`;
		expect(importsOf(text).map(({ specifier, kind }) => `${kind} ${specifier}`)).toEqual([
			'value ./a.js',
			'type ./b.js',
			'value ./c.js',
			'value ./d.js',
			'value ./e.js',
			'type ./f.js',
			'dynamic ./g.js',
		]);
	});

	it('follow the table', () => {
		expect(imports.length).toBeGreaterThan(100);
		const strays = internal.filter((i) => !isAllowed(i)).map(({ from, to, kind }) => `${from} imports ${to} (${kind})`);
		expect(strays).toEqual([]);
	});

	it('are of rooms that the table knows', () => {
		const rooms = new Set(house.map(roomOf));
		expect([...rooms].filter((room) => !(room in TABLE) && !WORDS.includes(room))).toEqual([]);
		expect(Object.keys(TABLE).filter((room) => !rooms.has(room))).toEqual([]);
	});

	it('never join cpu and gpu, not even by a type', () => {
		const joined = internal.filter(({ from, to }) => [roomOf(from), roomOf(to)].sort().join() === 'cpu,gpu');
		expect(joined).toEqual([]);
	});

	it('reach the shaders only through the GPU, which is only fetched', () => {
		const reached = new Set<string>();
		const visit = (file: string) => {
			if (reached.has(file)) return;
			reached.add(file);
			for (const { from, to, kind } of internal) if (from === file && kind === 'value') visit(to);
		};
		for (const door of ['src/index.ts', 'src/training.ts', 'src/onnxruntime.ts', 'src/tfjs.ts']) visit(door);
		expect(reached.size).toBeGreaterThan(20);
		expect([...reached].filter((file) => ['gpu', 'shaders'].includes(roomOf(file)))).toEqual([]);
	});

	it('of the inference doors never reach the training wing', () => {
		expect(internal.filter(({ from, to }) => roomOf(to) === 'training' && !['training', 'command'].includes(roomOf(from)))).toEqual([]);
		expect(internal.filter(({ from, to }) => roomOf(to) === 'command' && roomOf(from) !== 'command')).toEqual([]);
	});

	it('make no circle', () => {
		const done = new Set<string>();
		const circles: string[] = [];
		const visit = (file: string, trail: readonly string[]) => {
			if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' > '));
			if (trail.includes(file) || done.has(file)) return;
			for (const { from, to, kind } of internal) if (from === file && kind === 'value') visit(to, [...trail, file]);
			done.add(file);
		};
		for (const file of house) visit(file, []);
		expect(circles).toEqual([]);
	});

	it('name files that exist, by their .js', () => {
		const specifiers = house.flatMap((file) => importsOf(read(file)).map(({ specifier }) => specifier));
		expect(specifiers.filter((s) => s.startsWith('.') && !/\.js(on)?$/.test(s))).toEqual([]);
		expect(internal.filter(({ to }) => !house.includes(to))).toEqual([]);
	});

	it('bring in no package but those that are bundled, each in one place: kedge has no dependencies', () => {
		const isForeign = ({ from, to }: Import) => !/^(src|shaders)\//.test(to) && !(roomOf(from) === 'command' && to.startsWith('node:'));
		const foreign = imports.filter(isForeign).map(({ from, to }) => `${from}: ${to}`);
		expect(foreign.sort()).toEqual([
			'shaders/wgsl.ts: wgsl-preprocessor/wgsl-preprocessor.js',
			'src/command/anchors-command.ts: commander',
			...['charts', 'components', 'core', 'renderers'].map((part) => `src/command/chart.ts: echarts/${part}`),
			...['commander', 'package.json'].map((name) => `src/command/kedge.ts: ${name}`),
			'src/training/labels/coco.ts: @streamparser/json',
			'src/training/labels/images.ts: image-dimensions',
			'src/training/labels/voc.ts: saxes',
		]);
	});

	it('of the parsers of labels come only with the first file that needs them', () => {
		const parsers = ['voc', 'coco', 'images'].map((name) => `src/training/labels/${name}.ts`);
		const kinds = internal.filter(({ to }) => parsers.includes(to)).map(({ to, kind }) => `${to}: ${kind}`);
		expect(kinds.sort()).toEqual(parsers.map((name) => `${name}: dynamic`).sort());
	});

	it('of the demo use the public doors only', () => {
		const inside = filesIn('demo').flatMap((file) => importsOf(read(file)).map(({ specifier }) => `${file}: ${specifier}`));
		expect(inside.length).toBeGreaterThan(5);
		expect(inside.filter((line) => /\.\.\/(src|shaders|dist)\//.test(line))).toEqual([]);
	});
});

describe('importing kedge', () => {
	it.each(['index', 'training'])('does nothing: %s.ts only re-exports', (door) => {
		const code = read(`src/${door}.ts`).replace(/^\s*\/\/.*$/gm, '');
		expect(code.replace(/export\s+(type\s+)?\{[^}]*\}\s+from\s+'[^']+';/g, '').trim()).toBe('');
	});

	it('gives the names of the contract', async () => {
		const kedge = await import('../../src/index.js');
		const names = [
			...['createPostprocessor', 'createBackend', 'checkWebGPU', 'nms', 'boxIou', 'convertBoxes', 'letterbox', 'clipBoxes', 'boxArea'],
			...['yolov8', 'yolov5', 'ssd', 'retinanet', 'defineHead', 'inferHead', 'anchorGrid', 'ssdPriors', 'anchorPoints', 'KedgeError'],
			...['mediapipeAnchors', 'imagePyramid', 'mtcnnCells', 'rotatedAnchors'],
		];
		for (const name of names) expect(typeof (kedge as Record<string, unknown>)[name], name).toBe('function');
	});

	it('touches neither navigator nor a WebGPU global (F4, F5)', async () => {
		const touched: string[] = [];
		const traps = ['navigator', 'window', 'document', 'GPUBufferUsage', 'GPUMapMode', 'GPUShaderStage', 'fetch'];
		const before = traps.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
		for (const name of traps) {
			Object.defineProperty(globalThis, name, {
				configurable: true,
				get() {
					touched.push(name);
					return undefined;
				},
			});
		}
		try {
			vi.resetModules();
			await Promise.all([
				import('../../src/index.js'),
				import('../../src/training.js'),
				import('../../src/onnxruntime.js'),
				import('../../src/tfjs.js'),
				import('../../src/gpu/backend.js'),
			]);
		} finally {
			for (const [name, descriptor] of before) {
				Reflect.deleteProperty(globalThis, name);
				if (descriptor) Object.defineProperty(globalThis, name, descriptor);
			}
		}
		expect(touched).toEqual([]);
	});
});
