// The GPU suite as one plain module, so that Node, Deno and a page all run the very same code.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles test/support/gpu-entry.ts into .cache/gpu and returns the path of its entry. */
export async function bundleGpuSuite() {
	const outDir = path.join(root, '.cache/gpu');
	await build({
		root,
		configFile: false,
		logLevel: 'warn',
		build: {
			outDir,
			emptyOutDir: true,
			target: 'es2022',
			minify: false,
			sourcemap: 'inline',
			lib: { entry: path.join(root, 'test/support/gpu-entry.ts'), formats: ['es'], fileName: () => 'suite.js' },
		},
	});
	return path.join(outDir, 'suite.js');
}
