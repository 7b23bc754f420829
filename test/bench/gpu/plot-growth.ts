// The growth of cost as a figure: a panel for each kind of boxes, both axes logarithmic, a line for each contestant.

import type { EChartsCoreOption } from 'echarts/core';
import type { Panel } from './growth.js';

const COLUMNS = 2;
const LEFT = 64;
const TOP = 130;
const PANEL = { width: 380, height: 220, across: 470, down: 310 };
const COLORS = ['#4a7fb5', '#b3261e', '#8a6d00', '#1b7f3b'];
const INK = '#222';

/** Height of the whole figure. */
export function growthHeight(panels: readonly Panel[]): number {
	return TOP + Math.ceil(panels.length / COLUMNS) * PANEL.down;
}

/** A grid, two axes and its lines for each panel. Milliseconds of all panels go from the least to the most of any. */
export function growthOption(panels: readonly Panel[]): EChartsCoreOption {
	const all = panels.flatMap(({ curves }) => curves.flatMap(({ points }) => points));
	const times = all.flatMap(({ time }) => (time === undefined ? [] : [time]));
	const decade = (x: number, round: (x: number) => number) => 10 ** round(Math.log10(x));
	const [low, high] = [decade(Math.min(...times), Math.floor), decade(Math.max(...times), Math.ceil)];
	const [fewest, most] = [Math.min(...all.map(({ n }) => n)), Math.max(...all.map(({ n }) => n))];
	const contestants = [...new Set(panels.flatMap(({ curves }) => curves.map(({ contestant }) => contestant)))];
	const axis = { type: 'log', axisLabel: { color: INK }, splitLine: { lineStyle: { color: '#ddd' } }, nameTextStyle: { color: INK } };
	return {
		color: COLORS,
		legend: { top: 64, left: 16, data: contestants, textStyle: { color: INK } },
		grid: panels.map((_, i) => ({
			left: LEFT + (i % COLUMNS) * PANEL.across,
			top: TOP + Math.floor(i / COLUMNS) * PANEL.down,
			width: PANEL.width,
			height: PANEL.height,
		})),
		xAxis: panels.map(({ title }, gridIndex) => ({ ...axis, gridIndex, min: fewest, max: most, name: `${title}: boxes`, nameLocation: 'middle', nameGap: 28 })),
		yAxis: panels.map((_, gridIndex) => ({ ...axis, gridIndex, min: low, max: high, name: 'ms a call' })),
		series: panels.flatMap(({ curves }, i) =>
			curves.map(({ contestant, points }) => ({
				type: 'line',
				name: contestant,
				xAxisIndex: i,
				yAxisIndex: i,
				symbolSize: 6,
				itemStyle: { color: COLORS[contestants.indexOf(contestant)] },
				lineStyle: { color: COLORS[contestants.indexOf(contestant)] },
				data: points.flatMap(({ n, time }) => (time === undefined ? [] : [[n, time]])),
			})),
		),
	};
}
