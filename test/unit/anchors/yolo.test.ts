// The tables against the lines of the files that published them, with darknet's masks.

import { assert, describe, test } from 'vitest';
import { type CellLevel, cellAnchors } from '../../../src/anchors/points.js';
import * as tables from '../../../src/anchors/yolo.js';
import { convertBoxes } from '../../../src/boxes/formats.js';

/** The levels of a darknet cfg: its anchors line, and the masks in the order of the file. */
function darknet(anchors: string, masks: readonly (readonly number[])[]): number[][] {
	const numbers = anchors.split(',').map(Number);
	return masks.map((mask) => mask.flatMap((i) => numbers.slice(2 * i, 2 * i + 2))).reverse();
}

/** The levels of a yaml, "[10,13, 16,30, 33,23]" per line. */
function yaml(text: string): number[][] {
	return text
		.trim()
		.split('\n')
		.map((line) => JSON.parse(line.trim()));
}

const COARSE_FIRST = [
	[6, 7, 8],
	[3, 4, 5],
	[0, 1, 2],
];
const FIVE = [[0, 1, 2, 3, 4]];

const PUBLISHED: Record<string, number[][]> = {
	// darknet cfg/yolov2.cfg, yolov2-voc.cfg, yolov2-tiny-voc.cfg: [region] without masks
	YOLOV2_ANCHORS: darknet('0.57273, 0.677385, 1.87446, 2.06253, 3.33843, 5.47434, 7.88282, 3.52778, 9.77052, 9.16828', FIVE),
	YOLOV2_VOC_ANCHORS: darknet('1.3221, 1.73145, 3.19275, 4.00944, 5.05587, 8.09892, 9.47112, 4.84053, 11.2364, 10.0071', FIVE),
	YOLOV2_TINY_VOC_ANCHORS: darknet('1.08,1.19,  3.42,4.41,  6.63,11.38,  9.42,5.11,  16.62,10.52', FIVE),
	// darknet cfg/yolov3.cfg, yolov3-tiny.cfg, yolov4.cfg, yolov4-tiny.cfg
	YOLOV3_ANCHORS: darknet('10,13,  16,30,  33,23,  30,61,  62,45,  59,119,  116,90,  156,198,  373,326', COARSE_FIRST),
	YOLOV3_TINY_ANCHORS: darknet('10,14,  23,27,  37,58,  81,82,  135,169,  344,319', [
		[3, 4, 5],
		[0, 1, 2],
	]),
	YOLOV4_ANCHORS: darknet('12, 16, 19, 36, 40, 28, 36, 75, 76, 55, 72, 146, 142, 110, 192, 243, 459, 401', COARSE_FIRST),
	YOLOV4_TINY_ANCHORS: darknet('10,14,  23,27,  37,58,  81,82,  135,169,  344,319', [
		[3, 4, 5],
		[1, 2, 3],
	]),
	// yolov5 models/hub/anchors.yaml: anchors_p5_640, anchors_p6_1280
	YOLOV5_ANCHORS: yaml(`
		[10, 13, 16, 30, 33, 23]
		[30, 61, 62, 45, 59, 119]
		[116, 90, 156, 198, 373, 326]`),
	YOLOV5_P6_ANCHORS: yaml(`
		[19, 27, 44, 40, 38, 94]
		[96, 68, 86, 152, 180, 137]
		[140, 301, 303, 264, 238, 542]
		[436, 615, 739, 380, 925, 792]`),
	// yolov7 cfg/training/yolov7.yaml
	YOLOV7_ANCHORS: yaml(`
		[12,16, 19,36, 40,28]
		[36,75, 76,55, 72,146]
		[142,110, 192,243, 459,401]`),
	// yolov7 cfg/training/yolov7-w6.yaml
	YOLOV7_W6_ANCHORS: yaml(`
		[ 19,27,  44,40,  38,94 ]
		[ 96,68,  86,152,  180,137 ]
		[ 140,301,  303,264,  238,542 ]
		[ 436,615,  739,380,  925,792 ]`),
};

describe('published tables', () => {
	test('all of them are here', () => assert.sameMembers(Object.keys(tables), Object.keys(PUBLISHED)));
	for (const [name, table] of Object.entries(tables)) {
		test(name, () => assert.deepEqual(table, PUBLISHED[name]));
	}
	test('areas grow from fine to coarse, as yolov5 check_anchor_order wants', () => {
		for (const table of Object.values(tables)) {
			const areas = table.map((shapes) => shapes.reduce((sum, w, k) => (k % 2 ? sum : sum + w * shapes[k + 1]), 0));
			areas.slice(1).forEach((area, i) => {
				assert.isAbove(area, areas[i]);
			});
		}
	});
});

describe('tables as anchors', () => {
	test('YOLOv5 at 640 has 25200 anchors, its P6 models at 1280 have 102000', () => {
		const count = (table: tables.AnchorTable, side: number) =>
			cellAnchors(table.map((shapes, i) => ({ grid: [side / (8 << i), side / (8 << i)], stride: 8 << i, shapes }))).length / 4;
		assert.equal(count(tables.YOLOV5_ANCHORS, 640), 25200);
		assert.equal(count(tables.YOLOV7_W6_ANCHORS, 1280), 102000); // 3 x (160^2 + 80^2 + 40^2 + 20^2)
	});
	test('YOLOv3 at 416: 10647, the first -1, -2.5, 9, 10.5 (mmdetection YOLOAnchorGenerator)', () => {
		const levels = tables.YOLOV3_ANCHORS.map((shapes, i): CellLevel => {
			const stride = 8 << i;
			return { grid: [416 / stride, 416 / stride], stride, shapes };
		});
		const rows = cellAnchors(levels);
		assert.equal(rows.length / 4, 10647);
		assert.deepEqual(Array.from(convertBoxes(rows, 'cxcywh', 'xyxy').subarray(0, 4)), [-1, -2.5, 9, 10.5]);
	});
	test('YOLOv2 counts in cells: at 416, 13 x 13 x 5, the largest 313 x 293 pixels', () => {
		const shapes = tables.YOLOV2_ANCHORS[0].map((cells) => cells * 32);
		const rows = cellAnchors([{ grid: [13, 13], stride: 32, shapes }]);
		assert.equal(rows.length / 4, 845);
		const [, , w, h] = rows.subarray(844 * 4);
		assert.approximately(w, 312.6566, 1e-3); // 9.77052 x 32
		assert.approximately(h, 293.385, 1e-3);
	});
});
