// Two projects in Node: `unit` (fast, mirrors src) and `package` (the packed tarball in fresh consumers, slow).
// GPU tests are not vitest's: see test/support/run.mjs.

import { defineConfig } from 'vitest/config';
import { alias } from './vite.config.js';

// Vitest prints failures with Map.groupBy, which Node 20 lacks; may go when Node 20 does.
if (!('groupBy' in Map)) {
	const groupBy = <K, V>(items: Iterable<V>, keyOf: (item: V, index: number) => K): Map<K, V[]> => {
		const groups = new Map<K, V[]>();
		let index = 0;
		for (const item of items) {
			const key = keyOf(item, index++);
			const group = groups.get(key);
			if (group) group.push(item);
			else groups.set(key, [item]);
		}
		return groups;
	};
	Object.defineProperty(Map, 'groupBy', { value: groupBy, configurable: true, writable: true });
}

export default defineConfig({
	resolve: { alias },
	test: {
		projects: [
			{ extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 } },
			{ extends: true, test: { name: 'package', include: ['test/package/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 300_000, fileParallelism: false } },
		],
	},
});
