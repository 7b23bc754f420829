// The matching page in a real browser: what rules say changes as boxes are dragged, the numbers behind an anchor are right,
// and everything can be done without a mouse. Expected numbers are computed here, in plain float64, from the published rules.

import { expect, type Locator, type Page, test } from '@playwright/test';
import { listen } from '../support/demo-page.js';

let errors: string[] = [];
let strangers: string[] = [];

test.beforeEach(async ({ page, baseURL }) => {
	({ errors, strangers } = listen(page, baseURL as string));
	await page.addInitScript(() => {
		document.addEventListener('kedge:matched', () => {
			document.documentElement.dataset.matched = String(Number(document.documentElement.dataset.matched ?? 0) + 1);
		});
	});
	await page.setViewportSize({ width: 1280, height: 1000 });
	await page.goto('demo/matching.html');
	await settled(page);
});

test.afterEach(() => {
	if (test.info().errors.length > 0) return; // the test's own fault says more
	expect(strangers, 'requests to other origins').toEqual([]);
	expect(errors, 'errors in the console').toEqual([]);
});

/** Waits until every rule's answer is shown. */
async function settled(page: Page): Promise<void> {
	await page.waitForFunction(() => document.documentElement.dataset.matched !== undefined);
	await page.evaluate(async () => {
		for (let before = ''; before !== document.documentElement.dataset.matched; ) {
			before = document.documentElement.dataset.matched ?? '';
			await new Promise((resolve) => setTimeout(resolve, 120));
		}
	});
}

const rule = (page: Page, id: string) => page.locator(`.rule[data-rule="${id}"]`);
const counts = async (panel: Locator) => {
	const { positives, ignored, lost } = await panel.evaluate((element) => ({ ...(element as HTMLElement).dataset }));
	return { positives: Number(positives), ignored: Number(ignored), lost: Number(lost) };
};
const object = (page: Page, number: number) => page.getByRole('button', { name: new RegExp(`^Object ${number},`) });
const boxOf = async (page: Page, number: number) => ((await object(page, number).getAttribute('data-box')) ?? '').split(' ').map(Number);

function iou(a: readonly number[], b: readonly number[]): number {
	const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
	const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
	if (w <= 0 || h <= 0) return 0;
	return (w * h) / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h);
}

test('opens with a story: the racket is saved by all rules but one', async ({ page }) => {
	await expect(page.locator('.rule')).toHaveCount(9);
	for (const panel of await page.locator('.rule').all()) {
		const { positives, lost } = await counts(panel);
		expect(positives).toBeGreaterThan(0);
		expect(lost, String(await panel.getAttribute('data-rule'))).toBe((await panel.getAttribute('data-rule')) === 'fizyr' ? 1 : 0);
	}
	expect((await counts(rule(page, 'textbook'))).ignored, 'the textbook ignores nothing').toBe(0);
	expect((await counts(rule(page, 'torchvision'))).ignored).toBeGreaterThan(0);
	await rule(page, 'fizyr').click();
	await expect(page.locator('#rule-title')).toHaveText('fizyr RetinaNet');
	await expect(page.locator('#fates li').nth(1)).toContainText('Lost: no anchor overlaps it enough');
});

test('the four pages lead to each other', async ({ page }) => {
	const nav = page.getByRole('navigation', { name: 'Pages of the demo' });
	await expect(nav.getByRole('link')).toHaveText(['Detection', 'Anchors', 'Matching', 'Speed']);
	await expect(nav.getByRole('link', { name: 'Matching' })).toHaveAttribute('aria-current', 'page');
	for (const [name, file] of [
		['Anchors', 'anchors.html'],
		['Detection', 'index.html'],
		['Speed', 'speed.html'],
		['Matching', 'matching.html'],
	]) {
		await nav.getByRole('link', { name }).click();
		await expect(page).toHaveURL(new RegExp(`${file}$`));
		await expect(nav.getByRole('link', { name })).toHaveAttribute('aria-current', 'page');
	}
});

test('dragging an object and its edges changes what the rules say', async ({ page }) => {
	const before = await counts(rule(page, 'torchvision'));
	const [x1, y1, x2, y2] = await boxOf(page, 1);
	const stage = (await page.locator('#stage').boundingBox()) as { x: number; y: number; width: number };
	const scale = stage.width / 224;
	const at = (x: number, y: number) => [stage.x + x * scale, stage.y + y * scale] as const;
	await page.mouse.move(...at(x1 + 12, y1 + 12));
	await page.mouse.down();
	await page.mouse.move(...at(x1 + 32, y1 + 2), { steps: 6 });
	await page.mouse.up();
	expect(await boxOf(page, 1)).toEqual([x1 + 20, y1 - 10, x2 + 20, y2 - 10]);
	await settled(page);
	const moved = await counts(rule(page, 'torchvision'));
	expect(moved).not.toEqual(before);
	// the lower right corner, up to make it small: nothing overlaps it enough any more
	await page.mouse.move(...at(x2 + 20, y2 - 10));
	await page.mouse.down();
	await page.mouse.move(...at(x1 + 28, y1 - 2), { steps: 8 });
	await page.mouse.up();
	const [left, top, right, bottom] = await boxOf(page, 1);
	expect([left, top]).toEqual([x1 + 20, y1 - 10]);
	// the screen's pixels are not the picture's
	expect(Math.abs(right - (x1 + 28))).toBeLessThanOrEqual(1);
	expect(Math.abs(bottom - (y1 - 2))).toBeLessThanOrEqual(1);
	await settled(page);
	expect((await counts(rule(page, 'fizyr'))).lost, 'two small objects, nobody rescued').toBe(2);
	expect((await counts(rule(page, 'torchvision'))).lost).toBe(0);
	for (const preset of await page.locator('#presets button').all()) await expect(preset).toHaveAttribute('aria-pressed', 'false');
});

test('the numbers behind an anchor are its IoUs, and the step that decided is named', async ({ page }) => {
	const stage = page.locator('#stage');
	await stage.focus();
	const truths = [await boxOf(page, 1), await boxOf(page, 2)];
	const seen = new Set<string>();
	for (const key of ['ArrowLeft', 'ArrowUp', 'a', 'a', 'ArrowRight', 'PageDown', 'a', 'ArrowDown', 'PageUp', 'PageUp', 'a', 'a']) {
		await page.keyboard.press(key);
		await settled(page);
		const title = (await page.locator('#why-anchor').textContent()) ?? '';
		const [, level, row, column, w, h] = (/^P(\d), row (\d+), column (\d+): ([\d.]+) × ([\d.]+) px$/.exec(title) ?? []).map(Number);
		// torchvision: centres at whole steps from the corner, the step is floor(input / grid)
		const step = Math.floor(224 / Math.ceil(224 / 2 ** level));
		const [cx, cy] = [column * step, row * step];
		const anchor = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
		const expected = truths.map((truth) => iou(anchor, truth));
		const numbers = (await page.locator('#why .number').allTextContents()).map(Number);
		expected.forEach((value, i) => expect(Math.abs(numbers[i] - value), `${title}, object ${i + 1}`).toBeLessThanOrEqual(0.0051));
		const most = Math.max(...expected);
		const verdict = await rule(page, 'fizyr').locator('.verdict').getAttribute('data-label');
		if (Math.abs(most - 0.4) > 1e-6 && Math.abs(most - 0.5) > 1e-6) expect(Number(verdict), title).toBe(most >= 0.5 ? 1 : most > 0.4 ? -1 : 0);
		seen.add(title);
		await expect(page.locator('#why .steps .decided')).toHaveCount(1);
	}
	expect(seen.size).toBeGreaterThan(8);
	await page.keyboard.press('Escape');
	await expect(page.locator('#why')).toContainText('Point at a cell');
});

test('pointing shows a cell, a click pins it, Escape lets go', async ({ page }) => {
	await page.locator('#stage').hover({ position: { x: 60, y: 60 } });
	await expect(page.locator('#why .steps')).toBeVisible();
	const first = await page.locator('#why').getAttribute('data-anchor');
	await page.locator('#stage').click({ position: { x: 60, y: 60 } });
	await page.mouse.move(400, 500);
	await settled(page);
	await expect(page.locator('#why')).toHaveAttribute('data-anchor', first as string);
	await page.locator('#why .shape').first().click();
	await expect(page.locator('#why .shape').first()).toHaveAttribute('aria-pressed', 'true');
	// over an object too: pressing without moving pins what is below
	await object(page, 1).click({ position: { x: 20, y: 60 } });
	await settled(page);
	await expect(page.locator('#why')).not.toHaveAttribute('data-anchor', first as string);
});

test('without a mouse: objects are moved, resized, added and removed', async ({ page }) => {
	const [x1, y1, x2, y2] = await boxOf(page, 1);
	await object(page, 1).focus();
	await page.keyboard.press('ArrowRight');
	await page.keyboard.press('Control+ArrowDown');
	await page.keyboard.press('Shift+ArrowLeft');
	await settled(page);
	expect(await boxOf(page, 1)).toEqual([x1 + 1, y1 + 10, x2, y2 + 10]);
	await page.getByRole('button', { name: 'Add object' }).press('Enter');
	await expect(object(page, 3)).toBeFocused();
	await settled(page);
	await expect(page.locator('#fates li')).toHaveCount(3);
	for (let i = 0; i < 3; i++) await page.keyboard.press('Delete');
	await settled(page);
	await expect(page.locator('#fates li')).toHaveCount(0);
	for (const panel of await page.locator('.rule').all()) expect((await counts(panel)).positives, 'nothing to find').toBe(0);
	await expect(page.getByRole('button', { name: 'Remove' })).toBeDisabled();
});

test('thresholds move the lines, and negative never passes positive', async ({ page }) => {
	const slider = (name: string | RegExp) => page.getByRole('slider', { name });
	const before = await counts(rule(page, 'fizyr'));
	await slider('Positive from IoU').fill('0.2');
	await settled(page);
	await expect(slider('Negative below IoU')).toHaveValue('0.2');
	expect((await counts(rule(page, 'fizyr'))).positives).toBeGreaterThan(before.positives);
	await slider('Negative below IoU').fill('0.9');
	await settled(page);
	await expect(slider('Positive from IoU')).toHaveValue('0.9');
	expect(await counts(rule(page, 'fizyr')), 'no anchor overlaps by so much').toEqual({ positives: 0, ignored: 0, lost: 2 });
	await page.getByRole('button', { name: 'As published' }).click();
	await settled(page);
	expect(await counts(rule(page, 'fizyr'))).toEqual(before);
});

test('an exact tie: who keeps both best anchors, and who only the first', async ({ page }) => {
	await page.getByRole('button', { name: 'An exact tie' }).click();
	// only what is rescued is positive
	await page.getByRole('slider', { name: 'Positive from IoU' }).fill('1');
	await settled(page);
	for (const id of ['paper', 'torchvision', 'detectron2', 'mmdet']) expect((await counts(rule(page, id))).positives, id).toBeGreaterThanOrEqual(2);
	for (const id of ['textbook', 'efficientdet', 'ssd']) expect((await counts(rule(page, id))).positives, id).toBe(1);
	expect((await counts(rule(page, 'fizyr'))).positives).toBe(0);
});

test('one anchor is the best of two objects: torchvision’s SSD lets the first go, Caffe’s does not', async ({ page }) => {
	await page.locator('#anchors').selectOption('ssd300');
	await page.getByRole('button', { name: 'One anchor, two objects' }).click();
	await page.getByRole('slider', { name: 'Positive from IoU' }).fill('1');
	await settled(page);
	expect(await counts(rule(page, 'ssd-torchvision'))).toMatchObject({ positives: 1, lost: 1 });
	expect(await counts(rule(page, 'ssd'))).toMatchObject({ positives: 2, lost: 0 });
	await rule(page, 'ssd-torchvision').click();
	await expect(page.locator('#fates li').first()).toContainText('every anchor it would have had answers for another object');
});

test('every framework, every scene and every rule is shown, and explained', async ({ page }) => {
	const sets = await page.locator('#anchors option').evaluateAll((options) => options.map((option) => (option as HTMLOptionElement).value));
	expect(sets.length).toBe(10);
	for (const [i, set] of sets.entries()) {
		await page.locator('#anchors').selectOption(set);
		await page
			.locator('#presets button')
			.nth((i + 1) % 7)
			.click();
		await settled(page);
		const panels = page.locator('.rule');
		const count = await panels.count();
		expect(count, set).toBeGreaterThanOrEqual(2);
		await expect(panels.first(), 'the framework’s own rule is looked at').toHaveAttribute('aria-pressed', 'true');
		await panels.nth(i % Math.min(3, count)).click();
		await page.locator('#fates button').first().click();
		await settled(page);
		await expect(page.locator('#why .steps .decided'), set).toHaveCount(1);
		await expect(page.locator('#why .number'), set).toHaveCount(await page.locator('#fates li').count());
		for (const verdict of await page.locator('.rule .verdict').all()) await expect(verdict).toHaveText(/^(positive for .+|ignored|negative)$/);
	}
	await expect(page.locator('#problems')).toBeEmpty();
});

test('everything has a name, and nothing is cut off on a phone', async ({ page }) => {
	for (const role of ['button', 'slider', 'radio', 'combobox'] as const) {
		for (const control of await page.getByRole(role).all()) await expect(control).toHaveAccessibleName(/\w/);
	}
	for (const width of [360, 768, 1600]) {
		await page.setViewportSize({ width, height: 800 });
		await settled(page);
		expect(await page.evaluate(() => document.documentElement.scrollWidth), `at ${width}`).toBeLessThanOrEqual(width);
	}
});
