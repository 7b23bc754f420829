// Where frames come from: the clip, the camera, a video file, a picture. Each says when a new frame is there and draws
// it; none keeps a queue, so a frame that comes while the last one is worked on is simply not looked at.

import { CLIP, drawScene } from './scene.js';

/** A source of frames. */
export interface Source {
	readonly kind: 'clip' | 'camera' | 'video' | 'image';
	/** What it is called in the status line; may hold a file's name, so: text only. */
	readonly label: string;
	/** Pixels of a frame. */
	readonly width: number;
	readonly height: number;
	/** False for a picture, which has no next frame. */
	readonly moves: boolean;
	/** Calls back whenever there is a new frame, until `pause`. */
	play(onFrame: () => void): void;
	pause(): void;
	/** Goes on by one frame, while paused. */
	step(): Promise<void>;
	/** Draws the present frame at 0, 0. */
	draw(context: CanvasRenderingContext2D): void;
	close(): void;
	/** Called once when the source ends by itself (camera unplugged). */
	onEnd?: (reason: string) => void;
}

/** Largest picture that is decoded, in pixels: 8192 x 8192. */
const MAX_PIXELS = 2 ** 26;

/** The clip of moving shapes, `rate` frames a second of real time; slow machines skip frames. */
export function clipSource(firstFrame: number): Source {
	let frame = firstFrame;
	let request = 0;
	return {
		kind: 'clip',
		label: 'built-in clip',
		width: CLIP.width,
		height: CLIP.height,
		moves: true,
		play(onFrame) {
			const origin = frame;
			let started: number | undefined;
			const tick = (now: number) => {
				request = requestAnimationFrame(tick);
				started ??= now;
				const next = origin + Math.floor(((now - started) / 1000) * CLIP.rate);
				if (next === frame && now !== started) return;
				frame = next;
				onFrame();
			};
			request = requestAnimationFrame(tick);
		},
		pause: () => cancelAnimationFrame(request),
		step: async () => {
			frame++;
		},
		draw: (context) => drawScene(context, frame),
		close: () => cancelAnimationFrame(request),
	};
}

/** The camera. Throws what getUserMedia throws, in words. */
export async function cameraSource(deviceId?: string): Promise<Source> {
	if (!navigator.mediaDevices) throw new Error('camera: needs a secure context (https or localhost)');
	let stream: MediaStream;
	try {
		const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
		stream = await navigator.mediaDevices.getUserMedia({
			audio: false,
			video: deviceId ? { ...size, deviceId: { exact: deviceId } } : { ...size, facingMode: 'environment' },
		});
	} catch (error) {
		throw new Error(`camera: ${cameraProblem(error)}`, { cause: error });
	}
	const video = document.createElement('video');
	video.srcObject = stream;
	const track = stream.getVideoTracks()[0];
	const source = await videoElementSource(video, 'camera', track.label || 'camera', () => {
		for (const each of stream.getTracks()) each.stop();
	});
	track.addEventListener('ended', () => source.onEnd?.('the camera was disconnected'));
	return source;
}

function cameraProblem(error: unknown): string {
	const name = error instanceof DOMException ? error.name : '';
	if (name === 'NotAllowedError') return 'permission was refused; allow it in the browser’s address bar and try again';
	if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'none was found';
	if (name === 'NotReadableError') return 'it is in use by another program';
	return error instanceof Error ? error.message : String(error);
}

/** The cameras that can be chosen. Names are empty until the user has allowed one. */
export async function listCameras(): Promise<MediaDeviceInfo[]> {
	if (!navigator.mediaDevices) return [];
	return (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === 'videoinput' && device.deviceId);
}

/** A picture or video from a file, told apart by the file's type. */
export async function fileSource(file: Blob, name: string): Promise<Source> {
	if (file.size === 0) throw new RangeError('file: must not be empty; got 0 bytes');
	if (file.type.startsWith('video/')) {
		const url = URL.createObjectURL(file);
		const video = document.createElement('video');
		video.loop = true;
		video.src = url;
		return videoElementSource(video, 'video', name, () => URL.revokeObjectURL(url));
	}
	if (file.type.startsWith('image/')) return imageSource(file, name);
	throw new TypeError(`file: must be a picture, a video or an .onnx network; got ${file.type || 'an unknown type'}`);
}

/** A picture, turned upright as its EXIF data says. Its size is read before it is decoded. */
async function imageSource(file: Blob, name: string): Promise<Source> {
	const url = URL.createObjectURL(file);
	const image = new Image();
	try {
		await new Promise<void>((resolve, reject) => {
			image.onload = () => resolve();
			image.onerror = () => reject(new TypeError('picture: must be one that this browser can decode; the file is damaged or of another kind'));
			image.src = url;
		});
		const pixels = image.naturalWidth * image.naturalHeight;
		if (pixels === 0) throw new RangeError('picture: must have a size of its own; got 0 pixels');
		if (pixels > MAX_PIXELS) throw new RangeError(`picture: must have ${MAX_PIXELS} pixels at most; got ${image.naturalWidth} x ${image.naturalHeight}`);
		await image.decode();
	} catch (error) {
		URL.revokeObjectURL(url);
		throw error;
	}
	// Kept small enough to be drawn on every change of a slider.
	const scale = Math.min(1, 1920 / Math.max(image.naturalWidth, image.naturalHeight));
	const width = Math.max(1, Math.round(image.naturalWidth * scale));
	const height = Math.max(1, Math.round(image.naturalHeight * scale));
	return {
		kind: 'image',
		label: name,
		width,
		height,
		moves: false,
		play: (onFrame) => onFrame(),
		pause: () => undefined,
		step: async () => undefined,
		draw: (context) => context.drawImage(image, 0, 0, width, height),
		close: () => URL.revokeObjectURL(url),
	};
}

async function videoElementSource(video: HTMLVideoElement, kind: 'camera' | 'video', label: string, release: () => void): Promise<Source> {
	video.muted = true;
	video.playsInline = true;
	// In the page though not to be seen: browsers may stop showing frames to an element that is in no document.
	video.className = 'reel';
	video.setAttribute('aria-hidden', 'true');
	video.tabIndex = -1;
	document.body.append(video);
	let request = 0;
	const close = () => {
		video.cancelVideoFrameCallback(request);
		video.pause();
		video.remove();
		video.removeAttribute('src');
		video.srcObject = null;
		release();
	};
	try {
		await new Promise<void>((resolve, reject) => {
			video.onloadeddata = () => resolve();
			video.onerror = () => reject(new TypeError('video: must be one that this browser can decode; the file is damaged or of another kind'));
		});
		if (!video.videoWidth) throw new TypeError('video: must have a picture track; got sound only');
	} catch (error) {
		close();
		throw error;
	}
	const start = () => video.play().catch(() => undefined); // a pause that came first is no fault
	if (kind === 'camera') await start();
	return {
		kind,
		label,
		width: video.videoWidth,
		height: video.videoHeight,
		moves: true,
		play(onFrame) {
			const tick = () => {
				request = video.requestVideoFrameCallback(tick);
				onFrame();
			};
			request = video.requestVideoFrameCallback(tick);
			start();
		},
		pause() {
			video.cancelVideoFrameCallback(request);
			// A camera runs on, so that a step shows the present moment.
			if (kind === 'video') video.pause();
		},
		async step() {
			if (kind === 'camera') return;
			await new Promise<void>((resolve) => {
				video.addEventListener('seeked', () => resolve(), { once: true });
				setTimeout(resolve, 2000); // a damaged file may never get there
				video.currentTime = (video.currentTime + 1 / 30) % (video.duration || 1);
			});
		},
		draw: (context) => context.drawImage(video, 0, 0),
		close,
	};
}
