// Runs the rules as objects are dragged: the one that is looked at first, the others as far as the time of a frame reaches
// and in the next frames, so that the hand is followed at sixty frames a second whatever the machine.

import type { AnchorSet } from './anchor-sets.js';
import type { Answer } from './panels.js';
import type { Rule, Thresholds } from './rules.js';

/** What rules are run on. */
export interface Subject {
	readonly set: AnchorSet;
	/** [G, 4] xyxy. */
	readonly boxes: Float32Array;
	readonly thresholds: Thresholds;
}

/** The rules of the page and their answers. */
export class Engine {
	/** In the order in which rules were first run. */
	answers: Answer[] = [];
	/** Milliseconds that all rules together took. */
	spent = 0;
	#rules: readonly Rule[] = [];
	#pending = new Set<Rule>();
	#stale = true;
	readonly #fresh = new Set<string>();

	/** Takes other rules; their answers are due. */
	setRules(rules: readonly Rule[]): void {
		this.#rules = rules;
		this.answers = [];
		this.#stale = true;
	}

	/** Something moved: all answers are due. */
	touch(): void {
		this.#stale = true;
	}

	/** The answer of a rule, or the first there is. */
	answerOf(rule: string): Answer {
		return this.answers.find((answer) => answer.rule.id === rule) ?? this.answers[0];
	}

	/** Whether a rule has a new answer since this was last asked. */
	takeFresh(rule: string): boolean {
		return this.#fresh.delete(rule);
	}

	/** Runs what is due, `first` before all others, for about `budget` milliseconds and at least one rule. Returns whether nothing is left. */
	run({ set, boxes, thresholds }: Subject, first: string, budget: number): boolean {
		if (this.#stale) {
			this.#pending = new Set(this.#rules);
			this.spent = 0;
		}
		this.#stale = false;
		const start = performance.now();
		const order = [...this.#pending].sort((a, b) => Number(b.id === first) - Number(a.id === first));
		for (const rule of order) {
			this.#pending.delete(rule);
			const answer = { rule, matches: rule.run(set, boxes, thresholds) };
			const at = this.answers.findIndex((known) => known.rule === rule);
			if (at < 0) this.answers.push(answer);
			else this.answers[at] = answer;
			this.#fresh.add(rule.id);
			if (performance.now() - start > budget) break;
		}
		this.spent += performance.now() - start;
		return this.#pending.size === 0;
	}
}
