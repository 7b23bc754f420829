// The command line of the bench, and which rows it asks for.

import { parseArgs } from 'node:util';

export const HELP = `npm run bench -- [options]

  --only <parts>  rows whose name contains one of these, separated by commas
  --quick         fewer rounds
  --node          in Node instead of a headless Chromium
  --torchvision   also torchvision's nms beside kedge's, by python3 (or KEDGE_PYTHON)
  --keep <name>   write the results to test/bench/results/<name>/, which git does not ignore
  --list          the names of all rows, and where they run
  --help          this

Exit code: 0 when all answers were equal and all gates passed, else 1.`;

function valuesOf(config) {
	try {
		return parseArgs(config).values;
	} catch (error) {
		throw new Error(`bench: ${error.message}; see --help`, { cause: error });
	}
}

/** Throws for what it does not know. */
export function parse(args) {
	const flag = /** @type {const} */ ({ type: 'boolean', default: false });
	const text = /** @type {const} */ ({ type: 'string', default: '' });
	const values = valuesOf({ args, options: { only: text, keep: text, quick: flag, node: flag, torchvision: flag, list: flag, help: flag } });
	if (!/^([a-z0-9][a-z0-9.-]*)?$/.test(values.keep))
		throw new Error(`bench: --keep must be a name of small letters, digits, dots and dashes; got ${values.keep}`);
	return values;
}

/** The rows to run, in their order; those of an option only when it is among `given`. Throws when a part names none, or when none of them runs in that place. */
export function choose(rows, only, place, given = []) {
	const named = only
		.split(',')
		.map((part) => part.trim())
		.filter(Boolean);
	// every name contains ''
	const parts = named.length ? named : [''];
	const unknown = parts.filter((part) => !rows.some(({ name }) => name.includes(part)));
	if (unknown.length) {
		throw new Error(
			`bench: --only must be parts of names of rows (${rows.map(({ name }) => name).join(', ')}), separated by commas; got ${unknown.join(', ')}`,
		);
	}
	const asked = ({ option }) => !option || given.includes(option);
	const chosen = rows.filter((row) => asked(row) && row.places.includes(place) && parts.some((part) => row.name.includes(part)));
	const unasked = rows.find((row) => row.option && !asked(row) && parts.includes(row.name));
	if (unasked) throw new Error(`bench: the row ${unasked.name} must be asked for by --${unasked.option}; got none`);
	if (chosen.length === 0) throw new Error(`bench: at least one row must run; got --only ${only}, of which none runs in ${place}; see --list`);
	return chosen;
}
