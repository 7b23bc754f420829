// The public door: re-exports only.

export { type AnchorGridOptions, type AnchorRatio, anchorGrid } from './anchors/grid.js';
export { type MediapipeAnchorOptions, type MediapipeMultiscale, mediapipeAnchors } from './anchors/mediapipe.js';
export { type AnchorPointOptions, anchorPoints } from './anchors/points.js';
export { type SsdPriorOptions, ssdPriors } from './anchors/priors.js';
export { type ImagePyramidOptions, imagePyramid, type MtcnnCellOptions, type MtcnnStyle, mtcnnCells, type PyramidLevel } from './anchors/pyramid.js';
export { type RotatedAnchorOptions, rotatedAnchors } from './anchors/rotated.js';
export {
	type AnchorTable,
	YOLOV2_ANCHORS,
	YOLOV2_TINY_VOC_ANCHORS,
	YOLOV2_VOC_ANCHORS,
	YOLOV3_ANCHORS,
	YOLOV3_TINY_ANCHORS,
	YOLOV4_ANCHORS,
	YOLOV4_TINY_ANCHORS,
	YOLOV5_ANCHORS,
	YOLOV5_P6_ANCHORS,
	YOLOV7_ANCHORS,
	YOLOV7_W6_ANCHORS,
} from './anchors/yolo.js';
export { type Backend, type BackendKind, type Choice, checkWebGPU, createBackend } from './backend.js';
export { boxArea, clipBoxes } from './boxes/areas.js';
export { type Boxes, type BoxFormat, convertBoxes } from './boxes/formats.js';
export { type Letterbox, type LetterboxOptions, letterbox } from './boxes/letterbox.js';
export { type AngleConvention, convertRotated, type RotatedRange, regularizeRotated, rotatedBounds, rotatedCorners } from './boxes/rotated-formats.js';
export { squareBoxes } from './boxes/square.js';
export type { ArgumentFault } from './checks.js';
export { type BinsOptions, bins } from './codecs/bins.js';
export { type BoxesOptions, boxes } from './codecs/boxes.js';
export { type CellOptions, cell } from './codecs/cell.js';
export { type CentersOptions, centers } from './codecs/centers.js';
export type { AnchorFormat, BoxCodec } from './codecs/codec.js';
export { type CornersOptions, corners } from './codecs/corners.js';
export { type DeltasOptions, deltas } from './codecs/deltas.js';
export { type DistancesOptions, distances } from './codecs/distances.js';
export { type MediapipeOptions, mediapipe } from './codecs/mediapipe.js';
export { type RotatedDeltasOptions, rotatedDeltas } from './codecs/rotated-deltas.js';
export { type RotatedDistancesOptions, rotatedDistances } from './codecs/rotated-distances.js';
export type { Detection, Detections } from './detections.js';
export { KedgeError, type KedgeErrorCode } from './errors.js';
export { type BlazeFaceOptions, type BlazePalmOptions, blazeFace, blazePalm } from './heads/blazeface.js';
export { type CenternetOptions, centernet } from './heads/centernet.js';
export { defineHead } from './heads/define.js';
export { type DenseboxOptions, densebox } from './heads/densebox.js';
export { type DetrOptions, detr, type RtDetrOptions, rtDetr } from './heads/detr.js';
export { type EfficientdetOptions, efficientdet } from './heads/efficientdet.js';
export { type ScrfdOptions, scrfd, type YunetOptions, yunet } from './heads/faces.js';
export { type FastRcnnOptions, type FastRcnnStyle, fastRcnn } from './heads/fast-rcnn.js';
export { type FcosOptions, type FcosStyle, fcos } from './heads/fcos.js';
export { type FoveaOptions, fovea } from './heads/fovea.js';
export type { Axis, Field, Head, KeypointSpec, Level, ScoreSpec, TensorSpec } from './heads/head.js';
export { type HeadCandidate, type InferHints, type InferredHead, type InferStyle, type InferTask, inferHead } from './heads/infer.js';
export { type MtcnnPNetOptions, type MtcnnRefineOptions, mtcnnONet, mtcnnPNet, mtcnnRNet } from './heads/mtcnn.js';
export { type RetinaFaceOptions, retinaFace, type UltraFaceOptions, ultraFace } from './heads/retinaface.js';
export { type RetinanetOptions, type RetinanetStyle, retinanet } from './heads/retinanet.js';
export { type RpnOptions, type RpnStyle, rpn } from './heads/rpn.js';
export { type SsdOptions, type SsdStyle, ssd } from './heads/ssd.js';
export type { UltralyticsOptions, UltralyticsOutputs } from './heads/ultralytics.js';
export { type YoloObbOptions, yoloObb } from './heads/yolo-obb.js';
export { type YoloPoseOptions, yoloPose } from './heads/yolo-pose.js';
export { type YoloSegOptions, yoloSeg } from './heads/yolo-seg.js';
export { type Yolov2Options, yolov2 } from './heads/yolov2.js';
export { type Yolov3Options, type Yolov4Options, yolov3, yolov4 } from './heads/yolov3.js';
export { type Yolov5Options, yolov5 } from './heads/yolov5.js';
export { type Yolov6Options, yolov6 } from './heads/yolov6.js';
export { type Yolov8Options, yolo11, yolo12, yolov8, yolov9 } from './heads/yolov8.js';
export { type Yolov8MapsOptions, yolov8Maps } from './heads/yolov8-maps.js';
export { type RowColumns, type Yolov10Options, yolo26, yolov10 } from './heads/yolov10.js';
export { type YoloxOptions, yolox } from './heads/yolox.js';
export type { BoxesLike, BoxIouOptions, FloatsLike, NmsOptions, SoftNmsOptions } from './inputs.js';
export type { MaskDetections, MaskLabels, MaskLogits, MaskOptions, MaskOutput, MaskResults, Masks, MaskTexture } from './masks/job.js';
export { assembleMasks } from './masks/masks.js';
export { boxIou, nms } from './operations.js';
export type { BackendOptions, CallOptions, OnLost, PostprocessorOptions, SoftNms } from './options.js';
export type { Encoded, EncodedLayout, IouKind, SoftKept, WebGPUReport } from './pipeline.js';
export { createPostprocessor, type EncodeOptions, type Postprocessor, type RunOptions, type Transform } from './postprocessor.js';
export { type RotatedBoxesLike, rotatedIou, rotatedNms } from './rotated-operations.js';
export { type FullSemantics, SEMANTICS_PRESETS, type Semantics, type SemanticsPreset } from './semantics.js';
export { softNms } from './soft-operations.js';
export type { Outputs, TensorLike } from './tensors.js';
