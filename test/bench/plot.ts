// Results as SVG, by their kind: drawn by echarts on the server side, black on white, and named by engine, machine and date.

import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { GrowthResult } from './gpu/growth.js';
import { growthHeight, growthOption } from './gpu/plot-growth.js';
import type { RaceResult } from './race.js';
import type { Setting } from './report.js';
import { type Result, shortNumber } from './result.js';

use([BarChart, LineChart, ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** A figure for a file of its own. */
export interface Plot {
	readonly name: string;
	readonly svg: string;
}

const WIDTH = 960;
const INK = '#222';

/** An option of echarts as SVG. `title` is given engine, machine and date as its second line. */
export function svgOf(option: EChartsCoreOption, { title, height, setting }: { title: string; height: number; setting: Setting }): string {
	const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
	const subtext = [setting.engine, setting.machine, setting.started.slice(0, 10), ...(setting.quick ? ['few rounds'] : [])].join(' · ');
	chart.setOption({
		animation: false,
		backgroundColor: '#fff',
		textStyle: { color: INK, fontFamily: 'sans-serif' },
		title: { text: title, subtext, left: 16, top: 12, textStyle: { color: INK, fontSize: 18 }, subtextStyle: { color: '#555', fontSize: 12 } },
		...option,
	});
	const svg = chart.renderToSVGString();
	chart.dispose();
	return svg;
}

const BAR = 24;

/** Bars by their verdict, as the legend says it. */
const BARS = [
	['gate missed', 'gate missed', '#c62828'],
	['target missed', 'target missed', '#e0a030'],
	['met', 'all goals met', '#4a7fb5'],
	['', 'without a goal', '#9fb3c8'],
] as const;

/** Ratios of all races as bars on a logarithmic axis, with what they are held against. */
function racePlot(results: readonly RaceResult[], setting: Setting): Plot[] {
	const bars = results.flatMap(({ name, lines }) => lines.slice(1).map((line) => ({ ...line, name: `${name} · ${line.label}` })));
	if (bars.length === 0) return [];
	const names = bars.map(({ name }) => name);
	const kinds = BARS.filter(([verdict]) => bars.some((bar) => bar.verdict === verdict));
	const marks = (kind: 'gate' | 'target') => bars.flatMap((bar, i) => (bar[kind] === undefined ? [] : [[bar[kind], i]]));
	const scatter = { type: 'scatter', symbol: 'rect', z: 3 };
	const option = {
		legend: { top: 60, left: 16, selectedMode: false, data: [...kinds.map(([, name]) => name), 'gate', 'target'], textStyle: { color: INK } },
		grid: { left: 16, right: 16, top: 96, bottom: 16, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
		xAxis: {
			type: 'log',
			min: ({ min }: { min: number }) => Math.min(1, min),
			axisLabel: { color: INK, formatter: '{value}x' },
			splitLine: { lineStyle: { color: '#ddd' } },
		},
		yAxis: [
			{ type: 'category', inverse: true, data: names, axisLabel: { color: INK, interval: 0 }, axisTick: { show: false } },
			// the figures stand at the side, where no mark crosses them
			{
				type: 'category',
				inverse: true,
				data: bars.map(({ ratio = Number.NaN }) => `${shortNumber(ratio)}x`),
				axisLabel: { color: INK, interval: 0 },
				axisTick: { show: false },
				axisLine: { show: false },
			},
		],
		series: [
			...kinds.map(([verdict, name, color]) => ({
				...{ name, type: 'bar', barWidth: BAR / 2, barGap: '-100%', itemStyle: { color } },
				data: bars.map((bar) => (bar.verdict === verdict ? bar.ratio : '-')),
			})),
			{ ...scatter, name: 'gate', symbolSize: [3, BAR - 4], itemStyle: { color: '#b3261e' }, data: marks('gate') },
			{ ...scatter, name: 'target', symbolSize: [3, BAR - 4], itemStyle: { color: '#1b7f3b' }, data: marks('target') },
		],
	};
	return [
		{ name: 'race', svg: svgOf(option, { title: 'How many times faster kedge is on the CPU than its peers', height: 120 + BAR * bars.length, setting }) },
	];
}

/** What nms costs by the number of boxes. */
function growthPlot(results: readonly GrowthResult[], setting: Setting): Plot[] {
	return results
		.filter(({ panels }) => panels.some(({ curves }) => curves.some(({ points }) => points.some(({ time }) => time !== undefined))))
		.map(({ panels, adapter }) => {
			const title = `Milliseconds of an nms by the number of boxes${adapter.software ? ' (software adapter)' : ''}`;
			return { name: 'growth', svg: svgOf(growthOption(panels), { title, height: growthHeight(panels), setting }) };
		});
}

/** One figure, or several, of all results of a kind. A kind without a plot of its own has none. */
const PLOTS: Record<string, (results: readonly never[], setting: Setting) => Plot[]> = { race: racePlot, growth: growthPlot };

/** The figures of a run. */
export function plotsOf(results: readonly Result[], setting: Setting): Plot[] {
	const kinds = [...new Set(results.map(({ kind }) => kind))];
	return kinds.flatMap((kind) => PLOTS[kind]?.(results.filter((one) => one.kind === kind) as never[], setting) ?? []);
}
