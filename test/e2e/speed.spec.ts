// The speed page in a real browser, with next to nothing measured (?effort=glance) and no time ever judged: all rows run and
// agree, the report is copied, a run can be cancelled; and what goes wrong is said: no WebGPU, a device that is lost, an answer
// that differs, a clipboard that is closed.

import { readFileSync } from 'node:fs';
import { type Browser, chromium, expect, type Page, test } from '@playwright/test';
import { listen } from '../support/demo-page.js';

interface ReportNote {
	rows: { id: string; lines: { name: string; difference?: string; time?: { median: number } }[]; problem?: string }[];
	facts: { adapter?: { software: boolean }; isolated: boolean };
	notes: string[];
	choices: { kind: string; reason: string }[];
}

let heard: { errors: string[]; strangers: string[] } | undefined;
const PATH = 'demo/speed.html?effort=glance';
const LAST = 150_000;

async function open(page: Page, baseURL: string): Promise<void> {
	heard = listen(page, baseURL);
	await page.addInitScript(() => {
		document.addEventListener('kedge:speed', (event) => Object.assign(globalThis, { note: (event as CustomEvent).detail }));
	});
	await page.setViewportSize({ width: 1280, height: 1000 });
	await page.goto(new URL(PATH, baseURL).href);
	await expect(page.locator('#plan li')).toHaveCount(7);
}

/** Runs to the end, and returns what the page tells then. */
async function run(page: Page): Promise<ReportNote> {
	await page.getByRole('button', { name: 'Run' }).click();
	await page.waitForFunction(() => 'note' in globalThis, undefined, { timeout: LAST });
	await expect(page.locator('#status')).toHaveText(/^Done in \d+ s\.$/);
	return page.evaluate(() => (globalThis as unknown as { note: ReportNote }).note);
}

const withoutGpu = (launch: Parameters<typeof chromium.launch>[0]): Promise<Browser> =>
	chromium.launch({ ...launch, args: (launch?.args ?? []).filter((flag) => !/webgpu|vulkan/i.test(flag)) });

test.afterEach(() => {
	if (test.info().errors.length > 0) return; // the test's own fault says more
	expect(heard?.strangers, 'requests to other origins').toEqual([]);
	expect(
		heard?.errors.filter((text) => !/WebGPU|experimental/i.test(text)),
		'errors in the console',
	).toEqual([]);
});

test('every row runs, all answers are equal, and the report is taken along', async ({ page, baseURL, context }) => {
	test.setTimeout(LAST + 60_000);
	await context.grantPermissions(['clipboard-read', 'clipboard-write']);
	await open(page, baseURL as string);
	await expect(page.locator('#times tbody'), 'nothing runs before it is asked to').toHaveCount(0);
	await expect(page.locator('#machine')).toContainText('cross-origin isolated');
	await expect(page.locator('#machine')).not.toContainText('not cross-origin isolated');
	const note = await run(page);
	expect(note.facts.isolated).toBe(true);
	expect(note.rows.map(({ id }) => id)).toEqual(['yolo-memory', 'yolo-gpu', 'batch-memory', 'batch-gpu', 'yolo-multi', 'nms-5k', 'nms-100k']);
	for (const { id, lines, problem } of note.rows) {
		expect(problem, id).toBeUndefined();
		expect(lines.length).toBeGreaterThan(0);
		for (const { name, difference, time } of lines) {
			expect(difference, `${id}, ${name}`).toBeUndefined();
			expect(time?.median, `${id}, ${name}`).toBeGreaterThan(0);
		}
	}
	expect(note.rows[0].lines.map(({ name }) => name)).toEqual(['kedge cpu', 'kedge webgpu', 'loop in place', 'loop, transposing', 'tutorial code']);
	expect(note.rows[1].lines.map(({ name }) => name)).toEqual(['kedge webgpu', 'kedge hybrid', 'read back, kedge cpu', 'read back, loop in place']);
	expect(note.choices.length).toBe(4);

	// the page shows it
	await expect(page.locator('#times tbody[data-answers="equal"]')).toHaveCount(7);
	await expect(page.locator('#times tbody[data-row="yolo-gpu"] th[scope="row"]')).toHaveCount(4);
	await expect(page.locator('#choices tbody tr')).toHaveCount(4);
	await expect(page.locator('#choices tbody tr').first()).toContainText(note.choices[0].reason);
	await expect(page.locator('#differences')).toBeEmpty();
	const size = await page.locator('#chart canvas').evaluate((canvas: HTMLCanvasElement) => [canvas.width, canvas.height]);
	expect(Math.min(...size)).toBeGreaterThan(300);
	const painted = await page.locator('#chart canvas').evaluate((canvas: HTMLCanvasElement) => {
		const accent = document.createElement('canvas').getContext('2d') as CanvasRenderingContext2D;
		accent.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--accent');
		accent.fillRect(0, 0, 1, 1);
		const [r, g, b] = accent.getImageData(0, 0, 1, 1).data;
		const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, canvas.width, canvas.height);
		let pixels = 0;
		for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) pixels++;
		return pixels;
	});
	expect(painted, "dots of kedge's colour").toBeGreaterThan(200);

	// and lets it be copied and saved
	const version = await page.evaluate(() => navigator.userAgent.match(/Chrome\/(\d+)/)?.[1]);
	await page.getByRole('button', { name: 'Copy as Markdown' }).click();
	await expect(page.locator('#status')).toHaveText('Copied the report as Markdown.');
	const markdown = await page.evaluate(() => navigator.clipboard.readText());
	expect(markdown).toMatch(/^\| Adapter \| \S.+ \|$/m);
	expect(markdown).toMatch(new RegExp(`^\\| Browser \\| \\S+ ${version}\\.`, 'm'));
	expect(markdown.match(/^\| kedge cpu \|/gm)?.length).toBe(5);
	if (note.facts.adapter?.software) expect(markdown).toContain('its times say nothing of a GPU');
	await page.getByRole('button', { name: 'Copy as JSON' }).click();
	await expect(page.locator('#status')).toHaveText('Copied the report as JSON.');
	expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())).rows.length).toBe(7);
	const saved = async (name: string) => {
		const download = page.waitForEvent('download');
		await page.getByRole('button', { name }).click();
		return readFileSync(await (await download).path());
	};
	const svg = (await saved('Save SVG')).toString();
	expect(svg).toMatch(/^<svg /);
	for (const text of ['tutorial code', 'NMS of 100,000 boxes', 'swiftshader'])
		if (text !== 'swiftshader' || note.facts.adapter?.software) expect(svg).toContain(text);
	const png = await saved('Save PNG');
	expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
	expect([png.readUInt32BE(16), png.readUInt32BE(20) > 500]).toEqual([1800, true]);
});

test('a run can be cancelled at any time, keeps what it has, and another one starts', async ({ page, baseURL }) => {
	await open(page, baseURL as string);
	const [start, cancel] = ['Run', 'Cancel'].map((name) => page.getByRole('button', { name }));
	await start.press('Enter');
	await expect(start).toBeDisabled();
	await expect(cancel, 'by keyboard the next button is at hand').toBeFocused();
	await expect(page.locator('#status')).toContainText('1 of 7, YOLOv8 head in CPU memory');
	await expect(page.locator('#times tbody')).toHaveCount(1, { timeout: 60_000 });
	await cancel.press('Enter');
	await expect(start).toBeFocused();
	await expect(page.locator('#notes')).toContainText('The run was cancelled');
	await expect(page.locator('#status')).toHaveText('Cancelled after 1 row.');
	await expect(cancel).toBeDisabled();
	await expect(start).toBeEnabled();
	await page.waitForTimeout(1500);
	await expect(page.locator('#times tbody'), 'nothing comes after').toHaveCount(1);
	await expect(page.locator('#status')).toHaveText('Cancelled after 1 row.');
	await expect(page.getByRole('button', { name: 'Copy as JSON' }), 'what there is can be taken').toBeVisible();
	await start.click();
	await expect(page.locator('#times tbody'), 'of the run before nothing is left').toHaveCount(0);
	await cancel.click();
	await expect(page.locator('#status')).toHaveText('Cancelled.');
	await start.click();
	await expect(page.locator('#times tbody')).toHaveCount(1, { timeout: 60_000 });
	await cancel.click();
	await expect(page.locator('#problems')).toBeEmpty();
});

test('a device that is lost on the way is told, and the CPU goes on', async ({ page, baseURL }) => {
	test.setTimeout(LAST);
	await open(page, baseURL as string);
	const [worker] = page.workers();
	await worker.evaluate(() => {
		const request = GPUAdapter.prototype.requestDevice;
		GPUAdapter.prototype.requestDevice = async function (...args) {
			const device = await request.apply(this, args);
			if (device.label === 'kedge') Object.assign(globalThis, { device }); // not those that are opened for a look
			return device;
		};
	});
	const done = run(page);
	await expect(page.locator('#times tbody')).toHaveCount(1, { timeout: 60_000 });
	await worker.evaluate(() => (globalThis as unknown as { device: GPUDevice }).device.destroy());
	const note = await done;
	expect(note.notes.join('\n')).toMatch(/the GPU failed: the device was lost/);
	await expect(page.locator('#notes')).toContainText('the device was lost');
	expect(note.rows.map(({ id }) => id)).toEqual(expect.arrayContaining(['yolo-memory', 'batch-memory', 'yolo-multi', 'nms-5k', 'nms-100k']));
	const last = note.rows.at(-1);
	expect([last?.id, last?.lines.map(({ name }) => name)]).toEqual(['nms-100k', ['kedge cpu']]);
	expect(note.rows.every(({ problem }) => problem === undefined)).toBe(true);
});

test('without WebGPU the CPU is measured, and the page says why; a closed clipboard leaves the text to be copied by hand', async ({
	launchOptions,
	baseURL,
}) => {
	const browser = await withoutGpu(launchOptions);
	const page = await browser.newPage();
	await page.addInitScript(() => {
		Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject(new DOMException('no', 'NotAllowedError')) } });
	});
	await open(page, baseURL as string);
	await expect(page.locator('#before')).toContainText(/WebGPU cannot be used here \(.+\): only the CPU is measured/);
	await expect(page.locator('#plan li', { hasText: 'left out' })).toHaveCount(2);
	const note = await run(page);
	expect(note.rows.map(({ id }) => id)).toEqual(['yolo-memory', 'batch-memory', 'yolo-multi', 'nms-5k', 'nms-100k']);
	expect(note.rows[0].lines.map(({ name }) => name)).toEqual(['kedge cpu', 'loop in place', 'loop, transposing', 'tutorial code']);
	expect(note.choices.map(({ kind }) => kind)).toEqual(['cpu', 'cpu']);
	await expect(page.locator('#notes')).toContainText('only the CPU is measured');
	await expect(page.locator('#machine')).toContainText('none (');
	await expect(page.locator('#stages-panel')).toBeHidden();
	await page.getByRole('button', { name: 'Copy as Markdown' }).click();
	const text = page.getByLabel('The browser does not let this page copy. Here is the text:');
	await expect(text).toBeFocused();
	expect(await text.inputValue()).toMatch(/^\| Adapter \| none \(/m);
	expect(await text.evaluate((box: HTMLTextAreaElement) => box.selectionEnd - box.selectionStart === box.value.length)).toBe(true);
	await browser.close();
});

test('an answer that differs is shown with who and where, and its row is not timed', async ({ launchOptions, baseURL }) => {
	const browser = await withoutGpu(launchOptions);
	const page = await browser.newPage();
	// a contestant that suppresses less than it was asked to
	await page.route('**/test/bench/peers/naive.ts*', async (route) => {
		const response = await route.fetch();
		const text = await response.text();
		const wrong = text.replace('> iouThreshold', '> iouThreshold + 0.2');
		expect(wrong).not.toBe(text);
		await route.fulfill({ response, body: wrong });
	});
	await open(page, baseURL as string);
	const note = await run(page);
	const row = note.rows.find(({ id }) => id === 'nms-5k');
	expect(row?.lines.map(({ time }) => time)).toEqual([undefined, undefined]);
	expect(row?.lines[1].difference).toMatch(/^frame 1: /);
	await expect(page.locator('#differences')).toContainText(/NMS of 5000 boxes: two plain loops differs, frame 1: /);
	await expect(page.locator('#times tbody[data-row="nms-5k"]')).toContainText('The answers differ, so nothing was timed.');
	await expect(page.locator('#times tbody[data-row="nms-5k"] th[scope="row"]')).toHaveCount(0);
	await expect(page.locator('#times tbody[data-answers="equal"]'), 'the other rows are').toHaveCount(4);
	await browser.close();
});

test('phone, dark: no sideways scrolling, controls before results; a page in the background is told', async ({ launchOptions, baseURL }) => {
	const browser = await withoutGpu(launchOptions);
	const page = await browser.newPage({ colorScheme: 'dark' });
	await open(page, baseURL as string);
	await page.setViewportSize({ width: 360, height: 800 });
	await page.evaluate(() => Object.defineProperty(document, 'visibilityState', { value: 'hidden' }));
	expect((await run(page)).notes.join()).toMatch('in the background');
	await expect(page.locator('#notes')).toContainText('The page was in the background');
	for (const width of [768, 1600, 360]) {
		await page.setViewportSize({ width, height: 800 });
		await page.waitForTimeout(300);
		expect(await page.evaluate(() => document.documentElement.scrollWidth), `at ${width}`).toBeLessThanOrEqual(width);
	}
	const [controls, chart] = [await page.locator('#controls').boundingBox(), await page.locator('#chart canvas').boundingBox()];
	expect(controls?.y).toBeLessThan(chart?.y ?? 0);
	expect(chart?.width).toBeLessThanOrEqual(330);
	await browser.close();
});
