// The matching page: holds what is shown, computes every rule anew whenever something moves (once a frame), and lets
// pictures, numbers and controls follow.

import { byId, complain, radios, say } from '../page.js';
import { ANCHOR_SETS, type AnchorSet, anchorSet, cellAt, type Place, placeOf, rowOf } from './anchor-sets.js';
import { dotOf, drawLarge, truthColour } from './draw.js';
import { Editor } from './editor.js';
import { explain } from './explain.js';
import { OBJECT_KINDS } from './objects.js';
import { type Answer, Panels, showFates } from './panels.js';
import { RULES, type Rule } from './rules.js';
import { type GroundTruth, SCENES } from './scenes.js';
import { Sliders } from './sliders.js';
import { onThemeChange, readTheme, sharpen } from './theme.js';
import { showWhy } from './why.js';

/** Milliseconds of a frame that rules may take; what is behind goes on in the next. */
const FRAME = 9;
/** More objects than these are no longer a picture. */
const MOST_OBJECTS = 12;

const stage = byId('stage', HTMLElement);
const picture = byId('picture', HTMLCanvasElement);
const button = (id: string) => byId(id, HTMLButtonElement);

let theme = readTheme();
let set: AnchorSet = anchorSet(ANCHOR_SETS[0]);
let truths: GroundTruth[] = [];
let scene: string | undefined;
let chosen = 0;
let rules: Rule[] = [];
let rule = '';
let level = 0;
let cursor: Place | undefined;
let pinned = false;
let answers: Answer[] = [];
/** Objects, anchors or thresholds changed since the rules were last run. */
let stale = true;
/** Rules that have not been run since. */
let pending = new Set<Rule>();
/** Rules whose new answers are not shown yet, and the rule that lists and counts are of. */
const outdated = new Set<string>();
let shownRule = '';
/** Milliseconds that all rules together took. */
let spent = 0;
let scheduled = false;

const sliders = new Sliders(byId('sliders', HTMLElement), () => changed());
const colour = (truth: number) => truthColour(theme, truth);
/** What sentences call the objects: the racket, or person 2 where there are several. */
const names = () => truths.map(({ kind }, i) => (truths.filter((other) => other.kind === kind).length > 1 ? `${kind} ${i + 1}` : `the ${kind}`));
const kinds = () => truths.map(({ kind }) => kind);
const panels = new Panels(byId('rules', HTMLElement), (id) => {
	rule = id;
	changed();
	say(`Looking at ${RULES[id].title}.`);
});
const editor = new Editor(
	byId('handles', HTMLElement),
	{
		inputSize: () => set.inputSize,
		truths: () => truths,
		change(truth, box) {
			truths[truth].box = box;
			markScene(undefined);
			changed();
		},
		choose(truth) {
			chosen = truth;
			schedule();
		},
		remove: removeTruth,
	},
	colour,
);

function changed(): void {
	stale = true;
	schedule();
}

function schedule(): void {
	if (scheduled) return;
	scheduled = true;
	requestAnimationFrame(() => {
		scheduled = false;
		try {
			render();
		} catch (error) {
			console.error(error);
			complain(error);
		}
	});
}

// What is computed and drawn

const boxesNow = () => Float32Array.from(truths.flatMap(({ box }) => box));
const ownAnswer = () => answers.find((answer) => answer.rule.id === rule) ?? answers[0];

/** Runs the rules that are behind, the one that is looked at first, until the time of a frame is up. Returns whether all are done. */
function compute(budget: number): boolean {
	if (stale) {
		pending = new Set(rules);
		answers = answers.filter((answer) => rules.includes(answer.rule));
		spent = 0;
	}
	stale = false;
	const boxes = boxesNow();
	const start = performance.now();
	const own = rules.find(({ id }) => id === rule);
	for (const each of [...(own && pending.has(own) ? [own] : []), ...pending]) {
		if (!pending.delete(each)) continue;
		const answer = { rule: each, matches: each.run(set, boxes, sliders.values) };
		const at = answers.findIndex((known) => known.rule === each);
		if (at < 0) answers.push(answer);
		else answers[at] = answer;
		outdated.add(each.id);
		if (performance.now() - start > budget) break;
	}
	spent += performance.now() - start;
	if (pending.size > 0) return false;
	byId('speed', HTMLOutputElement).textContent = `${spent < 10 ? spent.toFixed(1) : Math.round(spent)} ms`;
	return true;
}

/** Answers for everything, now: for what must not be half old and half new. */
function computeAll(): void {
	stale = true;
	compute(Number.POSITIVE_INFINITY);
}

function render(): void {
	const complete = compute(FRAME);
	const own = ownAnswer();
	const shown = { set, truths, level, cursor, theme };
	const pen = sharpen(picture, set.inputSize);
	if (pen) drawLarge(pen, { ...shown, matches: own.matches });
	for (const answer of answers) panels.draw(answer, { ...shown, matches: answer.matches }, answer === own);
	editor.update(chosen);
	if (outdated.has(own.rule.id) || shownRule !== own.rule.id) {
		shownRule = own.rule.id;
		byId('rule-title', HTMLElement).textContent = own.rule.title;
		byId('fates-rule', HTMLElement).textContent = own.rule.title;
		showFates(byId('fates', HTMLElement), own, { kinds: kinds(), what: set.kind === 'points' ? 'point' : 'anchor', look: lookAt, colour });
		showLevelCounts(own);
		button('remove').disabled = truths.length === 0;
		button('add').disabled = truths.length >= MOST_OBJECTS;
	}
	outdated.clear();
	showAnchor(own);
	if (complete) document.dispatchEvent(new CustomEvent('kedge:matched', { detail: { set, truths, answers, cursor } }));
	else schedule();
}

function showAnchor(own: Answer): void {
	const anchor = cursor && rowOf(set, cursor);
	const called = names();
	for (const { rule: each, matches } of answers) {
		const label = anchor === undefined ? 0 : matches.labels[anchor];
		const truth = anchor === undefined ? -1 : matches.matches[anchor];
		const text = anchor === undefined ? '' : label === 1 ? `positive for ${called[truth]}` : label === -1 ? 'ignored' : 'negative';
		panels.verdict(each.id, text, label, label === 1 ? colour(truth) : '');
	}
	const boxes = boxesNow();
	const explanation = anchor !== undefined && explain({ set, boxes, names: called, rule: own.rule, thresholds: sliders.values, matches: own.matches, anchor });
	const view = cursor && explanation ? { set, place: cursor, matches: own.matches, explanation, kinds: kinds(), colour } : undefined;
	showWhy(byId('why', HTMLElement), byId('why-anchor', HTMLElement), view, (shape) => {
		if (!cursor) return;
		cursor = { ...cursor, shape };
		pinned = true;
		schedule();
	});
	stage.dataset.pinned = String(pinned);
}

function showLevelCounts({ matches }: Answer): void {
	const counts = set.levels.map(() => 0);
	matches.labels.forEach((label, anchor) => {
		if (label === 1) counts[placeOf(set, anchor).level]++;
	});
	byId('levels', HTMLElement)
		.querySelectorAll('small')
		.forEach((small, i) => {
			const count = i === 0 ? matches.numPositives : counts[i - 1];
			small.textContent = count ? `${count} pos.` : '–';
		});
}

// What is chosen

function useSet(id: string): void {
	const before = set.inputSize;
	set = anchorSet(id);
	byId('anchors', HTMLSelectElement).value = id;
	byId('anchors-note', HTMLElement).textContent =
		`${set.note} Input ${set.inputSize} × ${set.inputSize}, ${(set.boxes.length / 4).toLocaleString('en')} anchors.`;
	rules = set.rules.map((name) => RULES[name]);
	rule = set.rules[0];
	panels.setRules(rules);
	sliders.use(rules, set.published);
	cursor = undefined;
	pinned = false;
	const known = SCENES.find(({ id: each }) => each === scene);
	if (known) truths = known.make(set);
	else for (const truth of truths) truth.box = truth.box.map((v) => Math.round((v * set.inputSize) / before)) as GroundTruth['box'];
	makeLevels();
	computeAll();
	pickLevel();
	schedule();
}

function makeLevels(): void {
	const choices = ['all', ...set.levels.map(({ name }) => name)];
	byId('levels', HTMLElement).replaceChildren(
		...choices.map((name, i) => {
			const label = document.createElement('label');
			const input = document.createElement('input');
			Object.assign(input, { type: 'radio', name: 'level', value: String(i - 1) });
			input.addEventListener('change', () => useLevel(i - 1));
			label.append(input, name, document.createElement('small'));
			return label;
		}),
	);
}

/** The level with most positives under the rule that is looked at. */
function pickLevel(): void {
	const own = ownAnswer();
	const counts = set.levels.map(() => 0);
	own.matches.labels.forEach((label, anchor) => {
		if (label === 1) counts[placeOf(set, anchor).level]++;
	});
	useLevel(counts.indexOf(Math.max(...counts)));
}

function useLevel(next: number): void {
	level = next;
	const note = level < 0 ? 'every level at once' : `one cell is ${set.levels[level].stride} px, ${set.levels[level].columns} × ${set.levels[level].rows} cells`;
	byId('level-note', HTMLElement).textContent = note;
	for (const radio of radios('level')) radio.checked = radio.value === String(level);
	if (level >= 0 && cursor && cursor.level !== level) {
		const { origin, step } = set.levels[cursor.level];
		const spot = [origin[0] + cursor.column * step[0], origin[1] + cursor.row * step[1]] as const;
		cursor = { ...cellAt(set, level, ...spot), level, shape: Math.min(cursor.shape, set.levels[level].perCell - 1) };
	}
	schedule();
}

function markScene(id: string | undefined): void {
	scene = id;
	for (const preset of byId('presets', HTMLElement).querySelectorAll('button')) preset.setAttribute('aria-pressed', String(preset.dataset.scene === id));
	// a changed scene keeps its words: they invite to change it, and what lies below must not move away under the hand
	const known = SCENES.find((each) => each.id === id);
	if (known) byId('scene-caption', HTMLElement).textContent = known.caption;
}

function useScene(id: string): void {
	markScene(id);
	truths = SCENES.find((each) => each.id === id)?.make(set) ?? [];
	chosen = 0;
	cursor = undefined;
	pinned = false;
	computeAll();
	pickLevel();
	schedule();
}

function addTruth(): void {
	const side = set.inputSize;
	const kind = OBJECT_KINDS[truths.length % OBJECT_KINDS.length];
	const at = Math.round(side * (0.12 + 0.09 * (truths.length % 6)));
	truths.push({ kind, box: [at, at, at + Math.round(side / 4), at + Math.round(side / 4)] });
	chosen = truths.length - 1;
	markScene(undefined);
	computeAll();
	editor.update(chosen);
	editor.focus(chosen);
	schedule();
	say(`Added ${kind} as object ${truths.length}.`);
}

function removeTruth(truth: number): void {
	const [gone] = truths.splice(truth, 1);
	if (!gone) return;
	chosen = Math.max(0, Math.min(chosen, truths.length - 1));
	markScene(undefined);
	computeAll();
	schedule();
	if (truths.length) editor.focus(chosen);
	else stage.focus();
	say(`Removed ${gone.kind}.`);
}

// Looking at anchors

function lookAt(anchor: number): void {
	cursor = placeOf(set, anchor);
	pinned = true;
	if (level >= 0) useLevel(cursor.level);
	schedule();
}

/** The anchor at a place of the picture: the nearest dot where there is room for several, else the best of the cell. */
function anchorAt(x: number, y: number, scale: number): Place {
	const on = level >= 0 ? level : (cursor?.level ?? 0);
	const cell = cellAt(set, on, x, y);
	const { perCell, step } = set.levels[on];
	const own = ownAnswer();
	const roomy = step[0] * scale >= 30;
	let shape = 0;
	let least = Number.POSITIVE_INFINITY;
	for (let k = 0; k < perCell; k++) {
		const place = { ...cell, level: on, shape: k };
		const dot = dotOf(set, place, scale);
		const cost = roomy ? Math.hypot(dot[0] - x * scale, dot[1] - y * scale) : -own.matches.maxIou[rowOf(set, place)];
		if (cost < least) [least, shape] = [cost, k];
	}
	return { ...cell, level: on, shape };
}

function pointed(event: PointerEvent | MouseEvent): Place {
	const { left, top } = stage.getBoundingClientRect();
	const scale = stage.clientWidth / set.inputSize;
	return anchorAt((event.clientX - left - stage.clientLeft) / scale, (event.clientY - top - stage.clientTop) / scale, scale);
}

function connectStage(): void {
	stage.tabIndex = 0;
	stage.addEventListener('pointermove', (event) => {
		if (editor.holding || pinned) return;
		cursor = pointed(event);
		schedule();
	});
	stage.addEventListener('pointerleave', () => {
		if (pinned || editor.holding || document.activeElement === stage) return;
		cursor = undefined;
		schedule();
	});
	stage.addEventListener('click', (event) => {
		// a key pressed on an object clicks too; and a drag ends in a click
		if (event.detail === 0 || editor.moved) {
			editor.moved = false;
			return;
		}
		const next = pointed(event);
		const same = pinned && cursor && rowOf(set, next) === rowOf(set, cursor);
		cursor = next;
		pinned = !same;
		schedule();
	});
	stage.addEventListener('keydown', stageKey);
	new ResizeObserver(schedule).observe(stage);
	new ResizeObserver(schedule).observe(byId('rules', HTMLElement));
}

function stageKey(event: KeyboardEvent): void {
	if (event.key === 'Escape') {
		pinned = false;
		cursor = undefined;
		schedule();
		return;
	}
	if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
	const middle = { level: Math.max(0, level), row: set.levels[Math.max(0, level)].rows >> 1, column: set.levels[Math.max(0, level)].columns >> 1, shape: 0 };
	const now = cursor ?? middle;
	const { rows, columns, perCell } = set.levels[now.level];
	const next = { ...now };
	const limit = (v: number, count: number) => Math.max(0, Math.min(count - 1, v));
	if (event.key === 'ArrowLeft') next.column = limit(now.column - 1, columns);
	else if (event.key === 'ArrowRight') next.column = limit(now.column + 1, columns);
	else if (event.key === 'ArrowUp') next.row = limit(now.row - 1, rows);
	else if (event.key === 'ArrowDown') next.row = limit(now.row + 1, rows);
	else if (event.key === 'a') next.shape = (now.shape + 1) % perCell;
	else if (event.key === 'A') next.shape = (now.shape + perCell - 1) % perCell;
	else if (event.key === 'PageUp' || event.key === 'PageDown') {
		cursor = now;
		useLevel(limit(now.level + (event.key === 'PageUp' ? -1 : 1), set.levels.length));
		event.preventDefault();
		return;
	} else return;
	event.preventDefault();
	cursor = next;
	pinned = true;
	schedule();
}

function connectControls(): void {
	const menu = byId('anchors', HTMLSelectElement);
	menu.replaceChildren(...ANCHOR_SETS.map((id) => new Option(anchorSet(id).title, id)));
	menu.addEventListener('change', () => useSet(menu.value));
	byId('presets', HTMLElement).replaceChildren(
		...SCENES.map(({ id, title }) => {
			const preset = document.createElement('button');
			preset.type = 'button';
			preset.textContent = title;
			preset.dataset.scene = id;
			preset.addEventListener('click', () => useScene(id));
			return preset;
		}),
	);
	button('add').addEventListener('click', addTruth);
	button('remove').addEventListener('click', () => removeTruth(chosen));
	button('reset').addEventListener('click', () => sliders.reset());
	onThemeChange(() => {
		theme = readTheme();
		changed();
	});
}

connectControls();
connectStage();
markScene(SCENES[0].id);
useSet(ANCHOR_SETS[0]);
