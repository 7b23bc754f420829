// Opens the demo in a browser of its own and watches it: every frame's result, every request, every call to WebGPU.

import type { Browser, LaunchOptions, Page } from '@playwright/test';
import { chromium } from '@playwright/test';
import type { Found } from './truth.js';
import { MARK } from './y4m.js';

/** What the page's watcher notes of one frame. */
export interface FrameNote {
	/** The number spelled by the marks in the picture; only in pictures that have them. */
	mark: number;
	found: Found[];
	size: [number, number];
	backend: { kind: string; reason: string };
	adapter: string;
	agreement?: { equal: boolean; difference?: string };
	timings: Record<string, number>;
	bytesRead: number;
	numCandidates: number;
	processed: number;
	dropped: number;
	/** Calls to WebGPU so far, by name. */
	calls: Record<string, number>;
}

/** A page with the demo, and what it said. */
export interface DemoPage {
	page: Page;
	/** Errors of the console and of the page. */
	errors: string[];
	/** Requests to other origins. */
	strangers: string[];
	/** Waits until that many frames more have been worked on, and returns them. */
	frames(count: number): Promise<FrameNote[]>;
	/** Does something that leads to a frame's result, and returns that. */
	next(act: () => Promise<unknown>): Promise<FrameNote>;
	close(): Promise<void>;
}

/** Runs in the page, before its scripts. */
function watch(mark: { side: number; bits: number }): void {
	const calls: Record<string, number> = {};
	const count = (type: { prototype: object } | undefined, name: string) => {
		const prototype = type?.prototype as Record<string, (...args: unknown[]) => unknown> | undefined;
		if (!prototype) return;
		const original = prototype[name];
		calls[name] = 0;
		prototype[name] = function (...args: unknown[]) {
			calls[name]++;
			return original.apply(this, args);
		};
	};
	count(globalThis.GPUQueue, 'submit');
	count(globalThis.GPUBuffer, 'mapAsync');
	for (const name of ['createBuffer', 'createBindGroup', 'createShaderModule', 'createComputePipelineAsync', 'createQuerySet'])
		count(globalThis.GPUDevice, name);
	const notes: unknown[] = [];
	Object.assign(globalThis, { notes });
	document.addEventListener('kedge:frame', (event) => {
		const { detections, backend, adapter, agreement, processed, dropped } = (event as CustomEvent).detail;
		const frame = document.querySelector<HTMLCanvasElement>('#frame') as HTMLCanvasElement;
		const context = frame.getContext('2d') as CanvasRenderingContext2D;
		const unit = (mark.side * frame.width) / 640;
		let number = 0;
		for (let bit = 0; bit < mark.bits; bit++) {
			const [red] = context.getImageData(Math.floor((bit + 0.5) * unit), Math.floor(frame.height - unit / 2), 1, 1).data;
			if (red > 127) number |= 1 << bit;
		}
		const { timings = {}, bytesRead, numCandidates } = detections;
		notes.push({
			mark: number,
			found: detections.toObjects(),
			size: [frame.width, frame.height],
			backend,
			adapter,
			agreement,
			timings,
			bytesRead,
			numCandidates,
			processed,
			dropped,
			calls: { ...calls },
		});
	});
}

/** Listens to a page: what it says went wrong, and requests to other places than its own. */
export function listen(page: Page, baseURL: string): { errors: string[]; strangers: string[] } {
	const errors: string[] = [];
	const strangers: string[] = [];
	const { origin } = new URL(baseURL);
	page.on('pageerror', (error) => errors.push(String(error)));
	page.on('console', (message) => {
		if (message.type() === 'error') errors.push(message.text());
	});
	page.on('request', (request) => {
		const url = new URL(request.url());
		if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== origin) strangers.push(request.url());
	});
	return { errors, strangers };
}

/**
 * Opens the demo.
 * @param launch The options of the configuration, perhaps with other flags.
 * @param query What follows the address, with its question mark.
 */
export async function openDemo(
	launch: LaunchOptions,
	baseURL: string,
	query: string,
	more: { reducedMotion?: 'reduce'; permissions?: string[]; path?: string } = {},
): Promise<DemoPage> {
	const browser: Browser = await chromium.launch(launch);
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: more.reducedMotion, permissions: more.permissions });
	const page = await context.newPage();
	const { errors, strangers } = listen(page, baseURL);
	await page.addInitScript(watch, { ...MARK });
	await page.goto(new URL((more.path ?? 'demo/index.html') + query, baseURL).href);
	const total = () => page.evaluate(() => (globalThis as unknown as { notes: unknown[] }).notes.length);
	const since = (start: number) => page.evaluate((from) => (globalThis as unknown as { notes: FrameNote[] }).notes.slice(from), start);
	const frames = async (count: number) => {
		const start = await total();
		await page.waitForFunction((n) => (globalThis as unknown as { notes: unknown[] }).notes.length >= n, start + count, { timeout: 90_000 });
		return since(start);
	};
	return {
		page,
		errors,
		strangers,
		frames,
		async next(act) {
			const start = await total();
			await act();
			await page.waitForFunction((n) => (globalThis as unknown as { notes: unknown[] }).notes.length > n, start, { timeout: 60_000 });
			return (await since(start)).at(-1) as FrameNote;
		},
		close: () => browser.close(),
	};
}
