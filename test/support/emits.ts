// What a head reads, from the text of the call that makes it: the rows of the tables in docs/ that say what exporters emit.

import * as kedge from '../../src/index.js';

/** What a column of such a table can say. `sigmoid`: who applies it, the model or kedge. */
export type Column = 'outputs' | 'call' | 'objectness' | 'sigmoid' | 'anchors';

/** A row: the call, and the exporter's names for the outputs (one per kind of map) where they are not the head's first ones. */
export type Row = readonly [call: string, ...names: string[]];

/** Rows of a golden table by the name of the model. Throws for a name that the head does not know. */
export function rowsOf(columns: readonly Column[], rows: Readonly<Record<string, Row>>): Record<string, (string | number)[]> {
	return Object.fromEntries(
		Object.entries(rows).map(([model, [call, ...names]]) => {
			const head = headOf(call);
			const cells: Record<Column, string | number> = {
				outputs: outputsOf(head, names),
				call,
				objectness: head.score.objectness ? 'yes' : 'no',
				sigmoid: head.score.activation === 'none' ? 'model' : head.score.activation === 'softmax' ? 'kedge, softmax' : 'kedge',
				anchors: head.numAnchors,
			};
			return [model, columns.map((column) => cells[column])];
		}),
	);
}

function headOf(call: string): kedge.Head {
	return new Function(...Object.keys(kedge), `return ${call};`)(...Object.values(kedge));
}

// Maps that differ in their level alone are one entry: the finest or first of them, and dots.
function outputsOf(head: kedge.Head, names: readonly string[]): string {
	const kinds = new Map<string, kedge.TensorSpec[]>();
	for (const tensor of head.tensors) {
		const kind = tensor.name.replace(/_?(p|stride)?\d+$/, '');
		kinds.set(kind, [...(kinds.get(kind) ?? []), tensor]);
	}
	return [...kinds.values()]
		.map((tensors, k) => `${nameOf(tensors[0], names[k])} [${dimsOf(tensors[0]).join(', ')}]${tensors.length > 1 ? ' …' : ''}`)
		.join(', ');
}

function nameOf({ name, aliases = [] }: kedge.TensorSpec, shown = name): string {
	if (![name, ...aliases].includes(shown)) throw new Error(`${name} is not known as ${shown}`);
	return shown;
}

function dimsOf({ layouts, sizes }: kedge.TensorSpec): number[] {
	const length = (axis: kedge.Axis): number => {
		if (axis === 'one') return 1;
		return axis === 'shape-channel' ? (sizes.shape ?? 0) * (sizes.channel ?? 0) : (sizes[axis] ?? 0);
	};
	return [1, ...layouts[0].map(length)];
}
