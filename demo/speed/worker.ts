// The run of the speed page, in a worker: the page stays usable, draws nothing into the measurement, and ends it by ending
// the worker. A page that calls kedge itself is kept as long as this worker's thread is.

import { serve } from '../serve.js';
import type { EffortName } from './clock.js';
import { readFacts } from './facts.js';
import { lookForGpu, openGpu } from './gpu.js';
import type { Facts, Report } from './report.js';
import { ROWS, type Row } from './rows.js';
import { type Progress, Run } from './run.js';

/** The tasks. */
export interface Tasks {
	look: { input: undefined; progress: never; output: { readonly facts: Facts; readonly rows: readonly Pick<Row, 'title' | 'what' | 'needsGpu'>[] } };
	run: { input: { readonly effort: EffortName }; progress: Progress; output: Report };
}

serve<Tasks>({
	look: async () => ({ facts: await readFacts(await lookForGpu()), rows: ROWS.map(({ title, what, needsGpu }) => ({ title, what, needsGpu })) }),
	run: async ({ effort }, { progress }) => new Run(await readFacts(await lookForGpu()), effort, progress).all(ROWS, openGpu),
});
