// The cases of all families.

import { ANCHORED_CASES } from './anchored.js';
import { CASCADE_CASES } from './cascades.js';
import { CENTRED_CASES } from './centred.js';
import { FEATURE_CASES } from './features.js';
import type { HeadCase } from './oracle.js';
import { POINT_CASES } from './points.js';
import { SSD_CASES } from './ssd.js';
import { STAGE_CASES } from './stages.js';
import { TURNED_CASES } from './turned.js';
import { YOLO_CASES } from './yolo.js';
import { YOLO_ANCHOR_CASES } from './yolo-anchors.js';
import { YOLO_TASK_CASES } from './yolo-tasks.js';

export const HEAD_CASES: readonly HeadCase[] = [
	...FEATURE_CASES,
	...POINT_CASES,
	...CASCADE_CASES,
	...ANCHORED_CASES,
	...SSD_CASES,
	...STAGE_CASES,
	...CENTRED_CASES,
	...YOLO_CASES,
	...YOLO_ANCHOR_CASES,
	...YOLO_TASK_CASES,
	...TURNED_CASES,
];
