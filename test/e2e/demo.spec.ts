// The demo in a real browser: boxes on the shapes it was given, GPU and CPU equal on every frame, what it does with
// files, keys, markup and URLs. Truth comes from the scene's own numbers, never from what was found.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, type LaunchOptions, test } from '@playwright/test';
import { OnnxGraph } from '../../demo/model/onnx.js';
import { CLIP, shapesAt } from '../../demo/scene.js';
import { bmp } from '../support/bmp.js';
import { type DemoPage, openDemo } from '../support/demo-page.js';
import { scenePicture } from '../support/scene.js';
import { faultsOf } from '../support/truth.js';
import { markFrame, y4m } from '../support/y4m.js';

/** Every eighth frame of the clip, five a second: what the fake camera shows. */
const CAMERA = { every: 8, rate: 5 };
const folder = mkdtempSync(path.join(tmpdir(), 'kedge-e2e-'));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

let demo: DemoPage | undefined;
test.afterEach(async () => {
	const errors = demo?.errors ?? [];
	const strangers = demo?.strangers ?? [];
	await demo?.close();
	demo = undefined;
	if (test.info().errors.length > 0) return; // the test's own fault says more
	expect(strangers, 'requests to other origins').toEqual([]);
	expect(
		errors.filter((text) => !/WebGPU|experimental/i.test(text)),
		'errors in the console',
	).toEqual([]);
});

function withCamera(launch: LaunchOptions): LaunchOptions {
	const file = path.join(folder, 'camera.y4m');
	const pictures = Array.from({ length: CLIP.frames / CAMERA.every }, (_, i) => markFrame(scenePicture(i * CAMERA.every), i));
	writeFileSync(file, y4m(pictures, CAMERA.rate));
	const flags = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${file}`];
	return { ...launch, args: [...(launch.args ?? []), ...flags] };
}

function withoutGpu(launch: LaunchOptions): LaunchOptions {
	return { ...launch, args: (launch.args ?? []).filter((flag) => !/webgpu|vulkan/i.test(flag)) };
}

for (const backend of ['webgpu', 'hybrid', 'cpu'] as const) {
	test(`camera, ${backend}: boxes are on the shapes, and GPU and CPU agree on every frame`, async ({ launchOptions, baseURL }) => {
		demo = await openDemo(withCamera(launchOptions), baseURL as string, `?source=camera&runtime=wasm&backend=${backend}`);
		const notes = await demo.frames(30);
		expect(new Set(notes.map((note) => note.mark)).size, 'different pictures seen').toBeGreaterThan(10);
		for (const note of notes) {
			expect(note.size[0] / note.size[1]).toBeCloseTo(CLIP.width / CLIP.height, 2);
			expect(faultsOf(note.found, shapesAt(note.mark * CAMERA.every), note.size[0] / CLIP.width), `picture ${note.mark}`).toEqual([]);
			expect(note.backend.kind).toBe(backend);
			if (backend === 'cpu') expect(note.agreement).toBeUndefined();
			else expect(note.agreement).toEqual({ equal: true });
			expect(note.numCandidates, 'work for suppression').toBeGreaterThan(2 * note.found.length);
		}
		const text = backend === 'cpu' ? 'CPU only, nothing to compare' : 'GPU and CPU agree, bit for bit';
		await expect(demo.page.locator('#agree-text')).toHaveText(text);
		await expect(demo.page.locator('#fact-kept')).not.toHaveText('–');
	});
}

test('webgpu: one submit and one map a frame, nothing created after the tenth frame', async ({ launchOptions, baseURL }) => {
	// The network runs in wasm, so every call to WebGPU is kedge's.
	demo = await openDemo(launchOptions, baseURL as string, '?runtime=wasm&backend=webgpu');
	const notes = await demo.frames(40);
	const [tenth, last] = [notes[10], notes[39]];
	expect(last.backend.kind).toBe('webgpu');
	const frames = last.processed - tenth.processed;
	const made = Object.fromEntries(Object.entries(last.calls).map(([name, count]) => [name, count - tenth.calls[name]]));
	expect(made).toEqual({
		submit: frames,
		mapAsync: frames,
		createBuffer: 0,
		createBindGroup: 0,
		createShaderModule: 0,
		createComputePipelineAsync: 0,
		createQuerySet: 0,
	});
	expect(notes.map((note) => note.agreement?.equal)).toEqual(notes.map(() => true));
	for (const note of notes) expect(note.bytesRead, '300 detections are read back in 10 KB').toBeLessThanOrEqual(10_240);
	const rows = await demo.page.locator('#times th').allTextContents();
	expect(rows).toEqual(
		expect.arrayContaining(['capture', 'preprocess', 'inference', 'post-processing', 'decode', 'bins', 'scatter', 'rank', 'suppress', 'draw', 'total']),
	);
});

test('clip with no camera and no GPU: runs on the CPU and says why', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(withoutGpu(launchOptions), baseURL as string, '?paused=1');
	const { page } = demo;
	const step = page.getByRole('button', { name: 'Step' });
	await expect(page.locator('#status')).toContainText('Network ready');
	for (let i = 0; i < 8; i++) {
		const frame = i + 1;
		const note = await demo.next(() => step.click());
		expect(note.backend.kind).toBe('cpu');
		expect(note.backend.reason).toMatch(/WebGPU cannot be used here \((no-adapter|no-webgpu)\)/);
		expect(faultsOf(note.found, shapesAt(frame), 1), `frame ${frame}`).toEqual([]);
		expect(note.bytesRead).toBe(0);
	}
	await expect(page.locator('#fact-backend')).toHaveText('cpu');
	await expect(page.locator('#fact-adapter')).toContainText('none');
	await expect(page.locator('#agree-text')).toHaveText('CPU only, nothing to compare');
	await page.getByRole('button', { name: 'Camera' }).click();
	await expect(page.locator('#problems')).toContainText('camera: none was found');
	await page.getByRole('radio', { name: 'webgpu' }).first().check();
	await expect(page.locator('#problems')).toContainText('WebGPU found no adapter');
	await expect(page.getByRole('radio', { name: 'auto' }).first(), 'the last backend stays').toBeChecked();
	demo.errors.length = 0; // both refusals are logged
});

test('playing drops frames instead of queueing them, and pauses', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?runtime=wasm&backend=webgpu');
	const [first] = await demo.frames(1);
	await demo.frames(9);
	await demo.page.getByRole('button', { name: 'Pause' }).click();
	await expect(demo.page.getByRole('button', { name: 'Play' })).toBeVisible();
	await demo.page.waitForTimeout(1000);
	const before = await demo.next(() => demo?.page.getByRole('button', { name: 'Step' }).click() as Promise<void>);
	expect(before.processed).toBeGreaterThan(first.processed);
	await demo.page.waitForTimeout(700);
	const after = await demo.next(() => demo?.page.getByRole('button', { name: 'Step' }).click() as Promise<void>);
	expect(after.processed, 'nothing was worked on in between').toBe(before.processed + 1);
});

test('sliders repeat the post-processing alone', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?paused=1&frame=40&backend=cpu');
	const { page } = demo;
	await expect(page.locator('#status')).toContainText('Network ready');
	const base = await demo.next(() => page.getByRole('button', { name: 'Step' }).click());
	const count = shapesAt(41).length;
	expect(base.found.length).toBe(count);
	const set = (name: string, value: string) => page.getByRole('slider', { name }).fill(value);
	const all = await demo.next(() => set('Suppress above IoU', '1'));
	expect(all.found.length, 'nothing is suppressed').toBe(all.numCandidates);
	expect(all.processed, 'the network did not run').toBe(base.processed);
	const few = await demo.next(() => set('Detections at most', '3'));
	expect(few.found).toEqual(all.found.slice(0, 3));
	await demo.next(() => set('Detections at most', '300'));
	const strict = await demo.next(() => set('Score above', '0.7'));
	expect(strict.found.length).toBeGreaterThan(0);
	expect(strict.found).toEqual(all.found.filter(({ score }) => score > Math.fround(0.7)));
	await demo.next(() => set('Suppress above IoU', '0'));
	await expect(page.locator('#iou-value')).toHaveText('0.00');
	await expect(page).toHaveURL(/score=0\.7/);
	expect(await page.evaluate(() => location.search)).toContain('iou=0');
});

test('keyboard: every control is reached and works', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?paused=1&backend=cpu');
	const { page } = demo;
	await expect(page.locator('#status')).toContainText('Network ready');
	const names: string[] = [];
	for (let i = 0; i < 30; i++) {
		await page.keyboard.press('Tab');
		const name = await page.evaluate(() => {
			const element = document.activeElement as HTMLInputElement;
			return element === document.body ? '' : (element.labels?.[0]?.textContent || element.textContent || element.id).trim();
		});
		if (!name && names.length > 5) break;
		names.push(name);
	}
	expect(names).toEqual([
		'Skip to the controls',
		'Detection',
		'Anchors',
		'Matching',
		'Speed',
		'Clip',
		'Camera',
		'Video or image…',
		'Play',
		'Step',
		'Copy result as JSON',
		'Compare with the CPU on every frame',
		'Score above',
		'Suppress above IoU',
		'Detections at most',
		'Class-agnostic: boxes of different classes suppress each other',
		'cpu',
		'auto',
		'Class names, separated by commas',
		'Try your own .onnx…',
	]);
	await page.getByRole('button', { name: 'Step' }).focus();
	const first = await demo.next(() => page.keyboard.press('Enter'));
	await page.getByRole('slider', { name: 'Score above' }).focus();
	const more = await demo.next(() => page.keyboard.press('End'));
	expect(more.found, 'no score is above 1').toEqual([]);
	expect(first.found.length).toBeGreaterThan(0);
	await page.getByRole('radio', { name: 'cpu' }).focus();
	await page.keyboard.press('ArrowLeft');
	await expect(page.getByRole('radio', { name: 'hybrid' })).toBeChecked();
	await expect(page.locator('#status')).toHaveText('Backend: hybrid.', { timeout: 30_000 });
});

test('screen readers: everything has a name, announcements are few', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?backend=cpu');
	const { page } = demo;
	await demo.frames(3);
	for (const role of ['button', 'slider', 'checkbox', 'radio', 'textbox'] as const) {
		for (const control of await page.getByRole(role).all()) await expect(control).toHaveAccessibleName(/\w/);
	}
	await expect(page.getByRole('group', { name: 'Backend' }).getByRole('radio')).toHaveCount(4);
	await expect(page.getByRole('img', { name: /frame/ })).toBeVisible();
	await expect(page.getByRole('main')).toHaveCount(1);
	const said = await page.evaluate(async () => {
		let changes = 0;
		const observer = new MutationObserver(() => changes++);
		for (const live of document.querySelectorAll('[role="status"], [role="alert"], [aria-live]'))
			observer.observe(live, { childList: true, subtree: true, characterData: true });
		await new Promise((resolve) => setTimeout(resolve, 2000));
		return changes;
	});
	expect(said, 'frames are not announced').toBe(0);
});

test('markup in class names and file names is text', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?paused=1&backend=cpu');
	const { page } = demo;
	await expect(page.locator('#status')).toContainText('Network ready');
	await demo.next(() => page.getByRole('button', { name: 'Step' }).click());
	const markup = '<img src=x onerror=globalThis.pwned=1>';
	const note = await demo.next(async () => {
		await page.getByRole('textbox').fill(`${markup}, ${markup}, <b>green</b>, =1+1`);
		await page.getByRole('textbox').press('Enter');
	});
	expect(new Set(note.found.map(({ label }) => label))).toEqual(new Set([markup, '<b>green</b>', '=1+1']));
	await expect(page.locator('#found')).toContainText(markup);
	await page.locator('#file').setInputFiles({ name: `${markup}.bmp`, mimeType: 'image/bmp', buffer: Buffer.from(bmp(scenePicture(8, 320))) });
	await expect(page.locator('#status')).toContainText(markup);
	await page.locator('#onnx').setInputFiles({ name: `${markup}.onnx`, mimeType: 'application/octet-stream', buffer: Buffer.from('no network') });
	await expect(page.locator('#problems')).toContainText('network: must be an ONNX file');
	expect(await page.evaluate(() => [Reflect.get(globalThis, 'pwned'), document.querySelectorAll('main img, main b:not([id])').length])).toEqual([undefined, 0]);
	demo.errors.length = 0; // the refusal is logged
});

test('pictures: chosen, pasted, dropped; damaged and huge ones are refused by name', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?backend=cpu&paused=1');
	const { page } = demo;
	await expect(page.locator('#status')).toContainText('Network ready');
	const choose = (name: string, mimeType: string, bytes: Uint8Array | string) =>
		page.locator('#file').setInputFiles({ name, mimeType, buffer: Buffer.from(bytes as Uint8Array) });
	const chosen = await demo.next(() => choose('scene.bmp', 'image/bmp', bmp(scenePicture(64, 480))));
	expect(faultsOf(chosen.found, shapesAt(64), 0.75)).toEqual([]);
	const give = (type: 'drop' | 'paste', bytes: Uint8Array) =>
		page.evaluate(
			([kind, data]) => {
				const transfer = new DataTransfer();
				transfer.items.add(new File([Uint8Array.from(data as number[])], 'given.bmp', { type: 'image/bmp' }));
				const event = kind === 'drop' ? new DragEvent('drop', { dataTransfer: transfer }) : new ClipboardEvent('paste', { clipboardData: transfer });
				document.dispatchEvent(event);
			},
			[type, [...bytes]] as const,
		);
	expect(faultsOf((await demo.next(() => give('drop', bmp(scenePicture(120, 320))))).found, shapesAt(120), 0.5)).toEqual([]);
	expect(faultsOf((await demo.next(() => give('paste', bmp(scenePicture(200, 320))))).found, shapesAt(200), 0.5)).toEqual([]);
	const problem = page.locator('#problems');
	await choose('cut.png', 'image/png', Uint8Array.of(0x89, 0x50, 0x4e, 0x47));
	await expect(problem).toContainText('picture: must be one that this browser can decode');
	await choose('huge.svg', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="65535" height="65535"/>');
	await expect(problem).toContainText('picture: must have 67108864 pixels at most; got 65535 x 65535');
	await choose('cut.webm', 'video/webm', 'not a video');
	await expect(problem).toContainText('video: must be one that this browser can decode');
	await choose('notes.txt', 'text/plain', 'hello');
	await expect(problem).toContainText('file: must be a picture, a video or an .onnx network; got text/plain');
	await choose('nothing.png', 'image/png', '');
	await expect(problem).toContainText('file: must not be empty');
	await demo.next(() => choose('again.bmp', 'image/bmp', bmp(scenePicture(8, 320))));
	await expect(problem, 'a good file clears the complaint').toBeEmpty();
	demo.errors.length = 0; // the refusals are logged
});

test('a video file plays, steps and is found in', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?backend=cpu&paused=1');
	const { page } = demo;
	await expect(page.locator('#status')).toContainText('Network ready');
	const first = await demo.next(() =>
		page.evaluate(async () => {
			const canvas = document.createElement('canvas');
			[canvas.width, canvas.height] = [320, 240];
			const context = canvas.getContext('2d') as CanvasRenderingContext2D;
			const record = async (): Promise<File> => {
				// A canvas hands out a frame when it is asked to, and only if it was painted anew.
				const stream = canvas.captureStream(0);
				const [track] = stream.getVideoTracks() as CanvasCaptureMediaStreamTrack[];
				const recorder = new MediaRecorder(stream, { mimeType: 'video/webm;codecs=vp8', videoBitsPerSecond: 4_000_000 });
				const parts: Blob[] = [];
				recorder.ondataavailable = ({ data }) => parts.push(data);
				const stopped = new Promise((resolve) => {
					recorder.onstop = resolve;
				});
				recorder.start();
				for (let i = 0; i < 30; i++) {
					context.fillStyle = '#20242e';
					context.fillRect(0, 0, 320, 240);
					context.fillStyle = '#e8484d';
					context.fillRect(60, 40, 100, 80);
					context.fillStyle = '#9aa3b5';
					context.fillRect(200 + 2 * i, 200, 20, 20);
					track.requestFrame();
					await new Promise((resolve) => setTimeout(resolve, 40));
				}
				recorder.stop();
				await stopped;
				return new File(parts, 'red.webm', { type: 'video/webm' });
			};
			// On a busy machine the recorder sometimes misses the frames: a file of 110 bytes.
			let file = await record();
			for (let i = 0; i < 9 && file.size < 2000; i++) file = await record();
			const transfer = new DataTransfer();
			transfer.items.add(file);
			document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer }));
		}),
	);
	const red = { classId: 0, points: [], box: [60, 40, 160, 120] as const };
	expect(first.size).toEqual([320, 240]);
	const more = await demo.frames(3);
	for (const note of more) expect(faultsOf(note.found, [red], 1)).toEqual([]);
	await page.getByRole('button', { name: 'Pause' }).click();
	const stepped = await demo.next(() => page.getByRole('button', { name: 'Step' }).click());
	expect(faultsOf(stepped.found, [red], 1)).toEqual([]);
});

test('network and post-processing on one device: GPU and CPU agree, boxes are on the shapes', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?paused=1&runtime=webgpu&backend=webgpu&frame=30');
	const { page } = demo;
	await expect(page.locator('#status')).toContainText('Network ready', { timeout: 90_000 });
	await expect(page.locator('#model')).toContainText('runs on webgpu');
	const note = await demo.next(() => page.getByRole('button', { name: 'Step' }).click());
	expect(note.backend.kind).toBe('webgpu');
	expect(note.agreement).toEqual({ equal: true });
	expect(faultsOf(note.found, shapesAt(31), 1)).toEqual([]);
	const hybrid = await demo.next(() => page.getByRole('radio', { name: 'hybrid' }).check());
	expect(hybrid.backend.kind).toBe('hybrid');
	expect(hybrid.found).toEqual(note.found);
	const cpu = await demo.next(() => page.getByRole('radio', { name: 'cpu' }).check());
	expect(cpu.backend.kind).toBe('cpu');
	expect(cpu.found, 'read back from the runtime’s buffer').toEqual(note.found);
});

/** A network that puts out zeros of the given shapes, [1, ...] each. */
function zeros(input: (number | string)[], outputs: Record<string, number[]>): Buffer {
	const g = new OnnxGraph();
	const mean = g.op('ReduceMean', [g.input('images', input)], { axes: [1, 2, 3], keepdims: 0 });
	const zero = g.op('Mul', [mean, g.constant([0])]);
	for (const [name, dims] of Object.entries(outputs)) {
		g.output(name, g.op('Expand', [g.op('Reshape', [zero, g.integers(dims.map(() => 1))]), g.integers(dims)]), dims);
	}
	return Buffer.from(g.encode('zeros'));
}

test('an .onnx file: the head that fits is named, or why none does', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?backend=cpu&paused=1');
	const { page } = demo;
	await expect(page.locator('#status')).toContainText('Network ready');
	const give = (name: string, buffer: Buffer) => page.locator('#onnx').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
	const model = page.locator('#model');
	await give('eighty.onnx', zeros([1, 3, 640, 640], { output0: [1, 84, 8400] }));
	await expect(model).toContainText('eighty.onnx: output0 [1, 84, 8400] fits the head yolov8({ numClasses: 80, inputSize: [640, 640] }), 8400 anchors');
	await give('five.onnx', zeros([1, 3, 320, 320], { output: [1, 6300, 7] }));
	await expect(model).toContainText('fits the head yolov5({ numClasses: 2, inputSize: [320, 320] }), 6300 anchors');
	await give('wide.onnx', zeros([1, 3, 'height', 'width'], { output0: [1, 14, 8400] }));
	await expect(model, 'open dimensions').toContainText('fits the head yolov8({ numClasses: 10, inputSize: [640, 640] })');
	const refused: [string, Buffer, string][] = [
		['classifier.onnx', zeros([1, 3, 224, 224], { logits: [1, 1000] }), 'network: its outputs must fit one head of kedge; got logits [1, 1000]'],
		['huge.onnx', zeros([1, 3, 1_000_000, 1_000_000], { output0: [1, 84, 8400] }), 'network: input must have 4096 x 4096 pixels at most'],
		['grey.onnx', zeros([1, 1, 320, 320], { output0: [1, 84, 2100] }), 'network: input must be [1, 3, height, width]'],
		['cut.onnx', zeros([1, 3, 320, 320], { output0: [1, 84, 2100] }).subarray(0, 300), 'network: must be an ONNX file that onnxruntime-web can load'],
		['garbage.onnx', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)), 'network: must be an ONNX file that onnxruntime-web can load'],
		['empty.onnx', Buffer.alloc(0), 'network: must not be empty'],
	];
	for (const [name, buffer, text] of refused) {
		await give(name, buffer);
		await expect(page.locator('#problems'), name).toContainText(text);
	}
	await expect(model, 'the last good network stays').toContainText('wide.onnx');
	await page.getByRole('button', { name: 'Back to the built-in one' }).click();
	await expect(model).toContainText('blobs.onnx');
	const note = await demo.next(() => page.getByRole('button', { name: 'Step' }).click());
	expect(note.found.length).toBe(shapesAt(1).length);
	demo.errors.length = 0; // the refusals are logged
});

test('URL parameters are checked like arguments', async ({ launchOptions, baseURL }) => {
	const query = '?score=45&iou=abc&max=2.5&backend=gpu&paused=yes&frame=-1&colour=%3Cb%3E&agnostic=1&compare=0&max=7&paused=1';
	demo = await openDemo(launchOptions, baseURL as string, query);
	const lines = await demo.page.locator('#problems p').allTextContents();
	expect(lines).toEqual([
		'URL: "score" must be from 0 to 1 (did you mean 0.45?); got "45"',
		'URL: "iou" must be from 0 to 1; got "abc"',
		'URL: "max" must be a whole number from 1 to 1000; got "2.5"',
		'URL: "backend" must be auto, webgpu, hybrid, cpu; got "gpu"',
		'URL: "paused" must be 0 or 1; got "yes"',
		'URL: "frame" must be a whole number from 0 to 1000000; got "-1"',
		'URL: "colour" must be one of source, backend, runtime, score, iou, max, agnostic, compare, paused, frame; got "<b>"',
		'URL: "max" must be given once; got "7"',
		'URL: "paused" must be given once; got "1"',
	]);
	await expect(demo.page.getByRole('slider', { name: 'Score above' })).toHaveValue('0.25');
	await expect(demo.page.getByRole('checkbox', { name: /Class-agnostic/ })).toBeChecked();
	await expect(demo.page.getByRole('checkbox', { name: /Compare/ })).not.toBeChecked();
});

test('stillness is respected: with reduced motion the clip waits for Play', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?backend=cpu', { reducedMotion: 'reduce' });
	await expect(demo.page.locator('#status')).toContainText('Network ready');
	const first = await demo.next(async () => demo?.page.getByRole('button', { name: 'Step' }).click());
	await demo.page.waitForTimeout(800);
	const second = await demo.next(async () => demo?.page.getByRole('button', { name: 'Step' }).click());
	expect(second.processed).toBe(first.processed + 1);
	await demo.page.getByRole('button', { name: 'Play' }).click();
	await demo.frames(3);
});

test('the result is copied as JSON', async ({ launchOptions, baseURL }) => {
	demo = await openDemo(launchOptions, baseURL as string, '?backend=cpu&paused=1', { permissions: ['clipboard-read', 'clipboard-write'] });
	const { page } = demo;
	await expect(page.locator('#status')).toContainText('Network ready');
	const note = await demo.next(() => page.getByRole('button', { name: 'Step' }).click());
	await page.getByRole('button', { name: 'Copy result as JSON' }).click();
	await expect(page.locator('#status')).toHaveText(`Copied ${note.found.length} detections.`);
	const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
	expect(copied.detections).toEqual(note.found);
	expect(copied.backend.kind).toBe('cpu');
});

test('a lost GPU is survived', async ({ launchOptions, baseURL }) => {
	const opened = await openDemo(launchOptions, baseURL as string, '?runtime=wasm&backend=webgpu');
	demo = opened;
	const { page } = opened;
	await opened.frames(2);
	// a device of the test's own tells that the GPU is gone
	await page.evaluate(async () => {
		const device = await (await navigator.gpu.requestAdapter())?.requestDevice();
		(globalThis as unknown as { probe: unknown }).probe = device?.lost.then(() => true);
	});
	const cdp = await (page.context().browser() as NonNullable<ReturnType<ReturnType<typeof page.context>['browser']>>).newBrowserCDPSession();
	await cdp.send('Browser.crashGpuProcess').catch(() => undefined);
	expect(await page.evaluate(() => (globalThis as unknown as { probe: Promise<boolean> }).probe)).toBe(true);
	// A loss that costs a frame is spoken of, one between two frames is not; the boxes come back in either case.
	await expect(async () => {
		const last = (await opened.frames(5)).at(-1);
		expect(last?.found.length).toBe(shapesAt(0).length);
		expect(last?.agreement, `on ${last?.backend.kind}`).toEqual({ equal: true });
	}).toPass({ timeout: 60_000 });
	opened.errors.length = 0;
});
