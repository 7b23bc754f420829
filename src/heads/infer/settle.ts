// From all heads that fit to the one, or the list: facts strike out, and what is left is either alone and without doubt,
// or named in full. Nothing is chosen because it is likelier.

import type { Facts } from './facts.js';
import { type Fit, familiesOf, isAlike, isNamed } from './fit.js';

/** The fits that no fact contradicts; remote ones only where no other is left. */
export function strike(fits: readonly Fit[], facts: Facts): Fit[] {
	const families = facts.family ? familiesOf(facts.family) : undefined;
	const kept = once(fits).filter((f) => {
		if (families && !families.includes(f.family)) return false;
		if (facts.families && !facts.families.includes(f.name)) return false;
		if (facts.style && f.style && f.style !== facts.style) return false;
		if (facts.task && f.task !== facts.task) return false;
		if (facts.kind !== undefined && f.kind !== undefined && f.kind !== facts.kind) return false;
		return true;
	});
	const named = kept.filter((f) => isNamed(f.head, facts.outputs, true));
	const left = named.length > 0 ? named : kept;
	const near = left.filter((f) => !f.remote);
	return near.length > 0 ? near : left;
}

/** Each call once; two readings may lead to one. */
function once(fits: readonly Fit[]): Fit[] {
	return [...new Map(fits.map((f) => [f.call, f])).values()];
}

/** What must be told before the only head that fits may be chosen. */
export function doubtOf(f: Fit, facts: Facts): string | undefined {
	if (f.doubt) return f.doubt;
	if (facts.numClasses !== undefined || isNamed(f.head, facts.outputs, false) || !isAlike(f.head, facts.outputs)) return undefined;
	return 'some outputs have the same shape, so which is which is not known';
}

/** What was taken for granted, as clauses for the reason. */
export function assumptions(f: Fit, facts: Facts): string[] {
	const alike = !isNamed(f.head, facts.outputs, false) && isAlike(f.head, facts.outputs);
	const order = f.head.tensors.map((t) => t.name).join(', ');
	const spare = f.spare ? ['the head does not read every output: pass its own by name, or those alone'] : [];
	return [...(f.assumed ?? []), ...spare, ...(alike ? [`some outputs have the same shape: pass them by name, or in the order ${order}`] : [])];
}

/** The hints that would tell the candidates apart. */
export function missingHints(fits: readonly Fit[], facts: Facts): string[] {
	const differ = (of: (f: Fit) => unknown, among = fits) => new Set(among.map((f) => String(of(f)))).size > 1;
	const differWithin = (of: (f: Fit) => unknown, group: (f: Fit) => string) =>
		fits.some((f) =>
			differ(
				of,
				fits.filter((g) => group(g) === group(f)),
			),
		);
	const doubts = fits.map((f) => f.doubt ?? '').join();
	const hints = {
		inputSize: !facts.inputSize && (fits.length === 0 || differ((f) => f.head.inputSize) || /input size/.test(doubts)),
		numClasses: facts.numClasses === undefined && (fits.length === 0 || differ((f) => f.head.numClasses) || /classes|it may also be/.test(doubts)),
		task: !facts.task && differ((f) => f.task),
		family:
			!facts.family &&
			differWithin(
				(f) => f.family,
				(f) => f.task,
			),
		style:
			!facts.style &&
			differWithin(
				(f) => f.style,
				(f) => f.family,
			),
		normalized: facts.normalized === undefined && differ((f) => f.options.normalized),
		outputs:
			facts.kind === undefined &&
			differWithin(
				(f) => f.kind,
				(f) => f.family,
			),
	};
	return Object.entries(hints).flatMap(([name, isMissing]) => (isMissing ? [name] : []));
}
