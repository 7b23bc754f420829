// All rows of the bench, in the order of their running.

import { CHOICE_ROWS } from './choice-rows.js';
import { gpuFactsRow } from './gpu-facts.js';
import { NMS_RACES } from './nms-rows.js';
import { raceRow } from './race.js';
import type { Row } from './result.js';
import { RETINANET_RACES } from './retinanet-rows.js';
import { TRAINING_RACES } from './training-rows.js';
import { YOLO_RACES } from './yolo-rows.js';

export const ROWS: readonly Row[] = [...[...YOLO_RACES, ...NMS_RACES, ...RETINANET_RACES, ...TRAINING_RACES].map(raceRow), gpuFactsRow, ...CHOICE_ROWS];
