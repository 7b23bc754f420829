// The machine and the browser, as far as they tell; and the sentences without which numbers would be read wrongly.

import { version } from '../../package.json';
import { clockError, clockResolution, FINE_CLOCK } from './clock.js';
import type { AdapterFacts, Facts } from './report.js';

/** Chromium's way of naming browser and system, instead of a user agent that is frozen. */
interface UserAgentData {
	getHighEntropyValues(hints: readonly string[]): Promise<{
		platform?: string;
		platformVersion?: string;
		architecture?: string;
		fullVersionList?: readonly { readonly brand: string; readonly version: string }[];
	}>;
}

type WithData = typeof navigator & { readonly userAgentData?: UserAgentData };

const WEBGPU_REASONS: Readonly<Record<string, string>> = {
	'insecure-context': 'it needs https or localhost',
	'no-webgpu': 'this browser has none',
	'no-adapter': 'it found no adapter',
	'no-device': 'the adapter gave no device',
	limits: 'the adapter is below its default limits',
};

/** Why there is no WebGPU, in words. */
export const reasonText = (reason: string | undefined) => WEBGPU_REASONS[reason ?? ''] ?? reason ?? 'no reason is given';

/** The browser by its own name: that of a brand which is neither a placeholder nor the engine of all. */
export function browserName(brands: readonly { readonly brand: string; readonly version: string }[] = []): string {
	const real = brands.filter(({ brand }) => !/not.?a.?brand/i.test(brand.replace(/[^a-z]/gi, ' ')));
	const { brand, version: number } = real.find((one) => one.brand !== 'Chromium') ?? real[0] ?? { brand: '', version: '' };
	return `${brand} ${number}`.trim();
}

/** Asks the browser. The clock is measured. */
export async function readFacts(gpu: Pick<Facts, 'adapter' | 'noGpu'>): Promise<Facts> {
	const { userAgent, userAgentData, platform = '', hardwareConcurrency } = navigator as WithData;
	const values = await userAgentData?.getHighEntropyValues(['platformVersion', 'architecture', 'fullVersionList']).catch(() => undefined);
	const system = values ? [values.platform, values.platformVersion, values.architecture] : [platform];
	return {
		kedge: version,
		date: new Date().toISOString(),
		...gpu,
		browser: browserName(values?.fullVersionList),
		userAgent,
		platform: system.filter(Boolean).join(' '),
		cores: hardwareConcurrency,
		isolated: globalThis.crossOriginIsolated === true,
		resolution: clockResolution(),
	};
}

/** The adapter in a line: what it tells of itself. */
export function adapterText({ vendor, architecture, device, description }: AdapterFacts): string {
	const names = [...new Set([vendor, architecture, device, description].filter(Boolean))];
	return names.join(', ') || 'unnamed: the browser hides it';
}

/** Milliseconds as microseconds where that is shorter. */
const tick = (milliseconds: number) => (milliseconds < 0.1 ? `${Number((1000 * milliseconds).toPrecision(2))} µs` : `${milliseconds} ms`);

/** The facts as pairs of name and text, in the order in which they are shown. */
export function factLines({ kedge, date, adapter, noGpu, browser, userAgent, platform, cores, isolated, resolution }: Facts): [name: string, text: string][] {
	return [
		['Adapter', adapter ? adapterText(adapter) + (adapter.software ? ' (software)' : '') : `none (${noGpu ?? 'no reason is given'})`],
		['Browser', browser || userAgent],
		...(browser ? [['User agent', userAgent] as [string, string]] : []),
		['System', `${platform || 'not told'}, ${cores} ${cores === 1 ? 'core' : 'cores'}`],
		['Clock', `ticks every ${tick(resolution)}; ${isolated ? 'cross-origin isolated' : 'not cross-origin isolated'}`],
		['kedge', `${kedge}, ${date.slice(0, 16).replace('T', ' ')} UTC`],
	];
}

/** What is said when the page was in the background for a while. */
export const HIDDEN_NOTE = 'The page was in the background during part of the run, where browsers slow it down: measure again with the page in front.';

/** What is said of a run that was ended before its last row. */
export const CANCELLED_NOTE = 'The run was cancelled: its other rows were not measured.';

/** What happened during a run. */
export interface Circumstances {
	/** Something of the GPU failed during the run, in words. */
	readonly gpuFailures?: readonly string[];
	/** To what the browser rounds the GPU's clock, in milliseconds. */
	readonly stageTick?: number;
}

/** What must be known to read the numbers. */
export function notesOf({ adapter, noGpu, resolution, isolated }: Facts, { gpuFailures = [], stageTick }: Circumstances = {}): string[] {
	const notes: string[] = [];
	if (adapter?.software) notes.push('The adapter is a software one: its times say nothing of a GPU.');
	if (!adapter) notes.push(`WebGPU cannot be used here (${noGpu ?? 'no reason is given'}): only the CPU is measured.`);
	notes.push(...gpuFailures);
	if (adapter && !adapter.timestamps) notes.push('The device has no timestamp-query: how long the stages take on the GPU cannot be told.');
	if (stageTick)
		notes.push(`The browser rounds the GPU's clock to ${tick(stageTick)}: times of stages are means over frames, and those far below that are rough.`);
	const error = clockError(resolution);
	if (error > 0.02) notes.push(`The clock ticks every ${tick(resolution)}: times may be wrong by ${Math.round(100 * error)} percent.`);
	if (adapter && resolution > FINE_CLOCK) {
		const remedy = isolated ? '' : '; a server that sends COOP and COEP headers gives the page a finer one';
		notes.push(`The clock is too coarse to tell how long a single frame keeps its thread${remedy}.`);
	}
	return notes;
}
