// Tables of a Markdown page whose numbers are checked: above such a table stands a comment that readers do not see,
//
//     <!-- golden
//     import { anchorGrid } from 'kedge';
//     export default { 'name of a row': [['first', 'cell'], 12, [-23, -11, 23, 11], null] };
//     -->
//
// with a value for every cell after a row's name: a number or numbers, equal to those in the cell to its printed digits;
// a text, the cell's own; or null, for words that nobody can compute.

/** What a cell must say. */
export type GoldenValue = number | readonly number[] | string | null;

/** A table and the code of its values. */
export interface GoldenTable {
	/** The heading above it. */
	readonly title: string;
	/** Of the module whose default export is a record of the rows. */
	readonly code: string;
	readonly rows: ReadonlyMap<string, readonly string[]>;
}

/** The golden tables of a page. Throws when a comment has no table under it, or two rows have one name. */
export function goldenTables(markdown: string): GoldenTable[] {
	const found: GoldenTable[] = [];
	let title = 'start';
	for (const [, heading, code, table] of markdown.matchAll(/^##+ (.+)$|^<!-- golden\n([\s\S]*?)^-->\n+((?:\|.*\n)*)/gm)) {
		if (heading) {
			title = heading;
			continue;
		}
		const [, , ...lines] = table.trim().split('\n');
		if (lines.length === 0) throw new Error(`${title}: no table under a golden comment`);
		const rows = new Map<string, readonly string[]>();
		for (const line of lines) {
			const [name, ...cells] = line.split('|').slice(1, -1).map(textOf);
			if (rows.has(name)) throw new Error(`${title}: two rows named ${name}`);
			rows.set(name, cells);
		}
		found.push({ title, code, rows });
	}
	return found;
}

function textOf(cell: string): string {
	return cell.replace(/[`*]/g, '').trim();
}

/** Where a table does not say what its values are. */
export function goldenFaults(rows: GoldenTable['rows'], values: Record<string, readonly GoldenValue[]>): string[] {
	const faults = Object.keys(values)
		.filter((name) => !rows.has(name))
		.map((name) => `no row ${name}`);
	for (const [name, cells] of rows) {
		if (!(name in values)) faults.push(`no values for row ${name}`);
		else if (values[name].length !== cells.length) faults.push(`${name}: ${cells.length} cells, ${values[name].length} values`);
		else cells.forEach((cell, i) => saysSo(cell, values[name][i]) || faults.push(`${name}, cell ${i + 1}: says ${cell}, is ${values[name][i]}`));
	}
	return faults;
}

function saysSo(cell: string, value: GoldenValue): boolean {
	if (value === null) return true;
	if (typeof value === 'string') return cell === value;
	const expected = typeof value === 'number' ? [value] : value;
	// a minus before a digit is a sign; 2–3 has none
	const printed = cell.match(/-?\d+(?:\.\d+)?/g) ?? [];
	return printed.length === expected.length && printed.every((text, i) => Math.abs(Number(text) - expected[i]) <= halfDigit(text));
}

/** Half a unit of the last printed digit, and the error of a float32 besides. */
function halfDigit(text: string): number {
	const decimals = text.split('.')[1]?.length ?? 0;
	return 0.5 * 10 ** -decimals + Math.abs(Number(text)) * 2 ** -22;
}
