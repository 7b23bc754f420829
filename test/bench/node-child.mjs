// Runs one row in this process and sends what it gives to the parent.
// Arguments: path of the bundle, name of the row, 'quick' or '', 'gpu' or ''.

import { pathToFileURL } from 'node:url';
import { runTorchvision } from './torchvision.mjs';

const [bundle, row, quick, gpu] = process.argv.slice(2);
// nobody is left to hear of it
process.on('disconnect', () => process.exit(1));
/** Ends once the parent has it; threads of a runtime would keep Node alive. */
const end = (message, code) => process.send(message, () => process.exit(code));

try {
	if (gpu) {
		const { create, globals } = await import('webgpu');
		Object.assign(globalThis, globals);
		// Node 20 has no navigator
		if (!('navigator' in globalThis)) globalThis.navigator = {};
		Object.defineProperty(globalThis.navigator, 'gpu', { value: create(['disable-dawn-features=timestamp_quantization']), configurable: true });
	}
	const { runRow } = await import(pathToFileURL(bundle).href);
	const progress = (text) => process.send({ progress: text });
	end({ result: await runRow(row, { place: 'node', quick: Boolean(quick), progress, torchvision: runTorchvision }) }, 0);
} catch (error) {
	end({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }, 1);
}
