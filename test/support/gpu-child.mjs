// Runs the bundled GPU suite in this process, Dawn under Node or naga under Deno, and reports one JSON line per event.
// Arguments: path of the bundle, optional part of a test's name.

import { pathToFileURL } from 'node:url';

const [bundle, only = ''] = process.argv.slice(2);
const engine = 'Deno' in globalThis ? 'naga' : 'dawn';
const say = (event) => console.log(`@${JSON.stringify(event)}`);

async function openGpu() {
	if (engine === 'naga') return navigator.gpu;
	const { create, globals } = await import('webgpu');
	Object.assign(globalThis, globals);
	return create([]);
}

try {
	const { GpuSession, gpuTests } = await import(pathToFileURL(bundle).href);
	const session = new GpuSession(engine, await openGpu());
	if (engine === 'naga') {
		globalThis.addEventListener('unhandledrejection', (event) => {
			event.preventDefault();
			session.blame(event.reason);
		});
	} else {
		process.on('unhandledRejection', (reason) => session.blame(reason));
	}
	say({ adapter: await session.describe() });
	for (const test of gpuTests.filter((t) => t.name.includes(only))) {
		say({ start: test.name, limit: test.timeout });
		say({ result: await session.run(test) });
	}
	say({ done: true });
	process.exit(0); // Dawn's own threads would keep Node alive
} catch (error) {
	say({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
	process.exit(1);
}
