// What an engine's runner loads: the registered tests and the session that runs them.

import '../gpu/all.js';

export { GpuSession } from './gpu-session.js';
export { gpuTests } from './gpu-suite.js';
