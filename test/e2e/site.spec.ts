// The demo as it is published: built, and served from a plain folder under a strict content security policy. It must
// start, ask nobody else for anything, and not break the policy.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { build, type PreviewServer, preview } from 'vite';
import { shapesAt } from '../../demo/scene.js';
import { openDemo } from '../support/demo-page.js';
import { faultsOf } from '../support/truth.js';

const outDir = mkdtempSync(path.join(tmpdir(), 'kedge-site-'));
let server: PreviewServer | undefined;
test.afterAll(async () => {
	await server?.close();
	rmSync(outDir, { recursive: true, force: true });
});

test('the built demo runs under a strict policy and asks no other origin', async ({ launchOptions }) => {
	await build({ mode: 'site', logLevel: 'error', build: { outDir } });
	const policy =
		"default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'";
	server = await preview({
		configFile: false,
		root: outDir,
		logLevel: 'error',
		build: { outDir },
		preview: { host: 'localhost', port: 0, headers: { 'Content-Security-Policy': policy } },
	});
	const baseURL = server.resolvedUrls?.local[0] as string;
	const demo = await openDemo(launchOptions, baseURL, '?paused=1&backend=webgpu', { path: '' });
	const violations = () => demo.errors.filter((text) => /Content Security Policy/i.test(text));
	await expect(demo.page.locator('#status')).toContainText('Network ready');
	const note = await demo.next(() => demo.page.getByRole('button', { name: 'Step' }).click());
	expect(faultsOf(note.found, shapesAt(1), 1)).toEqual([]);
	expect(note.agreement).toEqual({ equal: true });
	expect(violations()).toEqual([]);
	expect(demo.errors).toEqual([]);
	expect(demo.strangers).toEqual([]);
	const width = await demo.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
	expect(width[0], 'no sideways scrolling').toBeLessThanOrEqual(width[1]);
	await demo.page.setViewportSize({ width: 360, height: 740 });
	expect(await demo.page.evaluate(() => document.documentElement.scrollWidth), 'nor on a phone').toBeLessThanOrEqual(360);
	// the other pages, by the links that lead to them
	for (const [name, ready] of [
		['Anchors', '#levels-table tbody tr'],
		['Matching', '.rule[data-positives]'],
		['Speed', '#plan li'],
	]) {
		await demo.page.getByRole('navigation').getByRole('link', { name }).click();
		await expect(demo.page.locator(ready).first()).toBeVisible();
		expect(await demo.page.evaluate(() => document.documentElement.scrollWidth), `${name} on a phone`).toBeLessThanOrEqual(360);
	}
	// a plain server isolates nothing; the speed page measures all the same
	await expect(demo.page.locator('#machine')).toContainText('not cross-origin isolated');
	await demo.page.getByRole('button', { name: 'Run' }).click();
	await expect(demo.page.locator('#times tbody[data-answers="equal"] th[scope="row"]').nth(4)).toBeVisible({ timeout: 90_000 });
	await demo.page.getByRole('button', { name: 'Cancel' }).click();
	await demo.page.getByRole('navigation').getByRole('link', { name: 'Anchors' }).click();
	await demo.page.getByRole('radio', { name: 'webgpu' }).check();
	await expect(demo.page.locator('#status')).toContainText('on the GPU');
	expect(demo.errors).toEqual([]);
	expect(demo.strangers).toEqual([]);
	await demo.close();
	const html = readFileSync(path.join(outDir, 'index.html'), 'utf8');
	expect(html).toContain(`http-equiv="Content-Security-Policy" content="${policy}"`);
	expect(html).not.toMatch(/https?:\/\//);
	for (const name of ['anchors.html', 'matching.html', 'speed.html']) {
		const page = readFileSync(path.join(outDir, name), 'utf8');
		expect(page, name).toContain(
			`http-equiv="Content-Security-Policy" content="default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'"`,
		);
		expect(page, name).not.toMatch(/https?:\/\/|<style|style="|<script(?![^>]*\bsrc=)/);
	}
	// the chart library empties elements that way; it is given no text of anyone
	const own = readdirSync(path.join(outDir, 'assets')).filter((name) => name.endsWith('.js') && !/^(ort|charts)/.test(name));
	for (const name of own)
		expect(readFileSync(path.join(outDir, 'assets', name), 'utf8'), name).not.toMatch(/\.(innerHTML|outerHTML)\s*=|insertAdjacentHTML|document\.write/);
});
