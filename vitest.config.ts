// Two projects in Node: `unit` (fast, mirrors src) and `package` (the packed tarball in fresh consumers, slow).
// GPU tests are not vitest's: see test/support/run.mjs.

import { defineConfig } from 'vitest/config';
import { alias } from './vite.config.js';

export default defineConfig({
	resolve: { alias },
	test: {
		projects: [
			{ extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 } },
			{ extends: true, test: { name: 'package', include: ['test/package/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 300_000, fileParallelism: false } },
		],
	},
});
