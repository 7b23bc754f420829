// Three uses: the library (`vite build`), the demo (`vite`, `vite build --mode site`), and the server of the browser
// tests (`vite --mode e2e`), whose root is the repository so that test pages are served beside the demo.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type UserConfig } from 'vite';

const at = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The package's public doors, by the name under which `exports` lists them. */
const ENTRIES = ['index', 'onnxruntime', 'tfjs'];

/** Demo, tests and README import the library by its own name. */
export const alias = [
	{ find: /^kedge$/, replacement: at('src/index.ts') },
	{ find: /^kedge\/(.+)$/, replacement: at('src/$1.ts') },
];

const library: UserConfig = {
	publicDir: false,
	build: {
		target: 'es2022',
		minify: false,
		sourcemap: true,
		lib: {
			entry: Object.fromEntries(ENTRIES.filter((name) => existsSync(at(`src/${name}.ts`))).map((name) => [name, at(`src/${name}.ts`)])),
			formats: ['es'],
			fileName: (_, name) => `${name}.js`,
		},
		rolldownOptions: { output: { chunkFileNames: '[name].js' } },
	},
};

/** A browser is opened by `npm start` alone, and only where someone could see it. */
function shouldOpen(): boolean {
	const display = process.platform !== 'linux' || Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);
	return process.env.npm_lifecycle_event === 'start' && display && !process.env.CI;
}

export default defineConfig(({ command, mode }) => {
	if (command === 'build' && mode !== 'site') return library;
	return {
		root: mode === 'e2e' ? at('.') : at('demo'),
		base: './',
		resolve: { alias },
		// onnxruntime-web finds its .wasm files beside its own module: it must not be moved into a bundle of the dev server.
		optimizeDeps: { exclude: ['onnxruntime-web'], entries: [] },
		server: { open: shouldOpen(), fs: { allow: [at('.')] } },
		build: { target: 'es2022', outDir: at('site'), emptyOutDir: true },
	};
});
