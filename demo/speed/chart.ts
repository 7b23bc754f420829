// The chart of times: a panel for each row, one axis of powers of ten for all. A dot is the median, the line through it goes
// from quartile to quartile. Drawn on a canvas in the page, and as an SVG to be saved.

import { CustomChart, ScatterChart } from 'echarts/charts';
import { GridComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, type EChartsType, init, use } from 'echarts/core';
import { CanvasRenderer, SVGRenderer } from 'echarts/renderers';
import { type Ink, ink } from '../look.js';
import { adapterText } from './facts.js';
import { answersEqual, type Line, type Report, type RowReport, ratioText, timeText } from './report.js';

use([CustomChart, ScatterChart, GridComponent, TitleComponent, CanvasRenderer, SVGRenderer]);

/** Where things stand, in pixels: beside the plot names on the left and times on the right, or, where that is narrow, both above their line. */
interface Layout {
	readonly line: number;
	readonly left: number;
	readonly right: number;
	readonly above: boolean;
}
const WIDE: Layout = { line: 24, left: 160, right: 132, above: false };
const NARROW: Layout = { line: 38, left: 6, right: 6, above: true };
const NARROW_WIDTH = 560;
const TITLE = 26;
const GAP = 16;
const AXIS = 26;
/** Letters of a title rise a little above its place. */
const RISE = 4;
/** Of a saved picture: its width, and the lines that say what it shows. */
const PICTURE_WIDTH = 900;
const CAPTION = 58;
const FONT = 'system-ui, sans-serif';

type Timed = Line & Required<Pick<Line, 'time'>>;

/** Rows that have something to show. */
const shown = (rows: readonly RowReport[]) => rows.filter(({ lines }) => lines.length > 0);
const roomOf = (row: RowReport, { line }: Layout) => line * (answersEqual(row) ? row.lines.length : 1);
const heightOf = (rows: readonly RowReport[], layout: Layout, top = RISE) =>
	top + shown(rows).reduce((sum, row) => sum + TITLE + GAP + roomOf(row, layout), 0) + AXIS;

/** Powers of ten around all times. */
function range(rows: readonly RowReport[]): [number, number] {
	const times = rows.flatMap(({ lines }) => lines.flatMap(({ time }) => (time ? [time.low, time.median, time.high] : []))).filter((time) => time > 0);
	const low = 10 ** Math.floor(Math.log10(Math.min(...times, 1)) + 1e-9);
	const high = 10 ** Math.ceil(Math.log10(Math.max(...times, 1)) - 1e-9);
	return [low, high > low ? high : 10 * low];
}

function optionOf(all: readonly RowReport[], colours: Ink, layout: Layout, start = RISE): EChartsCoreOption {
	const rows = shown(all);
	const scale = range(rows);
	const parts = { title: [] as object[], grid: [] as object[], xAxis: [] as object[], yAxis: [] as object[], series: [] as object[] };
	let top = start;
	rows.forEach((row, i) => {
		const lines = row.lines.filter((line): line is Timed => line.time !== undefined);
		const room = roomOf(row, layout);
		const text = (words: string, y: number, style: object) => ({ text: words, left: 0, top: y, padding: 0, textStyle: { fontFamily: FONT, ...style } });
		parts.title.push(text(row.title, top, { color: colours.strong, fontSize: 13, fontWeight: 600 }));
		if (lines.length === 0) parts.title.push(text(row.problem ?? 'not measured', top + TITLE, { color: colours.bad, fontSize: 12, fontWeight: 400 }));
		parts.grid.push({ left: layout.left, right: layout.right, top: top + TITLE - 4, height: room, outerBoundsMode: 'none' });
		parts.xAxis.push(timeAxis(i, scale, colours, layout, lines.length > 0, i === rows.length - 1));
		parts.yAxis.push(...nameAxes(i, lines, colours, layout));
		parts.series.push(...seriesOf(i, lines, colours, layout));
		top += TITLE + room + GAP;
	});
	return { animation: false, ...parts };
}

const BARE = { axisTick: { show: false }, axisLine: { show: false } };

function timeAxis(gridIndex: number, [min, max]: readonly [number, number], { text, line }: Ink, { above }: Layout, grid: boolean, last: boolean): object {
	const edges = above ? { alignMinLabel: 'left', alignMaxLabel: 'right' } : {};
	return {
		...{ type: 'log', gridIndex, min, max, logBase: 10, ...BARE },
		axisLabel: { show: last, color: text, fontSize: 11, fontFamily: FONT, formatter: (v: number) => Number(v.toPrecision(3)).toLocaleString('en'), ...edges },
		splitLine: { show: grid, lineStyle: { color: line } },
		...(last ? { name: 'milliseconds', nameLocation: 'middle', nameGap: 22, nameTextStyle: { color: text, fontSize: 11, fontFamily: FONT } } : {}),
	};
}

/** Names on the left, times and ratios on the right. */
function nameAxes(gridIndex: number, lines: readonly Timed[], { strong }: Ink, { left, right, above }: Layout): object[] {
	const axis = { type: 'category', gridIndex, inverse: true, ...BARE };
	const label = { color: strong, fontSize: 12, fontFamily: FONT, interval: 0, ...(above ? { inside: true, margin: 0, padding: [0, 0, 17, 0] } : {}) };
	const beside = (width: number) => (above ? {} : { margin: width - 4 });
	return [
		{ ...axis, position: 'left', data: lines.map(({ name }) => name), axisLabel: { ...label, align: 'left', ...beside(left) } },
		{ ...axis, position: 'right', data: lines.map(valueText), axisLabel: { ...label, align: 'right', ...beside(right) } },
	];
}

function seriesOf(grid: number, lines: readonly Timed[], colours: Ink, { above }: Layout): object[] {
	const at = { xAxisIndex: grid, yAxisIndex: 2 * grid, silent: true, animation: false };
	const colour = (line: Line) => (line.name.startsWith('kedge') ? colours.accent : colours.text);
	// names stand above their line
	const down = above ? 11 : 0;
	return [
		{
			...at,
			type: 'custom',
			data: lines.map(({ time }, k) => [time.low, k, time.high]),
			renderItem: (_: unknown, api: { value(i: number): number; coord(at: number[]): number[] }) => {
				const k = api.value(1);
				const [[x1, y], [x2]] = [api.coord([api.value(0), k]), api.coord([api.value(2), k])];
				const style = { stroke: colour(lines[k]), lineWidth: 3, opacity: 0.45, lineCap: 'round' };
				return { type: 'line', shape: { x1, y1: y + down, x2, y2: y + down }, style };
			},
		},
		{
			...at,
			type: 'scatter',
			symbolSize: 10,
			symbolOffset: [0, down],
			data: lines.map((line, k) => ({
				value: [line.time.median, k],
				itemStyle: { color: colour(line), opacity: 1, borderColor: colours.panel, borderWidth: 1 },
			})),
		},
	];
}

function valueText({ time, ratio }: Timed, place: number): string {
	return place === 0 || ratio === undefined ? timeText(time.median) : `${timeText(time.median)} · ${ratioText(ratio)}`;
}

/** The chart in the page. */
export class Times {
	readonly #root: HTMLElement;
	#chart: EChartsType | undefined;
	#rows: readonly RowReport[] = [];

	constructor(root: HTMLElement) {
		this.#root = root;
		new ResizeObserver(() => this.#draw()).observe(root);
	}

	/** Draws the rows that are there, in an element that is shown. */
	show(rows: readonly RowReport[]): void {
		this.#rows = rows;
		this.#draw();
	}

	#draw(): void {
		const width = this.#root.clientWidth;
		if (width === 0) return;
		const layout = width < NARROW_WIDTH ? NARROW : WIDE;
		this.#root.style.height = `${heightOf(this.#rows, layout)}px`;
		this.#chart ??= init(this.#root, null, { renderer: 'canvas' });
		this.#chart.resize();
		this.#chart.setOption(optionOf(this.#rows, ink(), layout), { notMerge: true });
	}
}

/** A picture by itself, with a caption that says where it was measured. */
function picture(report: Report, renderer: 'svg' | 'canvas'): { chart: EChartsType; element: HTMLElement } {
	const { facts, rows, notes } = report;
	const colours = ink();
	const element = document.createElement('div');
	const chart = init(element, null, {
		renderer,
		width: PICTURE_WIDTH,
		height: heightOf(rows, WIDE, CAPTION) + 8,
		...(renderer === 'svg' ? { ssr: true } : {}),
	});
	const option = optionOf(rows, colours, WIDE, CAPTION);
	const where = [facts.adapter ? adapterText(facts.adapter) : 'no GPU', facts.browser || facts.userAgent, facts.platform].join(' · ');
	const style = { width: PICTURE_WIDTH - 16, overflow: 'truncate', fontFamily: FONT, fontWeight: 400 };
	const caption = [
		{ left: 0, top: 10, padding: 0, text: where, textStyle: { ...style, color: colours.strong, fontSize: 13 } },
		{
			...{ left: 0, top: 30, padding: 0, text: notes[0] ?? `kedge ${facts.kedge}, ${facts.date.slice(0, 10)}` },
			textStyle: { ...style, color: colours.text, fontSize: 12 },
		},
	];
	chart.setOption({ ...option, backgroundColor: colours.panel, title: [...caption, ...(option.title as object[])] });
	return { chart, element };
}

/** The text of an SVG. */
export function svgOf(report: Report): string {
	const { chart } = picture(report, 'svg');
	const text = chart.renderToSVGString();
	chart.dispose();
	return text;
}

/** A PNG at twice the pixels. */
export async function pngOf(report: Report): Promise<Blob> {
	const { chart } = picture(report, 'canvas');
	const canvas = chart.renderToCanvas({ pixelRatio: 2 });
	const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
	chart.dispose();
	if (!blob) throw new Error('picture: the browser made no PNG');
	return blob;
}
