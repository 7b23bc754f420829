// What a page or Node loads: the names of all rows, and a way to run one.

import type { Result, Run } from './result.js';
import { ROWS } from './rows.js';

/** All rows, in order. */
export const rows = ROWS.map(({ name, what, places = ['chromium', 'node'], gpu = false, option }) => ({ name, what, places, gpu, option }));

/** Checks and measures one row. Throws a RangeError for an unknown name. */
export async function runRow(name: string, run: Run): Promise<Result> {
	const row = ROWS.find((one) => one.name === name);
	if (!row) throw new RangeError(`runRow: name must be one of ${rows.map((one) => one.name).join(', ')}; got ${name}`);
	return row.run(run);
}
