// npm run wgsl: writes every shader variant as a plain file into wgsl/, to be read or given to another tool.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const root = fileURLToPath(new URL('../../', import.meta.url));
const server = await createServer({
	root,
	configFile: false,
	logLevel: 'error',
	server: { middlewareMode: true, hmr: false, ws: false },
	optimizeDeps: { noDiscovery: true },
});
try {
	const { allShaders } = await server.ssrLoadModule('/test/support/all-shaders.ts');
	const folder = path.join(root, 'wgsl');
	await rm(folder, { recursive: true, force: true });
	await mkdir(folder);
	const shaders = allShaders();
	for (const [name, code] of shaders) await writeFile(path.join(folder, `${name}.wgsl`), `${code.replace(/\n{3,}/g, '\n\n').trim()}\n`);
	console.log(`wgsl: ${shaders.length} files`);
} finally {
	await server.close();
}
