// The door of the training wing: which anchors answer for which objects, what the network should have said, how wrong it
// was, and which anchors to choose. Re-exports only; nothing in the inference bundle imports it.

export type { CellLevel } from './anchors/points.js';
export { cellAnchors } from './anchors/points.js';
export type { TrainingBackend } from './training/backend.js';
export type { CellLevelsOptions, CellOrder, GridLevel } from './training/matching/cells.js';
export { cellLevels } from './training/matching/cells.js';
export type { GroundTruthFate, LostReason, Matches } from './training/matching/matches.js';
export type { YoloGridOptions } from './training/matching/yolo-grid.js';
export { matchYoloGrid } from './training/matching/yolo-grid.js';
export type { Yolov5Matches, Yolov5MatchOptions } from './training/matching/yolov5.js';
export { matchYolov5 } from './training/matching/yolov5.js';
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
