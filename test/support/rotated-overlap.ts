// Overlaps of rotated boxes in double precision, by exact polygon clipping and by the published formula: what the library's are held against.

/** Centre x, centre y, width, height, radians clockwise on the screen. */
export type Rotated = readonly [number, number, number, number, number];
type Point = readonly [number, number];

function polygonOf([cx, cy, w, h, angle]: Rotated): Point[] {
	const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
	const signs: Point[] = [
		[-0.5, -0.5],
		[0.5, -0.5],
		[0.5, 0.5],
		[-0.5, 0.5],
	];
	return signs.map(([i, j]) => [cx + i * w * cos - j * h * sin, cy + i * w * sin + j * h * cos]);
}
const cross = (o: Point, p: Point, q: Point) => (p[0] - o[0]) * (q[1] - o[1]) - (p[1] - o[1]) * (q[0] - o[0]);
const areaOf = (polygon: Point[]) => polygon.reduce((area, p, i) => area + cross(polygon[0], p, polygon[(i + 1) % polygon.length]) / 2, 0);

/** Sutherland and Hodgman 1974: cut by each side of the other in turn. */
function clip(polygon: Point[], by: Point[]): Point[] {
	return by.reduce((left, from, k) => {
		const to = by[(k + 1) % by.length];
		return left.flatMap((p, i): Point[] => {
			const q = left[(i + 1) % left.length];
			const [dp, dq] = [cross(from, to, p), cross(from, to, q)];
			const s = dp / (dp - dq);
			const crossing: Point[] = dp < 0 !== dq < 0 ? [[p[0] + s * (q[0] - p[0]), p[1] + s * (q[1] - p[1])]] : [];
			return dp < 0 ? crossing : [p, ...crossing];
		});
	}, polygon);
}

/** The intersection of the polygons over their union. */
export function polygonIou(a: Rotated, b: Rotated): number {
	const [p, q] = [polygonOf(a), polygonOf(b)];
	const shared = areaOf(clip(p, q));
	return shared / (areaOf(p) + areaOf(q) - shared);
}

/** As the paper writes it, with ultralytics' constants. */
export function probiouOf(a: Rotated, b: Rotated): number {
	const covariance = ([, , w, h, angle]: Rotated) => {
		const [p, q] = [w ** 2 / 12, h ** 2 / 12];
		const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
		return [p * cos ** 2 + q * sin ** 2, p * sin ** 2 + q * cos ** 2, (p - q) * cos * sin];
	};
	const [[a1, b1, c1], [a2, b2, c2]] = [covariance(a), covariance(b)];
	const [dx, dy] = [a[0] - b[0], a[1] - b[1]];
	const determinant = (a1 + a2) * (b1 + b2) - (c1 + c2) ** 2;
	const t1 = ((a1 + a2) * dy ** 2 + (b1 + b2) * dx ** 2) / (determinant + 1e-7) / 4;
	const t2 = (-(c1 + c2) * dx * dy) / (determinant + 1e-7) / 2;
	const t3 = Math.log(determinant / (4 * Math.sqrt(Math.max(0, a1 * b1 - c1 ** 2) * Math.max(0, a2 * b2 - c2 ** 2)) + 1e-7) + 1e-7) / 2;
	return 1 - Math.sqrt(1 - Math.exp(-Math.min(100, Math.max(1e-7, t1 + t2 + t3))) + 1e-7);
}
