// The GPU suite as one plain module, so that Node, Deno and a page all run the very same code.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles test/support/gpu-entry.ts into a folder of this process, removed when it ends; returns the path of the module. */
export async function bundleGpuSuite() {
	mkdirSync(path.join(root, '.cache'), { recursive: true });
	const outDir = mkdtempSync(path.join(root, '.cache/gpu-'));
	process.on('exit', () => rmSync(outDir, { recursive: true, force: true }));
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
