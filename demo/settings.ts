// The page's settings: one table for defaults, limits, URL parameters and controls. A parameter that breaks its rule is
// named with what was expected, and the default is used; nothing is guessed.

export const BACKENDS = ['auto', 'webgpu', 'hybrid', 'cpu'] as const;
export const RUNTIMES = ['auto', 'webgpu', 'wasm'] as const;
export const SOURCES = ['clip', 'camera'] as const;

/** What can be set, by the name of its URL parameter. */
export interface Settings {
	/** What is shown first. */
	source: (typeof SOURCES)[number];
	/** Where kedge runs. */
	backend: (typeof BACKENDS)[number];
	/** Where onnxruntime-web runs the network. */
	runtime: (typeof RUNTIMES)[number];
	score: number;
	iou: number;
	max: number;
	agnostic: boolean;
	/** Whether every frame is also post-processed on the CPU and compared. */
	compare: boolean;
	paused: boolean;
	/** First frame of the clip. */
	frame: number;
}

export const DEFAULTS: Readonly<Settings> = {
	source: 'clip',
	backend: 'auto',
	runtime: 'auto',
	score: 0.25,
	iou: 0.45,
	max: 300,
	agnostic: false,
	compare: true,
	paused: false,
	frame: 0,
};

/** Lowest and highest value, and step, of the numbers. */
export const LIMITS = {
	score: { min: 0, max: 1, step: 0.01 },
	iou: { min: 0, max: 1, step: 0.01 },
	max: { min: 1, max: 1000, step: 1 },
	frame: { min: 0, max: 1_000_000, step: 1 },
} as const;

const WORDS = { source: SOURCES, backend: BACKENDS, runtime: RUNTIMES } as const;

/**
 * Reads the parameters of a URL.
 * @param query What follows the question mark.
 * @returns Complete settings, and one sentence for each parameter that was refused.
 */
export function readSettings(query: string): { settings: Settings; problems: string[] } {
	const settings: Record<string, unknown> = { ...DEFAULTS };
	const problems: string[] = [];
	const seen = new Set<string>();
	for (const [name, text] of new URLSearchParams(query)) {
		const problem = seen.has(name) ? 'must be given once' : readOne(settings, name, text);
		seen.add(name);
		if (problem) problems.push(`URL: ${shown(name)} ${problem}; got ${shown(text)}`);
	}
	return { settings: settings as unknown as Settings, problems };
}

/** Stores one parameter, or says what rule it breaks. */
function readOne(settings: Record<string, unknown>, name: string, text: string): string | undefined {
	if (!Object.hasOwn(DEFAULTS, name)) return `must be one of ${Object.keys(DEFAULTS).join(', ')}`;
	if (Object.hasOwn(WORDS, name)) {
		const words: readonly string[] = WORDS[name as keyof typeof WORDS];
		if (!words.includes(text)) return `must be ${words.join(', ')}`;
		settings[name] = text;
	} else if (Object.hasOwn(LIMITS, name)) {
		const { min, max, step } = LIMITS[name as keyof typeof LIMITS];
		const value = Number(text);
		const whole = step === 1;
		const plain = /^\d+(\.\d+)?$/.test(text);
		if (!plain || value < min || value > max || (whole && !Number.isInteger(value))) {
			const hint = !whole && plain && value > 1 && value <= 100 ? ` (did you mean ${value / 100}?)` : '';
			return `must be ${whole ? 'a whole number from' : 'from'} ${min} to ${max}${hint}`;
		}
		settings[name] = value;
	} else {
		if (text !== '0' && text !== '1') return 'must be 0 or 1';
		settings[name] = text === '1';
	}
	return undefined;
}

/** The query string that gives these settings; defaults are left out. */
export function writeSettings(settings: Settings): string {
	const query = new URLSearchParams();
	for (const key of Object.keys(DEFAULTS) as (keyof Settings)[]) {
		const value = settings[key];
		if (value !== DEFAULTS[key]) query.set(key, typeof value === 'boolean' ? String(Number(value)) : String(value));
	}
	return query.toString();
}

/** Longest list of class names that is read, in characters and in names. */
export const LABEL_LIMITS = { characters: 100_000, names: 10_000 } as const;

/** Class names from one line, separated by commas. Control characters are refused; markup is nothing special here. */
export function readLabels(text: string): string[] {
	if (text.length > LABEL_LIMITS.characters) {
		throw new RangeError(`class names: must have ${LABEL_LIMITS.characters} characters at most; got ${text.length}`);
	}
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	if (/[\u0000-\u001f\u007f]/.test(text)) throw new RangeError('class names: must be one line of text; got a control character');
	const names = text.split(',').map((name) => name.trim());
	if (names.length > LABEL_LIMITS.names) throw new RangeError(`class names: must be ${LABEL_LIMITS.names} at most; got ${names.length}`);
	return names.length === 1 && names[0] === '' ? [] : names;
}

function shown(text: string): string {
	return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
