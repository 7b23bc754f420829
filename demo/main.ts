// The page: reads the URL, connects controls with the player, and takes files that are chosen, dropped or pasted.

import { loadNetwork, type Network } from './network.js';
import { byId, complain, radios, say } from './page.js';
import { Player } from './player.js';
import { Processor } from './processor.js';
import { Readout } from './readout.js';
import { SHAPE_NAMES } from './scene.js';
import { DEFAULTS, LABEL_LIMITS, LIMITS, readLabels, readSettings, type Settings, writeSettings } from './settings.js';
import { cameraSource, clipSource, fileSource, listCameras, type Source } from './sources.js';

const { settings, problems } = readSettings(location.search);
const processor = new Processor();
const readout = new Readout();
const player = new Player(processor, readout, settings);

/** The file of the present network, kept so that it can be loaded again on another runtime. */
let file: { bytes: Uint8Array; name: string } | undefined;
let labels: readonly string[] = SHAPE_NAMES;

const button = (id: string) => byId(id, HTMLButtonElement);
const input = (id: string) => byId(id, HTMLInputElement);

/** Runs what a control asks for; a fault is shown, and the page goes on. */
function attempt(work: () => Promise<void>): void {
	complain();
	work().catch((error: unknown) => {
		console.error(error);
		complain(error);
	});
}

/** Settings that differ from the defaults stand in the URL, so that the page can be sent to someone. */
function remember(): void {
	const query = writeSettings(settings);
	history.replaceState(null, '', query ? `?${query}` : location.pathname);
}

// Network

async function useNetwork(bytes: Uint8Array, name: string, names: readonly string[]): Promise<void> {
	say(`Loading ${name}…`);
	const network = await loadNetwork(bytes, name, settings.runtime);
	await player.exclusive(async () => {
		await processor.setNetwork(network, settings.backend, names);
	});
	file = { bytes, name };
	labels = names;
	readout.reset();
	if (!player.playing && player.source) await player.again();
	showNetwork(network);
}

function showNetwork(network: Network): void {
	const { call, head, runtime, reason, outputs, name } = network;
	const sentence = `${name}: ${outputs} fits the head ${call}, ${head.numAnchors} anchors.`;
	byId('model', HTMLElement).textContent = `${sentence} It runs on ${runtime}: ${reason}.`;
	button('builtin').hidden = name === BUILT_IN;
	input('labels').value = labels.join(', ');
	say(`Network ready. ${sentence}`);
}

const BUILT_IN = 'blobs.onnx';

async function useBuiltIn(): Promise<void> {
	const response = await fetch(new URL('./model/blobs.onnx', import.meta.url));
	if (!response.ok) throw new Error(`network: ${BUILT_IN} must be beside the page; got status ${response.status}`);
	await useNetwork(new Uint8Array(await response.arrayBuffer()), BUILT_IN, SHAPE_NAMES);
}

async function useBackend(backend: Settings['backend']): Promise<void> {
	const before = settings.backend;
	settings.backend = backend;
	try {
		await player.exclusive(() => processor.setBackend(backend, labels));
		readout.reset();
		remember();
		say(`Backend: ${backend}.`);
	} catch (error) {
		settings.backend = before;
		check('backend', before);
		throw error;
	}
	player.repeat();
}

async function useRuntime(runtime: Settings['runtime']): Promise<void> {
	settings.runtime = runtime;
	check('runtime', runtime);
	remember();
	if (file) await useNetwork(file.bytes, file.name, labels);
}

// Sources

async function useSource(make: () => Promise<Source> | Source): Promise<void> {
	const source = await make();
	source.onEnd = (reason) => {
		complain(`${source.label}: ${reason}`);
		attempt(() => useClip(true));
	};
	await player.setSource(source);
	button('use-clip').setAttribute('aria-pressed', String(source.kind === 'clip'));
	button('use-camera').setAttribute('aria-pressed', String(source.kind === 'camera'));
	button('use-camera').textContent = source.kind === 'camera' ? 'Stop camera' : 'Camera';
	button('play').disabled = !source.moves;
	button('step').disabled = !source.moves;
	player.preview(source);
	say(`Showing ${source.label}, ${source.width} × ${source.height}.`);
	byId('camera-choice', HTMLElement).hidden = source.kind !== 'camera';
	if (source.kind === 'camera') await fillCameras(source.label);
}

async function useClip(paused: boolean): Promise<void> {
	await useSource(() => clipSource(settings.frame));
	if (!paused) player.play();
	else if (processor.network) await player.again();
}

async function useCamera(deviceId?: string): Promise<void> {
	say('Waiting for the camera…');
	await useSource(() => cameraSource(deviceId));
	player.play();
}

async function fillCameras(label: string): Promise<void> {
	const cameras = await listCameras();
	const choice = byId('camera', HTMLSelectElement);
	choice.replaceChildren(...cameras.map((camera, i) => new Option(camera.label || `camera ${i + 1}`, camera.deviceId, false, camera.label === label)));
	byId('camera-choice', HTMLElement).hidden = cameras.length < 2;
}

async function useFile(given: File): Promise<void> {
	if (/\.onnx$/i.test(given.name)) {
		await useNetwork(new Uint8Array(await given.arrayBuffer()), given.name, []);
		return;
	}
	await useSource(() => fileSource(given, given.name || 'pasted picture'));
	player.play();
}

// Controls

function check(name: 'backend' | 'runtime', value: string): void {
	for (const radio of radios(name)) radio.checked = radio.value === value;
}

function connectSliders(): void {
	for (const name of ['score', 'iou', 'max'] as const) {
		const slider = input(name);
		const show = () => {
			byId(`${name}-value`, HTMLOutputElement).textContent = name === 'max' ? String(settings.max) : settings[name].toFixed(2);
		};
		Object.assign(slider, { min: LIMITS[name].min, max: LIMITS[name].max, step: LIMITS[name].step });
		slider.value = String(settings[name]);
		show();
		slider.addEventListener('input', () => {
			settings[name] = slider.valueAsNumber;
			show();
			player.repeat();
		});
		slider.addEventListener('change', remember);
	}
	for (const name of ['agnostic', 'compare'] as const) {
		const box = input(name);
		box.checked = settings[name];
		box.addEventListener('change', () => {
			settings[name] = box.checked;
			remember();
			player.repeat();
		});
	}
}

function connectChoices(): void {
	check('backend', settings.backend);
	check('runtime', settings.runtime);
	for (const radio of radios('backend')) radio.addEventListener('change', () => attempt(() => useBackend(radio.value as Settings['backend'])));
	for (const radio of radios('runtime')) radio.addEventListener('change', () => attempt(() => useRuntime(radio.value as Settings['runtime'])));
	input('labels').maxLength = LABEL_LIMITS.characters;
	input('labels').addEventListener('change', () =>
		attempt(async () => {
			labels = readLabels(input('labels').value);
			await player.exclusive(() => processor.setBackend(settings.backend, labels));
			player.repeat();
		}),
	);
	button('builtin').addEventListener('click', () => attempt(useBuiltIn));
}

function connectSources(): void {
	button('use-clip').addEventListener('click', () => attempt(() => useClip(false)));
	button('use-camera').addEventListener('click', () => attempt(() => (player.source?.kind === 'camera' ? useClip(true) : useCamera())));
	byId('camera', HTMLSelectElement).addEventListener('change', (event) => attempt(() => useCamera((event.target as HTMLSelectElement).value)));
	for (const id of ['file', 'onnx']) {
		input(id).addEventListener('change', () => {
			const chosen = input(id).files?.[0];
			if (chosen) attempt(() => useFile(chosen));
			input(id).value = '';
		});
	}
	document.addEventListener('paste', (event) => {
		const pasted = event.clipboardData?.files[0];
		if (pasted) attempt(() => useFile(pasted));
	});
	for (const type of ['dragenter', 'dragover']) {
		document.addEventListener(type, (event) => {
			event.preventDefault();
			byId('screen', HTMLElement).classList.add('dropping');
		});
	}
	document.addEventListener('dragleave', (event) => {
		if (!event.relatedTarget) byId('screen', HTMLElement).classList.remove('dropping');
	});
	document.addEventListener('drop', (event) => {
		event.preventDefault();
		byId('screen', HTMLElement).classList.remove('dropping');
		const dropped = event.dataTransfer?.files[0];
		if (dropped) attempt(() => useFile(dropped));
	});
}

function connectPlayer(): void {
	player.onChange = (playing) => {
		button('play').textContent = playing ? 'Pause' : 'Play';
	};
	player.onFault = (error) => {
		console.error(error);
		complain(error);
		say('Stopped.');
	};
	player.onLost = () => {
		say('The GPU device was lost, and a frame with it; going on.');
		// What onnxruntime had on that device is gone with it; kedge finds its own way.
		if (processor.network?.runtime === 'webgpu') attempt(() => useRuntime('wasm'));
		else if (!player.playing) attempt(() => player.again());
	};
	button('play').addEventListener('click', () => (player.playing ? player.pause() : player.play()));
	button('step').addEventListener('click', () => attempt(() => player.step()));
	button('copy').addEventListener('click', () =>
		attempt(async () => {
			if (!player.last) throw new Error('copy: there is no result yet');
			const { detections, backend, times } = player.last;
			const text = JSON.stringify(
				{ detections: detections.toObjects(), numCandidates: detections.numCandidates, backend, times, timings: detections.timings },
				null,
				'\t',
			);
			await navigator.clipboard.writeText(text);
			say(`Copied ${detections.count} detections.`);
		}),
	);
	new ResizeObserver(() => player.redraw()).observe(byId('frame', HTMLCanvasElement));
}

async function start(): Promise<void> {
	connectSliders();
	connectChoices();
	connectSources();
	connectPlayer();
	complain(...problems);
	// A page that moves by itself only for those who have not asked for stillness.
	const still = settings.paused || matchMedia('(prefers-reduced-motion: reduce)').matches;
	button('play').textContent = 'Play';
	await useSource(() => clipSource(settings.frame));
	try {
		await useBuiltIn();
	} catch (error) {
		if (settings.backend === DEFAULTS.backend) throw error;
		// What the URL asks for cannot be had here: say so, and go on with what can.
		complain(...problems, error);
		settings.backend = DEFAULTS.backend;
		check('backend', settings.backend);
		await useBuiltIn();
	}
	if (settings.source === 'camera') await useCamera();
	else if (!still) player.play();
}

start().catch((error: unknown) => {
	console.error(error);
	complain(...problems, error);
});
