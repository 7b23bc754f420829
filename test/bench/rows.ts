// All rows of the bench, in the order of their running.

import { CHOICE_ROWS } from './choice-rows.js';
import { FRAME_ROWS } from './gpu/frames.js';
import { growthRow } from './gpu/growth.js';
import { limitsRow } from './gpu/limits.js';
import { memoryRow } from './gpu/memory.js';
import { torchvisionRow } from './gpu/torchvision.js';
import { NMS_RACES } from './nms-rows.js';
import { raceRow } from './race.js';
import type { Row } from './result.js';
import { RETINANET_RACES } from './retinanet-rows.js';
import { TRAINING_RACES } from './training-rows.js';
import { TFJS_WEBGPU_RACE, YOLO_RACES } from './yolo-rows.js';

const RACES = [...YOLO_RACES, ...NMS_RACES, ...RETINANET_RACES, ...TRAINING_RACES];

/** tfjs finds no WebGPU in Node. */
const tfjsRow: Row = { ...raceRow(TFJS_WEBGPU_RACE), places: ['chromium'], gpu: true };

export const ROWS: readonly Row[] = [...RACES.map(raceRow), ...FRAME_ROWS, memoryRow, limitsRow, growthRow, tfjsRow, torchvisionRow, ...CHOICE_ROWS];
