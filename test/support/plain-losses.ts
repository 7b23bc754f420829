// Losses in double precision, straight from the papers' formulas and the frameworks' own functions: the oracle of the
// losses, and of their gradients by central differences. No step is shared with the library.

/** p = 1 / (1 + e^-x) */
export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** log(1 + e^x) */
export const softplus = (x: number) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));

/** Binary cross-entropy of a logit. */
export const plainBce = (x: number, t: number, { smoothing = 0, positiveWeight = 1 } = {}) => {
	const y = t * (1 - smoothing) + smoothing / 2;
	return y * positiveWeight * softplus(-x) + (1 - y) * softplus(x);
};

/** Lin et al. 2017, as fvcore's sigmoid_focal_loss. */
export function plainFocal(x: number, t: number, { alpha = 0.25, gamma = 2 } = {}): number {
	const p = sigmoid(x);
	const pt = p * t + (1 - p) * (1 - t);
	const at = alpha < 0 ? 1 : alpha * t + (1 - alpha) * (1 - t);
	return at * (1 - pt) ** gamma * plainBce(x, t);
}

/** keras-retinanet's focal on a probability. */
export function plainFizyrFocal(p: number, t: number, { alpha = 0.25, gamma = 2, cutoff = 0.5 } = {}): number {
	const clipped = Math.min(Math.max(p, 1e-7), 1 - 1e-7);
	const weight = t > cutoff ? alpha * (1 - p) ** gamma : (1 - alpha) * p ** gamma;
	return -weight * (t * Math.log(clipped) + (1 - t) * Math.log(1 - clipped));
}

/** Zhang et al. 2021. */
export function plainVarifocal(x: number, t: number, { alpha = 0.75, gamma = 2, iouWeighted = true } = {}): number {
	const weight = t > 0 ? (iouWeighted ? t : 1) : alpha * sigmoid(x) ** gamma;
	return weight * plainBce(x, t);
}

/** Li et al. 2020, equation 5. */
export const plainQuality = (x: number, t: number, { beta = 2 } = {}) => Math.abs(t - sigmoid(x)) ** beta * plainBce(x, t);

/** Law and Deng 2018, equation 1. */
export function plainGaussian(x: number, t: number, { alpha = 2, gamma = 4 } = {}): number {
	const p = sigmoid(x);
	return t === 1 ? (1 - p) ** alpha * softplus(-x) : (1 - t) ** gamma * p ** alpha * softplus(x);
}

/** Girshick 2015. */
export const plainSmoothL1 = (x: number, t: number, beta = 1) => {
	const d = Math.abs(x - t);
	return d < beta ? (0.5 * d * d) / beta : d - 0.5 * beta;
};

/** -log of each softmax probability. */
export function costs(row: readonly number[]): number[] {
	const largest = Math.max(...row);
	const logSum = Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0)) + largest;
	return row.map((x) => logSum - x);
}

/** PyTorch's CrossEntropyLoss of one row. */
export function plainCrossEntropy(row: readonly number[], target: number, { smoothing = 0, weights = row.map(() => 1) } = {}): number {
	const cost = costs(row);
	const spread = cost.reduce((sum, c, k) => sum + weights[k] * c, 0) / row.length;
	return (1 - smoothing) * weights[target] * cost[target] + smoothing * spread;
}

/** Li et al. 2020, equation 6. */
export function plainDistribution(row: readonly number[], place: number): number {
	const cost = costs(row);
	const left = Math.floor(place);
	return (left + 1 - place) * cost[left] + (left + 1 < row.length ? (place - left) * cost[left + 1] : 0);
}

type Box = readonly number[];
const width = (b: Box) => b[2] - b[0];
const height = (b: Box) => b[3] - b[1];
const intersectionOf = (a: Box, b: Box) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
const enclosingOf = (a: Box, b: Box) => [Math.max(a[2], b[2]) - Math.min(a[0], b[0]), Math.max(a[3], b[3]) - Math.min(a[1], b[1])];
const distanceOf = (a: Box, b: Box) => ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2;
const aspectOf = (a: Box, b: Box, eps = 0) => (4 / Math.PI ** 2) * (Math.atan(width(b) / (height(b) + eps)) - Math.atan(width(a) / (height(a) + eps))) ** 2;
const unionOf = (a: Box, b: Box) => width(a) * height(a) + width(b) * height(b) - intersectionOf(a, b);

/** The similarity that a framework subtracts from 1, of predicted box a and target b. CIoU takes alpha from elsewhere where it is given, to be held constant. */
type Similarity = (a: Box, b: Box, alpha?: number) => { value: number; alpha?: number };
type Kinds = Record<'iou' | 'giou' | 'diou' | 'ciou', Similarity>;

/** torchvision's ops and detectron2's layers; a user's epsilon reaches only alpha in torchvision's complete_box_iou_loss. */
const torchvision = (eps = 1e-7, inner = eps): Kinds => {
	const iou = (a: Box, b: Box, e: number) => intersectionOf(a, b) / (unionOf(a, b) + e);
	const diou = (a: Box, b: Box, e: number) => {
		const [w, h] = enclosingOf(a, b);
		return iou(a, b, e) - distanceOf(a, b) / (w * w + h * h + e);
	};
	return {
		iou: (a, b) => ({ value: iou(a, b, eps) }),
		giou: (a, b) => {
			const [w, h] = enclosingOf(a, b);
			return { value: iou(a, b, eps) - (w * h - unionOf(a, b)) / (w * h + eps) };
		},
		diou: (a, b) => ({ value: diou(a, b, eps) }),
		ciou: (a, b, held) => {
			const v = aspectOf(a, b);
			const alpha = held ?? v / (1 - iou(a, b, inner) + v + eps);
			return { value: diou(a, b, inner) - alpha * v, alpha };
		},
	};
};

/** bbox_iou(xywh=False) of ultralytics. */
const ultralytics = (eps = 1e-7): Kinds => {
	const parts = (a: Box, b: Box) => {
		const union = width(a) * (height(a) + eps) + width(b) * (height(b) + eps) - intersectionOf(a, b) + eps;
		const [w, h] = enclosingOf(a, b);
		return { union, iou: intersectionOf(a, b) / union, w, h };
	};
	const diou = (a: Box, b: Box) => {
		const { iou, w, h } = parts(a, b);
		return iou - distanceOf(a, b) / (w * w + h * h + eps);
	};
	return {
		iou: (a, b) => ({ value: parts(a, b).iou }),
		giou: (a, b) => {
			const { iou, union, w, h } = parts(a, b);
			return { value: iou - (w * h + eps - union) / (w * h + eps) };
		},
		diou: (a, b) => ({ value: diou(a, b) }),
		ciou: (a, b, held) => {
			const v = aspectOf(a, b, eps);
			const alpha = held ?? v / (v - parts(a, b).iou + (1 + eps));
			return { value: diou(a, b) - v * alpha, alpha };
		},
	};
};

/** bbox_overlaps and the losses of mmdetection. */
const mmdet = (eps = 1e-7): Kinds => {
	const iou = (a: Box, b: Box) => intersectionOf(a, b) / (unionOf(a, b) + eps);
	const diou = (a: Box, b: Box) => {
		const [w, h] = enclosingOf(a, b);
		return iou(a, b) - distanceOf(a, b) / (w * w + h * h + eps);
	};
	return {
		iou: (a, b) => ({ value: Math.max(1e-6, intersectionOf(a, b) / Math.max(unionOf(a, b), 1e-6)) }),
		giou: (a, b) => {
			const [w, h] = enclosingOf(a, b);
			const union = Math.max(unionOf(a, b), eps);
			const area = Math.max(w * h, eps);
			return { value: intersectionOf(a, b) / union - (area - union) / area };
		},
		diou: (a, b) => ({ value: diou(a, b) }),
		ciou: (a, b, held) => {
			const v = aspectOf(a, b, eps);
			const alpha = held ?? (iou(a, b) > 0.5 ? v / (1 - iou(a, b) + v) : 0);
			return { value: Math.min(1, Math.max(-1, diou(a, b) - alpha * v)), alpha };
		},
	};
};

/** box_iou, box_giou and box_ciou of darknet; DIoU without the power that it has for suppression. */
const darknet = (): Kinds => {
	const iou = (a: Box, b: Box) => (intersectionOf(a, b) === 0 ? 0 : intersectionOf(a, b) / unionOf(a, b));
	const diou = (a: Box, b: Box) => {
		const [w, h] = enclosingOf(a, b);
		return w * w + h * h === 0 ? iou(a, b) : iou(a, b) - distanceOf(a, b) / (w * w + h * h);
	};
	return {
		iou: (a, b) => ({ value: iou(a, b) }),
		giou: (a, b) => {
			const [w, h] = enclosingOf(a, b);
			return { value: w * h === 0 ? iou(a, b) : iou(a, b) - (w * h - unionOf(a, b)) / (w * h) };
		},
		diou: (a, b) => ({ value: diou(a, b) }),
		ciou: (a, b, held) => {
			const v = aspectOf(a, b);
			const alpha = held ?? v / (1 - iou(a, b) + v + 1e-6);
			return { value: diou(a, b) - alpha * v, alpha };
		},
	};
};

/** IOUloss of YOLOX. */
const yolox = (): Kinds => {
	const iou = (a: Box, b: Box) => intersectionOf(a, b) / (unionOf(a, b) + 1e-16);
	const diou = (a: Box, b: Box) => {
		const [w, h] = enclosingOf(a, b);
		return iou(a, b) - distanceOf(a, b) / Math.max(w * w + h * h, 1e-16);
	};
	return {
		iou: (a, b) => ({ value: iou(a, b) }),
		giou: (a, b) => {
			const [w, h] = enclosingOf(a, b);
			return { value: Math.min(1, Math.max(-1, iou(a, b) - (w * h - unionOf(a, b)) / Math.max(w * h, 1e-16))) };
		},
		diou: (a, b) => ({ value: diou(a, b) }),
		ciou: (a, b, held) => {
			const v = aspectOf(a, b);
			const alpha = held ?? v / Math.max(1 - iou(a, b) + v, 1e-16);
			return { value: diou(a, b) - alpha * v, alpha };
		},
	};
};

/** Each framework's similarities. */
export const PLAIN_BOX_STYLES = {
	torchvision: torchvision(),
	ultralytics: ultralytics(),
	mmdet: mmdet(),
	darknet: darknet(),
	yolox: yolox(),
	detectron2: torchvision(),
};
/** torchvision's with an epsilon of the user's. */
export const torchvisionWith = (eps: number) => torchvision(eps, 1e-7);

/** The slope of f at each of the coordinates, by central differences. */
export function slopesOf(f: (x: number[]) => number, at: readonly number[], step = 1e-5): number[] {
	return at.map((x, k) => {
		const moved = (by: number) => f(at.map((y, j) => (j === k ? x + by : y)));
		return (moved(step) - moved(-step)) / (2 * step);
	});
}
