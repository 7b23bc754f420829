// The door of the training wing: which anchors answer for which objects, what the network should have said, how wrong it
// was, and which anchors to choose. Re-exports only; nothing in the inference bundle imports it.

export type { CellLevel } from './anchors/points.js';
export { cellAnchors } from './anchors/points.js';
export type { TrainingBackend } from './training/backend.js';
export { type AutoAnchors, type AutoAnchorsOptions, type AutoAnchorsProgress, autoAnchors, type LevelReport } from './training/clustering/auto.js';
export { type DifferentialAnchors, type DifferentialOptions, type DifferentialProgress, differentialAnchors } from './training/clustering/differential.js';
export { type AcceptedMutant, type EvolutionProgress, type EvolvedAnchors, type EvolveOptions, evolveAnchors } from './training/clustering/evolve.js';
export { type AnchorClusters, type ClusterStep, type EmptiedCluster, kmeansAnchors } from './training/clustering/kmeans.js';
export type { ClusterProgress, ClusterStyle, KmeansOptions } from './training/clustering/kmeans-options.js';
export { orderAnchors, splitAnchors } from './training/clustering/levels.js';
export { type AnchorFitness, type AnchorFitnessOptions, anchorFitness } from './training/clustering/metric.js';
export { type DroppedSizes, type SizeFilter, scaleSizes } from './training/clustering/sizes.js';
export {
	type ByteStream,
	LABEL_FLAGS,
	type LabelFile,
	type LabelFormat,
	type LabelledImage,
	type LabelProblem,
	type LabelProgress,
	type Labels,
} from './training/labels/labels.js';
export type { LabelLimits, ReadLabelsOptions } from './training/labels/options.js';
export { readLabels } from './training/labels/read.js';
export { type LabelSizes, type LabelSizesOptions, labelSizes } from './training/labels/sizes.js';
export { type BceOptions, bceWithLogits, bceWithLogitsOn } from './training/losses/bce.js';
export type { BoxLossKind, BoxLossStyle, IouForm } from './training/losses/box-styles.js';
export { type BoxLossOptions, boxLoss, boxLossOn } from './training/losses/boxes.js';
export type { CombinedLoss, EncodedTargetsLike } from './training/losses/combined/common.js';
export { type FcosLossOptions, type FcosPredictions, fcosLoss } from './training/losses/combined/fcos.js';
export { type RetinanetLossOptions, type RetinanetPredictions, retinanetLoss } from './training/losses/combined/retinanet.js';
export { type RpnLossOptions, type RpnPredictions, rpnLoss } from './training/losses/combined/rpn.js';
export { type SsdLossOptions, type SsdPredictions, ssdLoss } from './training/losses/combined/ssd.js';
export type { YoloMapLayout } from './training/losses/combined/yolo-maps.js';
export { type Yolov2LossOptions, yolov2Loss } from './training/losses/combined/yolov2.js';
export { type Yolov3LossOptions, yolov3Loss } from './training/losses/combined/yolov3.js';
export { type Yolov5LossOptions, yolov5Loss } from './training/losses/combined/yolov5.js';
export {
	type ClassTargets,
	type CrossEntropyOptions,
	crossEntropy,
	crossEntropyOn,
	distributionFocalLoss,
	distributionFocalLossOn,
} from './training/losses/cross-entropy.js';
export {
	type FocalOptions,
	focalLoss,
	focalLossOn,
	type GaussianFocalOptions,
	gaussianFocalLoss,
	gaussianFocalLossOn,
	type QualityFocalOptions,
	qualityFocalLoss,
	qualityFocalLossOn,
	type VarifocalOptions,
	varifocalLoss,
	varifocalLossOn,
} from './training/losses/focal.js';
export type { Loss, LossOptions } from './training/losses/loss.js';
export { l1Loss, l1LossOn, l2Loss, l2LossOn, type SmoothL1Options, smoothL1, smoothL1On } from './training/losses/regression.js';
export { type AtssOptions, matchAtss } from './training/matching/atss.js';
export type { CellLevelsOptions, CellOrder, GridLevel } from './training/matching/cells.js';
export { cellLevels } from './training/matching/cells.js';
export type { CenterNetMatches, CenterNetMatchOptions } from './training/matching/centernet.js';
export { matchCenterNet } from './training/matching/centernet.js';
export type { DenseBoxMatchOptions } from './training/matching/densebox.js';
export { matchDenseBox } from './training/matching/densebox.js';
export type { FcosMatchOptions } from './training/matching/fcos.js';
export { matchFcos } from './training/matching/fcos.js';
export type { FoveaMatchOptions } from './training/matching/fovea.js';
export { matchFovea } from './training/matching/fovea.js';
export { type GridAssignerOptions, matchGridAssigner } from './training/matching/grid-assigner.js';
export type { HungarianOptions } from './training/matching/hungarian.js';
export { hungarian, matchHungarian } from './training/matching/hungarian.js';
export type { GroundTruthFate, LostReason, Matches } from './training/matching/matches.js';
export { type MatrixOptions, matchMatrix } from './training/matching/matrix.js';
export { type MaxIouOptions, matchMaxIou, matchMaxIouOn } from './training/matching/max-iou.js';
export type { MaxIouRuleOptions, MaxIouStyle } from './training/matching/max-iou-rule.js';
export type { PointsLike } from './training/matching/points.js';
export type { PredictionOptions } from './training/matching/predictions.js';
export type { IgnoreOptions, OutsideOptions } from './training/matching/prepare.js';
export type { OtaMatches, SimOtaOptions } from './training/matching/simota.js';
export { matchSimOta } from './training/matching/simota.js';
export { matchSsd, matchSsdOn, type SsdOptions, type SsdRuleOptions } from './training/matching/ssd.js';
export type { TalMatches, TalOptions } from './training/matching/tal.js';
export { matchTal } from './training/matching/tal.js';
export { matchTextbook, matchTextbookOn, type TextbookOptions, type TextbookRuleOptions } from './training/matching/textbook.js';
export type { YoloGridOptions } from './training/matching/yolo-grid.js';
export { matchYoloGrid, matchYoloGridOn } from './training/matching/yolo-grid.js';
export type { YoloIgnoreOptions } from './training/matching/yolo-ignore.js';
export type { Yolov5Matches, Yolov5MatchOptions } from './training/matching/yolov5.js';
export { matchYolov5 } from './training/matching/yolov5.js';
export type { Yolov7Matches, Yolov7MatchOptions } from './training/matching/yolov7.js';
export { matchYolov7 } from './training/matching/yolov7.js';
export type { LongWork } from './training/progress.js';
export { type BalancedOptions, sampleBalanced } from './training/sampling/balanced.js';
export {
	type DenseBoxSampleOptions,
	type HardExampleOptions,
	type HardNegativeOptions,
	mineHardExamples,
	mineHardNegatives,
	sampleDenseBox,
} from './training/sampling/mining.js';
export type { LabelsLike, Sample } from './training/sampling/sample.js';
export { type CenterNetTargets, centernetTargets } from './training/targets/centernet.js';
export { type EncodedTargets, type EncodeTargetsOptions, encodeTargets } from './training/targets/encode.js';
export { type BinTargets, type BinTargetsOptions, binTargets, type FcosTargets, type FcosTargetsOptions, fcosTargets } from './training/targets/points.js';
export type { MatchesLike } from './training/targets/read.js';
export { type YoloTargetLevel, type YoloTargets, type YoloTargetsOptions, yoloTargets } from './training/targets/yolo.js';
export { type Yolov5TargetLevel, type Yolov5Targets, type Yolov5TargetsOptions, yolov5Targets } from './training/targets/yolov5.js';
