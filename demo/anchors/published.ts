// Published tables to compare with, in pixels of whatever input the page has.

import * as kedge from 'kedge';

/** A table, the input that it was made for, and pixels per unit: YOLOv2's are in cells of 32. */
interface Published {
	readonly table: kedge.AnchorTable;
	readonly inputSize: number;
	readonly unit?: number;
}

const TABLES: Readonly<Record<string, Published>> = {
	'YOLOv5 and YOLOv3, COCO at 640': { table: kedge.YOLOV5_ANCHORS, inputSize: 640 },
	'YOLOv7 and YOLOv4, COCO at 640': { table: kedge.YOLOV7_ANCHORS, inputSize: 640 },
	'YOLOv5 P6, COCO at 1280': { table: kedge.YOLOV5_P6_ANCHORS, inputSize: 1280 },
	'YOLOv3 tiny, COCO at 416': { table: kedge.YOLOV3_TINY_ANCHORS, inputSize: 416 },
	'YOLOv2, COCO at 416': { table: kedge.YOLOV2_ANCHORS, inputSize: 416, unit: 32 },
	'YOLOv2, VOC at 416': { table: kedge.YOLOV2_VOC_ANCHORS, inputSize: 416, unit: 32 },
};

/** What the tables are called, in the order of the menu. */
export const PUBLISHED_TITLES: readonly string[] = Object.keys(TABLES);

/** The anchors [K, 2] of a table, grown or shrunk to an input; undefined for no table's title. */
export function publishedAnchors(title: string, inputSize: number): number[] | undefined {
	if (!Object.hasOwn(TABLES, title)) return undefined;
	const { table, inputSize: own, unit = 1 } = TABLES[title];
	return table.flat().map((side) => (side * unit * inputSize) / own);
}
