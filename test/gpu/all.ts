// Every GPU test file, so that each engine loads the same list. A file is called <what>.gpu.ts and calls gpuTest();
// test/unit/gpu-suite.test.ts fails when one is missing here.

import './arithmetic.gpu.js';
import './codecs.gpu.js';
import './numbers.gpu.js';
import './stages.gpu.js';
import './nms.gpu.js';
import './semantics.gpu.js';
import './properties.gpu.js';
import './postprocessor.gpu.js';
import './heads.gpu.js';
import './iou.gpu.js';
import './masks.gpu.js';
import './rotated.gpu.js';
import './faults.gpu.js';
import './fault-sizes.gpu.js';
import './fault-large.gpu.js';
import './shaders.gpu.js';
import './jobs.gpu.js';
import './training-clustering.gpu.js';
import './training-losses.gpu.js';
import './training-overlaps.gpu.js';
import './training-yolo-grid.gpu.js';
import './injection.gpu.js';
import './life.gpu.js';
import './soak.gpu.js';
import './soft-nms.gpu.js';
import './bench-textbook.gpu.js';
