// The published anchor tables of YOLO v2 to v7: width, height, width, height, ... of each level's shapes, levels fine to
// coarse as in YOLOv5's yaml. darknet's cfg files name the coarse level first; here its masks are resolved.
// v2 counts in cells of its one 13 x 13 map (32 pixels each), all later ones in pixels of the network input.
// YOLOv6 and those after v7 have points (`anchorPoints`) instead.

/** Shapes per level, fine to coarse: width, height, width, height, ... */
export type AnchorTable = readonly (readonly number[])[];

/** YOLOv2 on COCO, in CELLS of stride 32: times 32 for pixels. Five shapes, also of tiny YOLOv2 on COCO. Source: darknet cfg/yolov2.cfg. */
export const YOLOV2_ANCHORS: AnchorTable = [[0.57273, 0.677385, 1.87446, 2.06253, 3.33843, 5.47434, 7.88282, 3.52778, 9.77052, 9.16828]];

/** YOLOv2 on Pascal VOC, in CELLS of stride 32. Source: darknet cfg/yolov2-voc.cfg. */
export const YOLOV2_VOC_ANCHORS: AnchorTable = [[1.3221, 1.73145, 3.19275, 4.00944, 5.05587, 8.09892, 9.47112, 4.84053, 11.2364, 10.0071]];

/** Tiny YOLOv2 on Pascal VOC, in CELLS of stride 32. Source: darknet cfg/yolov2-tiny-voc.cfg. */
export const YOLOV2_TINY_VOC_ANCHORS: AnchorTable = [[1.08, 1.19, 3.42, 4.41, 6.63, 11.38, 9.42, 5.11, 16.62, 10.52]];

/** YOLOv3 on COCO, pixels at strides 8, 16, 32. Source: Redmon and Farhadi 2018; darknet cfg/yolov3.cfg. */
export const YOLOV3_ANCHORS: AnchorTable = [
	[10, 13, 16, 30, 33, 23],
	[30, 61, 62, 45, 59, 119],
	[116, 90, 156, 198, 373, 326],
];

/** Tiny YOLOv3 on COCO, pixels at strides 16, 32. Source: darknet cfg/yolov3-tiny.cfg. */
export const YOLOV3_TINY_ANCHORS: AnchorTable = [
	[10, 14, 23, 27, 37, 58],
	[81, 82, 135, 169, 344, 319],
];

/** YOLOv4 on COCO, pixels at strides 8, 16, 32. Source: darknet cfg/yolov4.cfg. */
export const YOLOV4_ANCHORS: AnchorTable = [
	[12, 16, 19, 36, 40, 28],
	[36, 75, 76, 55, 72, 146],
	[142, 110, 192, 243, 459, 401],
];

/** Tiny YOLOv4 on COCO, pixels at strides 16, 32. Its fine level has masks 1 to 3, so 81 x 82 is on both. Source: darknet cfg/yolov4-tiny.cfg. */
export const YOLOV4_TINY_ANCHORS: AnchorTable = [
	[23, 27, 37, 58, 81, 82],
	[81, 82, 135, 169, 344, 319],
];

/** YOLOv5 n to x on COCO, pixels at strides 8, 16, 32: those of YOLOv3. Source: yolov5 models/yolov5s.yaml. */
export const YOLOV5_ANCHORS: AnchorTable = YOLOV3_ANCHORS;

/** YOLOv5 n6 to x6 on COCO at 1280, pixels at strides 8, 16, 32, 64. Source: yolov5 models/hub/anchors.yaml. */
export const YOLOV5_P6_ANCHORS: AnchorTable = [
	[19, 27, 44, 40, 38, 94],
	[96, 68, 86, 152, 180, 137],
	[140, 301, 303, 264, 238, 542],
	[436, 615, 739, 380, 925, 792],
];

/**
 * YOLOv7 and YOLOv7-X on COCO, pixels at strides 8, 16, 32: those of YOLOv4. Source: yolov7 cfg/training/yolov7.yaml. Also of
 * the published YOLOv7-tiny weights, though yolov7-tiny.yaml lists YOLOv5's (WongKinYiu/yolov7 issue 86).
 */
export const YOLOV7_ANCHORS: AnchorTable = YOLOV4_ANCHORS;

/** YOLOv7 W6, E6, D6 and E6E on COCO at 1280, pixels at strides 8, 16, 32, 64: those of YOLOv5's P6 models. Source: yolov7 cfg/training/yolov7-w6.yaml. */
export const YOLOV7_W6_ANCHORS: AnchorTable = YOLOV5_P6_ANCHORS;
