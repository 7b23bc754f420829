// What the runner loads to show results.

export { plotsOf } from './plot.js';
export { linesOf, tableOf } from './report.js';
