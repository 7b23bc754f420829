// Where a head's anchors are on the GPU: computed in the kernel where every level is a lattice whose bits float32 steps
// give back, uploaded row by row where one is not. 120,000 anchors are 2 MB; their lattices are a few hundred bytes.

import type { AnchorSource } from '../../shaders/shared/anchors.wgsl.js';
import { findLattice } from '../anchors/lattice.js';
import type { Head } from '../heads/head.js';
import type { LevelValues } from '../layout.js';

/** What the kernels bind and each level's uniform needs. */
export interface GpuAnchors {
	readonly source: AnchorSource;
	/** Rows of every anchor, or of every shape of every level. */
	readonly rows: Float32Array;
	/** Fields of each level's uniform. */
	readonly levels: readonly Partial<LevelValues>[];
}

/** How a head's anchors get to the GPU. */
export function gpuAnchors(head: Head): GpuAnchors {
	const { anchors, codec, levels } = head;
	if (levels[0].anchors) return { source: 'call', rows: new Float32Array(4), levels: [] };
	if (!anchors || codec.anchors === 'none') return { source: 'none', rows: new Float32Array(4), levels: [] };
	const rows: GpuAnchors = { source: 'rows', rows: anchors, levels: [] };
	const { anchors: format } = codec;
	if (format === 'cxcywhr') return rows;
	const lattices = levels.map((level) => findLattice(anchors, level, format));
	const shapes: number[] = [];
	const values: Partial<LevelValues>[] = [];
	for (const lattice of lattices) {
		if (!lattice) return rows;
		values.push({ first_shape: shapes.length / 4, step_x: lattice.stepX, step_y: lattice.stepY });
		shapes.push(...lattice.shapes);
	}
	return { source: 'lattice', rows: Float32Array.from(shapes), levels: values };
}
