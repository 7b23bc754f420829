// Four uses: the library (`vite build`), the command (`vite build --mode command`), the demo (`vite`, `vite build --mode site`), and the
// server of the browser tests (`vite --mode e2e`), whose root is the repository so that test pages are served beside the demo.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Connect, defineConfig, type Plugin, type UserConfig } from 'vite';

const at = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The package's public doors, as `exports` in package.json lists them. */
const ENTRIES = ['index', 'training', 'onnxruntime', 'tfjs'];

/** Demo, tests and README import the library by its own name. */
export const alias = [
	{ find: /^kedge$/, replacement: at('src/index.ts') },
	{ find: /^kedge\/(.+)$/, replacement: at('src/$1.ts') },
];

/** Writes the .d.ts files beside the built modules, and leaves only those that the entries reach. */
function declarations(): Plugin {
	const folder = at('dist');
	return {
		name: 'declarations',
		closeBundle() {
			execFileSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.build.json')], { stdio: 'inherit' });
			const reached = new Set<string>();
			for (const name of ENTRIES) follow(path.join(folder, `src/${name}.d.ts`), reached);
			const written = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.name.endsWith('.d.ts'));
			for (const file of written.map((entry) => path.join(entry.parentPath, entry.name))) {
				// Compilers before TypeScript 5.7 have no generic typed arrays.
				if (reached.has(file)) writeFileSync(file, readFileSync(file, 'utf8').replace(/\b(\w+Array)<ArrayBuffer(Like)?>/g, '$1'));
				else rmSync(file);
			}
		},
	};
}

function follow(file: string, reached: Set<string>): void {
	if (reached.has(file)) return;
	reached.add(file);
	const text = readFileSync(file, 'utf8');
	for (const [, specifier] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g)) follow(path.join(path.dirname(file), `${specifier}.d.ts`), reached);
}

/** One module per source file: whatever bundler an application has, it drops the files that are not reached. */
const library: UserConfig = {
	publicDir: false,
	plugins: [declarations()],
	build: {
		target: 'es2022',
		minify: false,
		sourcemap: true,
		lib: { entry: ENTRIES.map((name) => at(`src/${name}.ts`)), formats: ['es'] },
		rolldownOptions: {
			output: {
				preserveModules: true,
				preserveModulesRoot: at('.'),
				// npm leaves every node_modules folder out of a package.
				entryFileNames: ({ name }) => `${name.replace(/^node_modules\//, 'vendor/')}.js`,
			},
		},
	},
};

/** The command as one file, with what it needs from npm: it starts fast, and whoever imports kedge gets none of it. */
const command: UserConfig = {
	publicDir: false,
	ssr: { noExternal: true },
	define: { 'process.env.NODE_ENV': '"production"' },
	build: {
		target: 'node20',
		ssr: at('src/command/kedge.ts'),
		outDir: at('dist/command'),
		minify: true,
		rolldownOptions: { external: ['webgpu'], output: { format: 'es', entryFileNames: 'kedge.js', codeSplitting: false } },
	},
};

/** A browser is opened by `npm start` alone, and only where someone could see it. */
function shouldOpen(): boolean {
	const display = process.platform !== 'linux' || Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);
	return process.env.npm_lifecycle_event === 'start' && display && !process.env.CI;
}

/** The demo's pages: all that stand in its folder. */
const pages = () =>
	readdirSync(at('demo'))
		.filter((name) => name.endsWith('.html'))
		.map((name) => at(`demo/${name}`));

/** What the pages take from npm, some of it late: a server that meets one only then reloads the page, and with it all that was set there. */
const FROM_NPM = [
	...['echarts/charts', 'echarts/components', 'echarts/core', 'echarts/renderers'],
	...['@streamparser/json', 'image-dimensions', 'saxes'],
	'wgsl-preprocessor/wgsl-preprocessor.js',
];

/** The chart library apart from the page that uses it, so that each is known by its name. */
const CHUNKS = { groups: [{ name: 'charts', test: /node_modules[\\/](echarts|zrender|tslib)/ }] };

/**
 * Isolates the speed page from other origins, which gives its worker a clock of 5 microseconds. A page and its workers must both say so; to
 * the other pages nothing changes. Plain web servers send no such headers, and there the page measures longer samples.
 */
function isolation(): Plugin {
	const middleware: Connect.NextHandleFunction = ({ url = '' }, response, next) => {
		const { pathname } = new URL(url, 'http://localhost');
		const page = pathname.endsWith('/speed.html');
		if (page) response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
		if (page || /\/speed\/|\/assets\/worker/.test(pathname)) response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
		next();
	};
	return {
		name: 'isolation',
		configureServer: ({ middlewares }) => void middlewares.use(middleware),
		configurePreviewServer: ({ middlewares }) => void middlewares.use(middleware),
	};
}

export default defineConfig(({ command: task, mode }) => {
	if (task === 'build' && mode === 'command') return command;
	if (task === 'build' && mode !== 'site') return library;
	return {
		root: mode === 'e2e' ? at('.') : at('demo'),
		publicDir: at('demo/public'),
		base: './',
		resolve: { alias },
		plugins: [isolation()],
		// onnxruntime-web finds its .wasm files beside its own module: it must not be moved into a bundle of the dev server.
		optimizeDeps: { exclude: ['onnxruntime-web'], include: FROM_NPM, entries: [] },
		// Tests are not to be disturbed by a file that is saved meanwhile.
		server: { open: shouldOpen(), fs: { allow: [at('.')] }, ...(mode === 'e2e' ? { hmr: false, watch: null } : {}) },
		// a worker with imports of its own, as a page has them
		worker: { format: 'es' as const },
		build: { target: 'es2022', outDir: at('site'), emptyOutDir: true, rolldownOptions: { input: pages(), output: { codeSplitting: CHUNKS } } },
	};
});
