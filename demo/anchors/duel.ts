// GPU against CPU: the times of each side, and whether both found the same to the last bit. Times and results of other data
// or settings are not to be compared, so they are forgotten.

import { byId } from '../page.js';
import { type Lap, showDuel } from './tables.js';
import type { Tasks } from './worker.js';

type Clusters = Tasks['cluster']['output'];
type Evolved = Tasks['evolve']['output'];
type Side = 'cpu' | 'gpu';

export class Duel {
	#laps: Partial<Record<Side, Lap>> = {};
	/** As text: equal when every number is. */
	#results: Partial<Record<Side, string>> = {};

	forget(): void {
		this.#laps = {};
		this.#results = {};
		this.#show();
	}

	/** Notes what one side found, and how long it took. */
	add(side: Side, clusters: Clusters, evolved: Evolved | undefined): void {
		this.#laps[side] = { cluster: clusters, evolve: evolved };
		const history = evolved && [[...evolved.anchors], [...evolved.history]];
		this.#results[side] = JSON.stringify([[...clusters.anchors], [...clusters.assignments], history]);
		this.#show();
	}

	#show(): void {
		const { cpu, gpu } = this.#results;
		showDuel(byId('duel', HTMLTableElement), this.#laps, cpu && gpu ? cpu === gpu : undefined);
	}
}
