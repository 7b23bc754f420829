// Tables that are filled by script: a row of titles, rows of cells, headings that screen readers can announce.

/** A cell with a text. */
export function cell(tag: 'td' | 'th', text: string, className = ''): HTMLTableCellElement {
	const made = document.createElement(tag);
	made.textContent = text;
	made.className = className;
	return made;
}

/** Fills a table: titles of the columns, then rows; a row that begins with a heading is headed by it. */
export function table(root: HTMLTableElement, head: readonly string[], rows: readonly (readonly HTMLTableCellElement[])[]): void {
	const top = document.createElement('thead');
	const headRow = document.createElement('tr');
	for (const text of head) {
		const th = cell('th', text);
		th.scope = 'col';
		headRow.append(th);
	}
	top.append(headRow);
	const body = document.createElement('tbody');
	body.append(
		...rows.map((cells) => {
			const row = document.createElement('tr');
			if (cells[0]?.tagName === 'TH') cells[0].scope = 'row';
			row.append(...cells);
			return row;
		}),
	);
	root.replaceChildren(top, body);
}
