// How the page looks now, for what is drawn by script: dark or light, moving or still, and the style sheet's colours.

/** Whether the page is dark now. */
export const isDark = () => matchMedia('(prefers-color-scheme: dark)').matches;

/** Whether nothing is to move. */
export const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Colours of charts, as CSS has them. */
export function ink() {
	const style = getComputedStyle(document.documentElement);
	const get = (name: string) => style.getPropertyValue(`--${name}`).trim();
	return { text: get('soft'), line: get('line'), strong: get('text'), accent: get('accent'), panel: get('panel'), good: get('good'), bad: get('bad') };
}

export type Ink = ReturnType<typeof ink>;
