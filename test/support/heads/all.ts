// The cases of all families.

import { FEATURE_CASES } from './features.js';
import type { HeadCase } from './oracle.js';

export const HEAD_CASES: readonly HeadCase[] = [...FEATURE_CASES];
