// The GPU suite in Chromium: one Playwright test per gpuTest, all on one page and one device, as in the other engines.

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test as base, expect, type Page } from '@playwright/test';
import { browserArgs } from '../support/browser.mjs';
import type { GpuResult } from '../support/gpu-session.js';
import type { GpuTest } from '../support/gpu-suite.js';
import { serve } from '../support/serve.mjs';

const suite = process.env.KEDGE_GPU_SUITE as string;
const { gpuTests } = (await import(pathToFileURL(suite).href)) as { gpuTests: GpuTest[] };

interface SuitePage {
	runGpuTest(index: number): Promise<GpuResult>;
	describeGpu(): Promise<string>;
}

const PAGE = `<!doctype html><title>GPU suite</title><script type="module">
import { GpuSession, gpuTests } from './${path.basename(suite)}';
const session = new GpuSession('chromium', navigator.gpu);
addEventListener('unhandledrejection', (event) => session.blame(event.reason));
addEventListener('error', (event) => session.blame(event.error ?? event.message));
window.runGpuTest = (index) => session.run(gpuTests[index]);
window.describeGpu = () => session.describe();
</script>`;

const test = base.extend<object, { suitePage: Page }>({
	suitePage: [
		async ({ playwright }, use) => {
			const server = await serve(path.dirname(suite));
			const browser = await playwright.chromium.launch({ executablePath: process.env.KEDGE_BROWSER, args: browserArgs() });
			const page = await browser.newPage();
			await page.route('**/gpu-suite.html', (route) => route.fulfill({ contentType: 'text/html', body: PAGE }));
			await page.goto(`${server.url}/gpu-suite.html`);
			await page.waitForFunction(() => 'describeGpu' in window);
			console.log(`adapter: ${await page.evaluate(() => (window as unknown as SuitePage).describeGpu())}`);
			await use(page);
			await browser.close();
			await server.close();
		},
		{ scope: 'worker', timeout: 120_000 },
	],
});

gpuTests.forEach(({ name, timeout }, index) => {
	test(name, async ({ suitePage }) => {
		test.setTimeout(timeout + 60_000);
		const result = await suitePage.evaluate((i) => (window as unknown as SuitePage).runGpuTest(i), index);
		expect(result.error ?? '', result.error).toBe('');
	});
});
