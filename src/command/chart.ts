// The scatter plot of the boxes' sizes with the anchors in it, as an SVG of its own: drawn by echarts without a page.

import { ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Found, Settings } from './find-anchors.js';
import { printable } from './terminal.js';

/** Points that are drawn: every so-manyth of a larger set, which keeps its shape and a file's size. */
const MAX_POINTS = 4000;
/** Okabe and Ito's colours, which the colour-blind tell apart; no yellow, which paper does not show. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000'];

/** SVG of the sizes [N, 2] and the anchors, coloured by level. Texts of strangers are texts in it. */
export function chartOf(place: string, { size }: Settings, { sizes, best, anchors, levels, fitness }: Found): string {
	use([ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);
	const chart = init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 760 });
	const perLevel = anchors.length / 2 / levels.length;
	const step = Math.ceil(best.length / MAX_POINTS);
	const points: [number, number][][] = levels.map(() => []);
	for (let i = 0; i < best.length; i += step) points[Math.floor(best[i] / perLevel)].push([sizes[2 * i], sizes[2 * i + 1]]);
	const shown = step === 1 ? `${best.length} boxes` : `one in ${step} of ${best.length} boxes`;
	const axis = (name: string) => ({ name, nameLocation: 'middle' as const, nameGap: 32, type: 'value' as const, min: 0, max: size });
	chart.setOption({
		animation: false,
		backgroundColor: '#fff',
		textStyle: { fontFamily: 'sans-serif' },
		title: {
			text: `Anchors of ${printable(place)}`,
			subtext: `${shown}, longer side ${size}; fitness ${fitness.fitness.toFixed(4)}, best possible recall ${(100 * fitness.bestPossibleRecall).toFixed(2)} %, average IoU ${fitness.meanIou.toFixed(4)}`,
			left: 'center',
			textStyle: { width: 840, overflow: 'truncate' },
		},
		legend: { bottom: 4 },
		grid: { left: 70, right: 40, top: 80, bottom: 90 },
		xAxis: axis('width, pixels'),
		yAxis: axis('height, pixels'),
		color: COLORS,
		series: levels.flatMap(({ stride, anchors: some }, level) => {
			const color = COLORS[level % COLORS.length];
			const name = `level ${level + 1}, stride ${stride}`;
			// texts of neighbours get out of each other's way
			const at = Array.from({ length: perLevel }, (_, k) => {
				const value = [some[2 * k], some[2 * k + 1]];
				return { value, label: { position: value[0] < value[1] ? 'top' : 'right' } };
			});
			return [
				{ type: 'scatter', name, data: points[level], symbolSize: 3, itemStyle: { color, opacity: 0.35 }, z: 1, silent: true },
				{
					...{ type: 'scatter', name, data: at, symbol: 'diamond', symbolSize: 16, z: 2, silent: true },
					itemStyle: { color, borderColor: '#fff', borderWidth: 1.5 },
					label: {
						show: true,
						color: '#222',
						textBorderColor: '#fff',
						textBorderWidth: 3,
						fontSize: 11,
						formatter: ({ value }: { value: number[] }) => value.map(Math.round).join(' × '),
					},
				},
			];
		}) as never,
	});
	const svg = chart.renderToSVGString();
	chart.dispose();
	return `${svg}\n`;
}
