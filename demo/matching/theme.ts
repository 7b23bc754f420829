// Colours for canvases, read from the style sheet so that light and dark are said once.

/** Colours of the page's canvases. */
export interface Theme {
	/** One per object, repeating. */
	readonly truths: readonly string[];
	readonly ignored: string;
	readonly lost: string;
	readonly negative: string;
	readonly sky: string;
	readonly ground: string;
	readonly court: string;
	readonly figure: string;
	/** Of what stands before something larger. */
	readonly figureSmall: string;
	readonly figureDetail: string;
	readonly halo: string;
	readonly ink: string;
	readonly panel: string;
}

/** How many objects have a colour of their own. */
export const NUM_TRUTH_COLOURS = 6;

/** Reads the colours that hold now. */
export function readTheme(): Theme {
	const style = getComputedStyle(document.documentElement);
	const get = (name: string) => style.getPropertyValue(`--${name}`).trim();
	return {
		truths: Array.from({ length: NUM_TRUTH_COLOURS }, (_, i) => get(`truth-${i + 1}`)),
		ignored: get('ignored'),
		lost: get('lost'),
		negative: get('negative'),
		sky: get('sky'),
		ground: get('ground'),
		court: get('court'),
		figure: get('figure'),
		figureSmall: get('figure-small'),
		figureDetail: get('figure-detail'),
		halo: get('halo'),
		ink: get('ink'),
		panel: get('panel'),
	};
}

/** Calls back whenever the system changes between light and dark. */
export function onThemeChange(act: () => void): void {
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', act);
}

/** Makes a canvas as sharp as the screen; returns its context in CSS pixels, its side and what one pixel of the input is. */
export function sharpen(canvas: HTMLCanvasElement, inputSize: number): { context: CanvasRenderingContext2D; side: number; scale: number } | undefined {
	const density = window.devicePixelRatio || 1;
	const side = canvas.clientWidth;
	const pixels = Math.round(side * density);
	if (pixels === 0) return undefined;
	if (canvas.width !== pixels || canvas.height !== pixels) canvas.width = canvas.height = pixels;
	const context = canvas.getContext('2d');
	if (!context) return undefined;
	context.setTransform(pixels / side, 0, 0, pixels / side, 0, 0);
	context.clearRect(0, 0, side, side);
	return { context, side, scale: side / inputSize };
}
