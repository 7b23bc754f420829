// Browser tests in the Chromium that test/support/browser.mjs finds: project `chromium` runs the GPU suite,
// project `e2e` the demo and the runtimes we plug into. `npx playwright test` works by itself too.

import { defineConfig } from '@playwright/test';
import { browserArgs, ensureBrowser } from './test/support/browser.mjs';
import { bundleGpuSuite } from './test/support/gpu-bundle.mjs';

// Workers load this file again and inherit what the first load set.
process.env.KEDGE_BROWSER ??= ensureBrowser();
process.env.KEDGE_GPU_SUITE ??= await bundleGpuSuite();

const port = Number(process.env.KEDGE_PORT ?? 5199);
const needsServer = process.env.KEDGE_PART !== 'chromium';

export default defineConfig({
	testDir: 'test/e2e',
	outputDir: 'test-results',
	fullyParallel: false,
	workers: 1,
	forbidOnly: Boolean(process.env.CI),
	timeout: 120_000,
	expect: { timeout: 30_000 },
	reporter: 'list',
	reportSlowTests: null,
	use: {
		baseURL: `http://localhost:${port}/`,
		launchOptions: { executablePath: process.env.KEDGE_BROWSER, args: browserArgs() },
		screenshot: 'only-on-failure',
	},
	projects: [
		{ name: 'chromium', testMatch: 'gpu.spec.ts' },
		{ name: 'e2e', testIgnore: 'gpu.spec.ts' },
	],
	webServer: needsServer
		? {
				command: `npx vite --mode e2e --host localhost --port ${port} --strictPort`,
				url: `http://localhost:${port}/demo/index.html`,
				timeout: 60_000,
				reuseExistingServer: false,
			}
		: undefined,
});
