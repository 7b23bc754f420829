// The two charts of the page: the cloud of sizes with its anchors (echarts), with the regions of the anchors painted beneath
// it, and the curve of fitness. Colours go from small anchors to large ones, dark to bright, so that order needs no legend.

import { LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { type EChartsType, init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { ink, isDark, still } from '../look.js';

use([ScatterChart, LineChart, GridComponent, CanvasRenderer]);

/** Dark violet to bright yellow in even steps of lightness (after viridis); ends are cut so that both page colours carry it. */
const RAMP = [
	[72, 40, 120],
	[62, 74, 137],
	[49, 104, 142],
	[38, 130, 142],
	[31, 158, 137],
	[53, 183, 121],
	[110, 206, 88],
	[181, 222, 43],
	[240, 228, 60],
];

/** Red, green, blue of the k-th of `count` anchors by size. */
export function anchorRgb(k: number, count: number): readonly [number, number, number] {
	const [low, high] = isDark() ? [0.24, 1] : [0, 0.84];
	const at = (low + (high - low) * (count > 1 ? k / (count - 1) : 0.5)) * (RAMP.length - 1);
	const i = Math.min(RAMP.length - 2, Math.floor(at));
	const mix = (c: number) => Math.round(RAMP[i][c] + (at - i) * (RAMP[i + 1][c] - RAMP[i][c]));
	return [mix(0), mix(1), mix(2)];
}

/** The same as a CSS colour. */
export const anchorColour = (k: number, count: number, alpha = 1) => `rgb(${anchorRgb(k, count).join(' ')} / ${alpha})`;

/** One moment of the cloud. */
export interface CloudView {
	/** [N, 2] pixels of the network input. */
	readonly sizes: Float32Array;
	/** [N] the anchor of each object, beyond K for one that was left out; undefined before the first run. */
	readonly assignments?: ArrayLike<number>;
	/** [K, 2]. */
	readonly anchors?: ArrayLike<number>;
	/** [M, 2] a published table. */
	readonly published?: readonly number[];
	readonly inputSize: number;
	readonly axes: 'log' | 'value';
}

const MARGIN = { left: 58, right: 14, top: 12, bottom: 44 };

/** The cloud of sizes. */
export class Cloud {
	readonly #chart: EChartsType;
	readonly #root: HTMLElement;

	constructor(root: HTMLElement) {
		this.#root = root;
		this.#chart = init(root, null, { renderer: 'canvas' });
		new ResizeObserver(() => this.#chart.resize()).observe(root);
	}

	/** Draws a moment; anchors glide from where they were unless stillness is asked for. */
	show(view: CloudView, glide: boolean): void {
		const { text, line, strong } = ink();
		const count = view.anchors ? view.anchors.length / 2 : 0;
		const groups = groupsOf(view, count);
		const low = view.axes === 'log' ? 2 : 0;
		const high = view.axes === 'log' ? 2 ** Math.ceil(Math.log2(view.inputSize)) : view.inputSize;
		const axis = (name: string) => ({
			type: view.axes,
			name,
			nameLocation: 'middle' as const,
			nameGap: name.startsWith('w') ? 26 : 38,
			nameTextStyle: { color: text, fontSize: 12 },
			min: low,
			max: high,
			...(view.axes === 'log' ? { logBase: 2, interval: 1 } : {}),
			axisLabel: { color: text, fontSize: 11 },
			axisLine: { show: false },
			axisTick: { show: false },
			splitLine: { lineStyle: { color: line, width: 1, opacity: 0.6 } },
		});
		const series = groups.map((data, k) => ({
			id: `group-${k}`,
			type: 'scatter' as const,
			data,
			dimensions: ['w', 'h'],
			symbolSize: 3,
			large: true,
			largeThreshold: 500,
			animation: false,
			silent: true,
			itemStyle: { color: view.assignments ? anchorColour(k, count, 0.55) : text, opacity: view.assignments ? 1 : 0.5 },
		}));
		const anchors = Array.from({ length: count }, (_, k) => ({
			value: [view.anchors?.[2 * k] ?? 0, view.anchors?.[2 * k + 1] ?? 0],
			itemStyle: { color: anchorColour(k, count) },
		}));
		const published = [];
		for (let i = 0; i < (view.published?.length ?? 0); i += 2) published.push([view.published?.[i], view.published?.[i + 1]]);
		this.#chart.setOption(
			{
				animation: true,
				// exactly where the regions are painted, whatever the labels need
				grid: { ...MARGIN, outerBoundsMode: 'none' },
				xAxis: axis('width, pixels of the network input'),
				yAxis: axis('height'),
				series: [
					...series,
					{
						id: 'published',
						type: 'scatter',
						data: published,
						symbol: 'diamond',
						symbolSize: 12,
						silent: true,
						animation: false,
						z: 4,
						itemStyle: { opacity: 1, color: 'transparent', borderColor: strong, borderWidth: 1.5 },
					},
					{
						id: 'anchors',
						type: 'scatter',
						data: anchors,
						symbol: 'circle',
						symbolSize: 17,
						silent: true,
						z: 5,
						animation: glide && !still(),
						animationDurationUpdate: 380,
						animationEasingUpdate: 'cubicOut',
						itemStyle: { opacity: 1, borderColor: '#fff', borderWidth: 3 },
					},
				],
			},
			{ replaceMerge: ['series'], lazyUpdate: false },
		);
	}

	/** The rectangle of the plot inside the element, CSS pixels. */
	get area(): { left: number; top: number; width: number; height: number } {
		const { clientWidth, clientHeight } = this.#root;
		return {
			left: MARGIN.left,
			top: MARGIN.top,
			width: Math.max(1, clientWidth - MARGIN.left - MARGIN.right),
			height: Math.max(1, clientHeight - MARGIN.top - MARGIN.bottom),
		};
	}
}

/** Rows of each group, as flat arrays that echarts draws without looking at each. */
function groupsOf({ sizes, assignments }: CloudView, count: number): Float32Array[] {
	if (!assignments || count === 0) return [sizes];
	const fill = new Uint32Array(count);
	for (let i = 0; i < assignments.length; i++) if (assignments[i] < count) fill[assignments[i]]++;
	const groups = Array.from(fill, (n) => new Float32Array(2 * n));
	fill.fill(0);
	for (let i = 0; i < assignments.length; i++) {
		const group = assignments[i];
		if (group >= count) continue;
		groups[group].set(sizes.subarray(2 * i, 2 * i + 2), 2 * fill[group]++);
	}
	return groups;
}

/** The curve of fitness. */
export class Curve {
	readonly #chart: EChartsType;

	constructor(root: HTMLElement) {
		this.#chart = init(root, null, { renderer: 'canvas' });
		new ResizeObserver(() => this.#chart.resize()).observe(root);
	}

	/** Fitness after each generation, so far; the first is k-means'. */
	show(history: readonly (readonly [generation: number, fitness: number])[], generations: number): void {
		const { text, line, accent } = ink();
		const values = history.map(([, fitness]) => fitness);
		const low = Math.min(...values);
		const high = Math.max(...values);
		const room = Math.max(1e-4, (high - low) * 0.12);
		this.#chart.setOption({
			animation: false,
			grid: { left: 58, right: 18, top: 12, bottom: 40 },
			xAxis: {
				type: 'value',
				min: 0,
				max: Math.max(1, generations),
				name: 'generation',
				nameLocation: 'middle',
				nameGap: 24,
				nameTextStyle: { color: text, fontSize: 12 },
				axisLabel: { color: text, fontSize: 11 },
				axisLine: { lineStyle: { color: line } },
				splitLine: { show: false },
			},
			yAxis: {
				type: 'value',
				min: history.length ? low - room : 0,
				max: history.length ? high + room : 1,
				splitNumber: 3,
				axisLabel: { color: text, fontSize: 11, formatter: (v: number) => v.toFixed(4) },
				splitLine: { lineStyle: { color: line } },
			},
			series: [
				{
					id: 'fitness',
					type: 'line',
					step: 'end',
					data: history as [number, number][],
					showSymbol: false,
					silent: true,
					lineStyle: { color: accent, width: 2 },
					areaStyle: { color: accent, opacity: 0.1, origin: 'start' },
				},
			],
		});
	}
}
