// What a page of the demo takes from the bench brings in no package and nothing of Node, and packages of peers are met only
// when a row runs: whoever lists or tests the rows needs none of them.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../bench/', import.meta.url));

/** Packages that a module and all it imports bring in as values; `dynamic` also those that come late. */
function packagesOf(file: string, dynamic: boolean, seen = new Set<string>()): Set<string> {
	const packages = new Set<string>();
	const visit = (module: string) => {
		if (seen.has(module)) return;
		seen.add(module);
		const text = readFileSync(module, 'utf8');
		const statements = [...text.matchAll(/^\s*(?:import|export)\s+(?!type\s)(?:[\w*{][^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)];
		const late = dynamic ? [...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)] : [];
		for (const [, specifier] of [...statements, ...late]) {
			if (specifier.startsWith('.')) visit(path.join(path.dirname(module), specifier.replace(/\.js$/, '.ts')));
			else packages.add(specifier);
		}
	};
	visit(path.join(folder, file));
	return packages;
}

/** The library and what writes models for onnxruntime are bundled. */
const isPeer = (name: string) => !/^(kedge|protobufjs)(\/|$)/.test(name);

it.each([...['measure', 'answer', 'workloads', 'retinanet-workload'], ...['tutorial', 'loop', 'naive', 'retinanet-loop'].map((peer) => `peers/${peer}`)])(
	'%s needs no package',
	(module) => {
		expect([...packagesOf(`${module}.ts`, true)].filter((name) => name !== 'kedge')).toEqual([]);
	},
);

it('rows meet the packages of their peers when they run', () => {
	const late = packagesOf('bench.ts', true);
	for (const name of ['onnxruntime-web', '@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm']) expect(late).toContain(name);
	expect([...packagesOf('bench.ts', false)].filter(isPeer)).toEqual([]);
});

it('a page finds every package that rows import', () => {
	const page = readFileSync(path.join(folder, 'page.html'), 'utf8');
	const map = JSON.parse(/<script type="importmap">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '{}').imports as Record<string, string>;
	const wanted = [...packagesOf('bench.ts', true)].filter(isPeer);
	expect(wanted.filter((name) => !(name in map))).toEqual([]);
});
