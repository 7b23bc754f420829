// A static file server for tests: one folder, right types, no cache, and a list of what was asked for.

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

const TYPES = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
	'.mjs': 'text/javascript; charset=utf-8',
	'.json': 'application/json',
	'.map': 'application/json',
	'.css': 'text/css',
	'.wasm': 'application/wasm',
};

/** Serves `folder` at http://localhost:<free port>/. `headers` are added to every answer. */
export async function serve(folder, headers = {}) {
	const requests = [];
	const server = createServer((request, response) => {
		const name = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
		requests.push(name);
		const file = path.join(folder, path.normalize(name));
		if (!file.startsWith(folder) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
			response.writeHead(404).end();
			return;
		}
		response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream', 'cache-control': 'no-store', ...headers });
		createReadStream(file).pipe(response);
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	const close = () =>
		new Promise((resolve) => {
			server.closeAllConnections();
			server.close(resolve);
		});
	return { url: `http://localhost:${port}`, requests, close };
}
