// What every box codec is: an inverse pair over flat arrays, and one scalar step that the CPU path shares with the
// shader chunk of the same `kind` (shaders/shared/codecs.wgsl.ts). Float32 steps, so both give the same bits.

/** What an anchor row holds: corners, centre and size, or a point with its stride (x, y, stride x, stride y). */
export type AnchorFormat = 'none' | 'xyxy' | 'cxcywh' | 'point';

/** A box codec. Boxes are xyxy in pixels, flat, [N, 4]. */
export interface BoxCodec {
	/** Names the shader chunk. */
	readonly kind: string;
	/** The format of the anchor rows that `encode` and `decode` take. */
	readonly anchors: AnchorFormat;
	/** Numbers printed into the shader chunk, by name; each is an exact float32. */
	readonly constants: Readonly<Record<string, number>>;
	/** Structural switches of the shader chunk. */
	readonly variants: Readonly<Record<string, boolean | string>>;
	/**
	 * Decodes one box: four raw numbers in the order the head stores them, the anchor row at `anchors[a..a+3]`, the
	 * level's stride; writes xyxy to `out[o..o+3]`. Every step rounded to float32, in the shader's order.
	 */
	decodeBox(r0: number, r1: number, r2: number, r3: number, anchors: Float32Array, a: number, stride: number, out: Float32Array, o: number): void;
	/** Boxes [N, 4] xyxy to raw numbers [N, 4], against anchors [N, 4] in this codec's anchor format. */
	encode(boxes: Float32Array, anchors: Float32Array): Float32Array;
	/** Raw numbers [N, 4] to boxes [N, 4] xyxy; the inverse of `encode`. */
	decode(raw: Float32Array, anchors: Float32Array): Float32Array;
}
