// The anchors page in a real browser: the sample is clustered and evolved, on the CPU and on the GPU alike; labels in three
// formats give the same anchors; what is wrong in files is told; a run can be cancelled. Fitness and recall are computed here
// anew, in plain float64, from the formula of yolov5's metric.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, expect, type Page, test } from '@playwright/test';
import { listen } from '../support/demo-page.js';
import { random } from '../support/random.js';

/** What the page tells at the end of a run. */
interface Note {
	anchors: number[];
	clusters: number[];
	history: number[];
	sizes: number[];
	images: number[];
	inputSize: number;
	traceLength: number;
	ran: string;
}

let errors: string[] = [];
let strangers: string[] = [];
const folder = mkdtempSync(path.join(tmpdir(), 'kedge-anchors-'));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.beforeEach(async ({ page, baseURL }) => {
	({ errors, strangers } = listen(page, baseURL as string));
	await page.addInitScript(() => {
		const notes: unknown[] = [];
		Object.assign(globalThis, { notes });
		document.addEventListener('kedge:anchors', (event) => {
			const { clusters, evolved, options, data } = (event as CustomEvent).detail;
			notes.push({
				anchors: [...(evolved ?? clusters).anchors],
				clusters: [...clusters.anchors],
				history: evolved ? [...evolved.history] : [],
				sizes: [...data.sizes],
				images: [...data.images],
				inputSize: options.inputSize,
				traceLength: clusters.trace.length,
				ran: clusters.ran.kind,
			});
		});
	});
	await page.setViewportSize({ width: 1280, height: 1000 });
});

test.afterEach(() => {
	if (test.info().errors.length > 0) return; // the test's own fault says more
	expect(strangers, 'requests to other origins').toEqual([]);
	expect(
		errors.filter((text) => !/WebGPU|experimental/i.test(text)),
		'errors in the console',
	).toEqual([]);
});

const count = (page: Page) => page.evaluate(() => (globalThis as unknown as { notes: unknown[] }).notes.length);

/** Does something that leads to a run, and returns what came of it. */
async function next(page: Page, act: () => Promise<unknown>): Promise<Note> {
	const before = await count(page).catch(() => 0);
	await act();
	await page.waitForFunction((n) => (globalThis as unknown as { notes: unknown[] }).notes.length > n, before, { timeout: 90_000 });
	return page.evaluate(() => (globalThis as unknown as { notes: Note[] }).notes.at(-1) as Note);
}

const open = (page: Page) => next(page, () => page.goto('demo/anchors.html'));

/** yolov5's metric: the best over the anchors of the worst ratio of sides, above a quarter. */
function fitnessOf({ sizes, images, inputSize, anchors }: Note): { fitness: number; recall: number } {
	let [fitness, recall] = [0, 0];
	for (let i = 0; i < sizes.length; i += 2) {
		const scale = inputSize / Math.max(images[i], images[i + 1]);
		const [w, h] = [sizes[i] * scale, sizes[i + 1] * scale];
		let best = 0;
		for (let k = 0; k < anchors.length; k += 2) {
			const [a, b] = [w / anchors[k], h / anchors[k + 1]];
			best = Math.max(best, Math.min(a, 1 / a, b, 1 / b));
		}
		if (best > 0.25) {
			fitness += best;
			recall++;
		}
	}
	return { fitness: fitness / (sizes.length / 2), recall: recall / (sizes.length / 2) };
}

test('the sample is clustered step by step and evolves; its numbers are right', async ({ page }) => {
	const note = await open(page);
	expect(note.anchors.length).toBe(18);
	expect(note.traceLength).toBeGreaterThan(3);
	expect(note.history.length).toBe(1000);
	expect(note.history.every((fitness, i) => i === 0 || fitness >= note.history[i - 1])).toBe(true);
	const value = (row: string, key: string) =>
		page.locator('#scores tr', { hasText: row }).locator(`[data-key="${key}"]`).getAttribute('data-value').then(Number);
	const last = 'k-means and evolution';
	const expected = fitnessOf(note);
	expect(await value(last, 'fitness')).toBeCloseTo(expected.fitness, 4);
	expect(await value(last, 'bestPossibleRecall')).toBeCloseTo(expected.recall, 4);
	const before = fitnessOf({ ...note, anchors: note.clusters });
	expect(expected.fitness).toBeGreaterThan(before.fitness);
	expect(await value('YOLOv5', 'fitness'), 'made for other pictures').toBeLessThan(expected.fitness);
	const areas = Array.from({ length: 9 }, (_, k) => note.anchors[2 * k] * note.anchors[2 * k + 1]);
	expect(areas).toEqual([...areas].sort((a, b) => a - b));
	await expect(page.locator('#levels-table tbody tr')).toHaveCount(3);
	await expect(page.locator('#levels-table .size').first()).toHaveText(`${Math.round(note.anchors[0])} × ${Math.round(note.anchors[1])}`);
	// steps
	await page.locator('#moment').fill('0');
	await expect(page.locator('#moment-text')).toContainText('seeds');
	await page.getByRole('button', { name: 'One step on' }).click();
	await expect(page.locator('#moment-text')).toHaveText(`step 1 of ${note.traceLength - 1}`);
	await expect(page.locator('#moment-iou')).toHaveText(/^0\.\d{4}$/);
	await expect(page.locator('#moment-moved')).toHaveText(/^[\d,]+$/);
	await page.locator('#moment').fill(String(note.traceLength));
	await expect(page.locator('#moment-text')).toContainText('after evolution');
});

test('the cloud is painted: every anchor has its colour in it', async ({ page }) => {
	await page.emulateMedia({ reducedMotion: 'reduce' });
	await open(page);
	await expect(page.locator('#moment-text'), 'stillness: the end is shown at once').toContainText('after evolution');
	const colours = await page.locator('#levels-table .size i').evaluateAll((swatches) => swatches.map((swatch) => getComputedStyle(swatch).backgroundColor));
	const painted = await page.evaluate((wanted) => {
		const canvas = document.querySelector('#scatter canvas') as HTMLCanvasElement;
		const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, canvas.width, canvas.height);
		return wanted.map((colour) => {
			const [r, g, b] = (colour.match(/\d+/g) ?? []).map(Number);
			let pixels = 0;
			for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255) pixels++;
			return pixels;
		});
	}, colours);
	expect(painted.length).toBe(9);
	for (const pixels of painted) expect(pixels).toBeGreaterThan(50);
});

test('GPU and CPU: the same result, and both times', async ({ page }) => {
	await open(page);
	const cpu = await next(page, () => page.getByRole('radio', { name: 'cpu' }).check());
	expect(cpu.ran).toBe('cpu');
	const gpu = await next(page, () => page.getByRole('radio', { name: 'webgpu' }).check());
	expect(gpu.ran).toBe('webgpu');
	expect(gpu.anchors).toEqual(cpu.anchors);
	expect(gpu.history).toEqual(cpu.history);
	await expect(page.locator('#duel')).toHaveAttribute('data-equal', 'true');
	await expect(page.locator('#duel .equal')).toHaveText('equal, bit for bit');
	await expect(page.locator('#duel td', { hasText: /^[\d.,]+ ms$/ })).toHaveCount(4);
});

test('no GPU: auto says so and takes the CPU, and asking for one is refused', async ({ launchOptions, baseURL }) => {
	const browser = await chromium.launch({ ...launchOptions, args: (launchOptions.args ?? []).filter((flag) => !/webgpu|vulkan/i.test(flag)) });
	const page = await browser.newPage();
	await page.goto(new URL('demo/anchors.html', baseURL).href);
	const status = page.locator('#status');
	await expect(status).toContainText(/on the CPU: WebGPU cannot be used here/);
	await page.getByRole('radio', { name: 'webgpu' }).check();
	await expect(page.locator('#problems')).toContainText(/WebGPU/);
	await expect(status).toHaveText('Stopped.');
	await page.getByRole('radio', { name: 'cpu' }).check();
	await expect(status).toContainText('on the CPU');
	await expect(page.locator('#problems')).toBeEmpty();
	await browser.close();
});

test('settings change the run: distance, anchors per level, generations', async ({ page }) => {
	const first = await open(page);
	const euclid = await next(page, () => page.getByRole('radio', { name: 'Euclid' }).check());
	expect(euclid.clusters).not.toEqual(first.clusters);
	const fewer = await next(page, () => page.getByRole('slider', { name: 'Anchors per level' }).fill('1'));
	expect(fewer.anchors.length).toBe(6);
	const none = await next(page, () => page.getByRole('slider', { name: 'Generations' }).fill('0'));
	expect(none.history).toEqual([]);
	expect(none.anchors).toEqual(none.clusters);
	const again = await next(page, () => page.getByRole('button', { name: 'Cluster and evolve' }).click());
	expect(again.anchors, 'the same seed, the same anchors').toEqual(none.anchors);
	await page.getByRole('spinbutton').fill('-1');
	await page.getByRole('spinbutton').press('Enter');
	await expect(page.locator('#problems')).toContainText('seed: must be a whole number from 0 to 4294967295; got -1');
	errors.length = 0; // the refusal is logged
});

test('a run can be cancelled, and another one started', async ({ page }) => {
	await open(page);
	await page.getByRole('slider', { name: 'Generations' }).fill('3000');
	await page.getByRole('button', { name: 'Cancel' }).click();
	await expect(page.locator('#status')).toHaveText('Cancelled.');
	await expect(page.locator('#scores tr', { hasText: 'evolution' }), 'no numbers of the run before').toHaveCount(0);
	await expect(page.locator('#fitness-text')).toBeEmpty();
	await expect(page.getByRole('button', { name: 'Cancel' })).toBeDisabled();
	const before = await count(page);
	await page.waitForTimeout(3000);
	expect(await count(page), 'nothing comes after').toBe(before);
	const note = await next(page, () => page.getByRole('slider', { name: 'Generations' }).fill('100'));
	expect(note.history.length).toBe(100);
	// a setting that is refused ends what was going on
	await page.getByRole('slider', { name: 'Generations' }).fill('3000');
	await page.getByRole('spinbutton').fill('-1');
	await page.getByRole('spinbutton').press('Enter');
	await expect(page.locator('#problems')).toContainText('got -1');
	await expect(page.getByRole('button', { name: 'Cancel' })).toBeDisabled();
	errors.length = 0; // the refusal is logged
});

/** The beginning of a PNG, which says its size. */
function pngHeader(width: number, height: number): Buffer {
	const bytes = Buffer.from('89504e470d0a1a0a0000000d49484452000000000000000008020000000000000000000000', 'hex');
	bytes.writeUInt32BE(width, 16);
	bytes.writeUInt32BE(height, 20);
	return bytes;
}

/** 40 pictures of 320 x 240 with boxes on whole pixels, as each format has them. */
function writeLabels(): { voc: string; coco: string; yolo: string; numBoxes: number } {
	const number = random(11);
	const between = (low: number, high: number) => low + Math.floor(number() * (high - low));
	const folders = { voc: path.join(folder, 'voc'), coco: path.join(folder, 'coco'), yolo: path.join(folder, 'yolo') };
	for (const name of Object.values(folders)) mkdirSync(name, { recursive: true });
	const images: object[] = [];
	const annotations: object[] = [];
	const picture = pngHeader(320, 240);
	for (let i = 0; i < 40; i++) {
		const boxes = Array.from({ length: 6 }, () => {
			const [w, h] = [between(4, 120), between(4, 120)];
			return { x: between(0, 320 - w), y: between(0, 240 - h), w, h, kind: between(0, 2) };
		});
		const objects = boxes.map(
			({ x, y, w, h, kind }) =>
				`<object><name>${['cat', 'dog'][kind]}</name><bndbox><xmin>${x + 1}</xmin><ymin>${y + 1}</ymin><xmax>${x + w}</xmax><ymax>${y + h}</ymax></bndbox></object>`,
		);
		const size = '<size><width>320</width><height>240</height><depth>3</depth></size>';
		writeFileSync(path.join(folders.voc, `${i}.xml`), `<annotation><filename>${i}.png</filename>${size}${objects.join('')}</annotation>`);
		writeFileSync(
			path.join(folders.yolo, `${i}.txt`),
			boxes.map(({ x, y, w, h, kind }) => `${kind} ${(x + w / 2) / 320} ${(y + h / 2) / 240} ${w / 320} ${h / 240}`).join('\n'),
		);
		writeFileSync(path.join(folders.yolo, `${i}.png`), picture);
		images.push({ id: i, file_name: `${i}.png`, width: 320, height: 240 });
		for (const { x, y, w, h, kind } of boxes) annotations.push({ id: annotations.length, image_id: i, category_id: kind, bbox: [x, y, w, h], iscrowd: 0 });
	}
	const categories = [
		{ id: 0, name: 'cat' },
		{ id: 1, name: 'dog' },
	];
	writeFileSync(path.join(folders.coco, 'instances.json'), JSON.stringify({ images, annotations, categories }));
	return { ...folders, numBoxes: 240 };
}

test('VOC, COCO and YOLO labels of the same boxes give the same anchors', async ({ page }) => {
	const { voc, coco, yolo, numBoxes } = writeLabels();
	await open(page);
	const fromCoco = await next(page, () => page.locator('#files').setInputFiles(path.join(coco, 'instances.json')));
	await expect(page.locator('#data')).toContainText(`instances.json: ${numBoxes} boxes in 40 images, 2 classes, COCO labels (cat, dog)`);
	const fromVoc = await next(page, () => page.locator('#folder').setInputFiles(voc));
	await expect(page.locator('#data')).toContainText(`voc: ${numBoxes} boxes in 40 images, 2 classes, VOC labels`);
	const fromYolo = await next(page, () => page.locator('#folder').setInputFiles(yolo));
	await expect(page.locator('#data')).toContainText(`yolo: ${numBoxes} boxes in 40 images, 2 classes, YOLO labels`);
	await expect(page.locator('#trouble')).toBeHidden();
	expect(fromVoc.anchors).toEqual(fromCoco.anchors);
	fromYolo.anchors.forEach((side, i) => expect(side).toBeCloseTo(fromCoco.anchors[i], 2));
	await next(page, () => page.getByRole('button', { name: 'Street sample' }).click());
	await expect(page.locator('#data')).toContainText('8,000 boxes');
});

test('a folder is dropped, with folders in it', async ({ page }) => {
	const { voc, numBoxes } = writeLabels();
	const nested = path.join(folder, 'set');
	mkdirSync(path.join(nested, 'labels', 'train'), { recursive: true });
	for (const name of readdirSync(voc)) copyFileSync(path.join(voc, name), path.join(nested, 'labels', 'train', name));
	await open(page);
	const cdp = await page.context().newCDPSession(page);
	const data = { items: [], files: [nested], dragOperationsMask: 1 };
	const event = (type: 'dragEnter' | 'dragOver' | 'drop') => cdp.send('Input.dispatchDragEvent', { type, x: 300, y: 400, data });
	await event('dragEnter');
	await event('dragOver');
	await expect(page.locator('body')).toHaveClass(/dropping/);
	await next(page, () => event('drop'));
	await expect(page.locator('#data')).toContainText(`set: ${numBoxes} boxes in 40 images, 2 classes, VOC labels`);
	await expect(page.locator('body')).not.toHaveClass(/dropping/);
});

/** Drops files on the page. */
async function drop(page: Page, files: Record<string, string>): Promise<void> {
	await page.evaluate((given) => {
		const transfer = new DataTransfer();
		for (const [name, text] of Object.entries(given)) transfer.items.add(new File([text], name));
		document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer }));
	}, files);
}

test('dropped labels: markup in names is text, and what is wrong is told with file and line', async ({ page }) => {
	await open(page);
	const markup = '<img src=x onerror=globalThis.pwned=1>';
	const coco = {
		images: [{ id: 1, file_name: 'a.png', width: 100, height: 100 }],
		annotations: Array.from({ length: 12 }, (_, i) => ({ id: i, image_id: 1, category_id: 7, bbox: [i, i, 5 + 3 * i, 40 - 2 * i] })).concat([
			{ id: 99, image_id: 1, category_id: 7, bbox: [1, 1, 0, 5] },
		]),
		categories: [{ id: 7, name: markup }],
	};
	await next(page, () => drop(page, { [`${markup}.json`]: JSON.stringify(coco) }));
	await expect(page.locator('#data')).toContainText(markup);
	await expect(page.locator('#trouble-title')).toHaveText('1 problem in the files');
	await page.locator('#trouble-title').click();
	await expect(page.locator('#trouble-list li')).toContainText(`${markup}.json`);
	expect(await page.evaluate(() => [Reflect.get(globalThis, 'pwned'), document.querySelectorAll('main img, main b:not(.data b)').length])).toEqual([
		undefined,
		0,
	]);
	await drop(page, { 'broken.json': '{"images": [}' });
	await expect(page.locator('#problems')).toContainText('labels: no box was found in 1 file; broken.json');
	await drop(page, { 'notes.md': 'nothing' });
	await expect(page.locator('#problems')).toContainText('labels: no box was found in 1 file');
	await expect(page.locator('#data'), 'the last good set stays').toContainText(markup);
	const few = { ...coco, annotations: coco.annotations.slice(0, 2) };
	const note = await next(page, () => drop(page, { 'few.json': JSON.stringify(few) }));
	expect(note.anchors.length, 'no more anchors than sizes').toBe(4);
	await expect(page.locator('#problems'), 'and a warning').not.toBeEmpty();
	errors.length = 0; // the refusals are logged
});

test('anchors are copied as JSON and as a YOLO yaml', async ({ page, context }) => {
	await context.grantPermissions(['clipboard-read', 'clipboard-write']);
	const note = await open(page);
	const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
	await page.getByRole('button', { name: 'Copy as JSON' }).click();
	await expect(page.locator('#status')).toHaveText('Copied the anchors as JSON.');
	const json = JSON.parse(await clipboard());
	expect(json.anchors.flat()).toEqual(note.anchors);
	expect(json.inputSize).toBe(640);
	await page.getByRole('button', { name: 'Copy as YOLO yaml' }).click();
	await expect(page.locator('#status')).toContainText('yaml');
	const rounded = note.anchors.map((v) => Math.round(v));
	expect(await clipboard()).toBe(
		`anchors:\n${[0, 1, 2].map((i) => `  - [${rounded.slice(6 * i, 6 * i + 6).join(', ')}]  # P${3 + i}/${8 << i}`).join('\n')}\n`,
	);
});

test('everything has a name, the keyboard reaches it, and nothing is cut off on a phone', async ({ page }) => {
	await open(page);
	for (const role of ['button', 'slider', 'radio', 'combobox', 'spinbutton', 'img', 'progressbar'] as const) {
		for (const control of await page.getByRole(role).all()) await expect(control).toHaveAccessibleName(/\w|[‹›]/);
	}
	const reached = new Set<string>();
	for (let i = 0; i < 40; i++) {
		await page.keyboard.press('Tab');
		reached.add(await page.evaluate(() => document.activeElement?.id || (document.activeElement as HTMLInputElement)?.name || ''));
	}
	for (const id of [
		'use-sample',
		'files',
		'folder',
		'axes',
		'play',
		'moment',
		'published',
		'copy-json',
		'run',
		'backend',
		'size',
		'each',
		'distance',
		'seed',
		'generations',
	])
		expect([...reached], id).toContain(id);
	for (const width of [360, 768, 1600]) {
		await page.setViewportSize({ width, height: 800 });
		await page.waitForTimeout(300);
		expect(await page.evaluate(() => document.documentElement.scrollWidth), `at ${width}`).toBeLessThanOrEqual(width);
	}
});
