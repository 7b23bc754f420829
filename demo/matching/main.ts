// The matching page: holds what is shown, has every rule run anew when something moves, once a frame, and lets pictures,
// numbers and controls follow.

import { byId, complain, radios, say } from '../page.js';
import { ANCHOR_SETS, type AnchorSet, anchorSet, placeOf, rowOf } from './anchor-sets.js';
import { drawLarge, truthColour } from './draw.js';
import { Editor } from './editor.js';
import { Engine } from './engine.js';
import { explain } from './explain.js';
import { Looking } from './looking.js';
import { OBJECT_KINDS } from './objects.js';
import { type Answer, Panels, showFates } from './panels.js';
import { RULES } from './rules.js';
import { type GroundTruth, SCENES } from './scenes.js';
import { Sliders } from './sliders.js';
import { onThemeChange, readTheme, sharpen } from './theme.js';
import { showWhy } from './why.js';

/** Milliseconds of a frame that rules may take. */
const FRAME = 9;
/** More objects than these are no longer a picture. */
const MOST_OBJECTS = 12;

const button = (id: string) => byId(id, HTMLButtonElement);
const stage = byId('stage', HTMLElement);
let theme = readTheme();
let set: AnchorSet = anchorSet(ANCHOR_SETS[0]);
let truths: GroundTruth[] = [];
let scene: string | undefined;
/** The object that was last taken hold of. */
let chosen = 0;
/** The rule and the level that are looked at; level -1: all. */
let rule = '';
let level = 0;
/** The rule that lists and counts are of. */
let shownRule = '';
let scheduled = false;

const engine = new Engine();
const sliders = new Sliders(byId('sliders', HTMLElement), () => changed());
const colour = (truth: number) => truthColour(theme, truth);
const boxesNow = () => Float32Array.from(truths.flatMap(({ box }) => box));
/** What sentences call the objects: the racket, or person 2 where there are several. */
const names = () => truths.map(({ kind }, i) => (truths.filter((other) => other.kind === kind).length > 1 ? `${kind} ${i + 1}` : `the ${kind}`));
const kinds = () => truths.map(({ kind }) => kind);

const panels = new Panels(byId('rules', HTMLElement), (id) => {
	rule = id;
	schedule();
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
const looking = new Looking(stage, {
	set: () => set,
	level: () => level,
	boxes: boxesNow,
	holding: () => editor.holding,
	endsDrag: () => editor.takeMoved(),
	useLevel,
	changed: schedule,
});

function changed(): void {
	engine.touch();
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

const run = (budget: number) => engine.run({ set, boxes: boxesNow(), thresholds: sliders.values }, rule, budget);

/** Has everything answered now: for what must not be half old and half new. */
function runAll(): void {
	engine.touch();
	run(Number.POSITIVE_INFINITY);
	schedule();
}

// What is shown

function render(): void {
	const complete = run(FRAME);
	const own = engine.answerOf(rule);
	const shown = { set, truths, level, cursor: looking.place, theme };
	const pen = sharpen(byId('picture', HTMLCanvasElement), set.inputSize);
	if (pen) drawLarge(pen, { ...shown, matches: own.matches });
	for (const answer of engine.answers) panels.draw(answer, { ...shown, matches: answer.matches }, answer === own);
	editor.update(chosen);
	if (engine.takeFresh(own.rule.id) || shownRule !== own.rule.id) showRule(own);
	showAnchor(own);
	if (!complete) {
		schedule();
		return;
	}
	byId('speed', HTMLOutputElement).textContent = `${engine.spent < 10 ? engine.spent.toFixed(1) : Math.round(engine.spent)} ms`;
	document.dispatchEvent(new CustomEvent('kedge:matched', { detail: { set, truths, answers: engine.answers, cursor: looking.place } }));
}

function showRule(own: Answer): void {
	shownRule = own.rule.id;
	byId('rule-title', HTMLElement).textContent = own.rule.title;
	byId('fates-rule', HTMLElement).textContent = own.rule.title;
	const what = set.kind === 'points' ? 'point' : 'anchor';
	showFates(byId('fates', HTMLElement), own, { kinds: kinds(), what, look: lookAt, colour });
	const counts = countLevels(own);
	for (const [i, small] of byId('levels', HTMLElement).querySelectorAll('small').entries()) {
		const count = i === 0 ? own.matches.numPositives : counts[i - 1];
		small.textContent = count ? `${count} pos.` : '–';
	}
	button('remove').disabled = truths.length === 0;
	button('add').disabled = truths.length >= MOST_OBJECTS;
}

/** Positives of each level. */
function countLevels({ matches }: Answer): number[] {
	const counts = set.levels.map(() => 0);
	matches.labels.forEach((label, anchor) => {
		if (label === 1) counts[placeOf(set, anchor).level]++;
	});
	return counts;
}

/** What the anchor that is looked at is to every rule, and why it is so to one. */
function showAnchor({ rule: own, matches }: Answer): void {
	const { place } = looking;
	stage.dataset.pinned = String(looking.pinned);
	const [root, title] = [byId('why', HTMLElement), byId('why-anchor', HTMLElement)];
	if (!place) {
		for (const answer of engine.answers) panels.verdict(answer.rule.id, '', 0, '');
		showWhy(root, title, undefined, () => undefined);
		return;
	}
	const anchor = rowOf(set, place);
	const called = names();
	for (const answer of engine.answers) {
		const [label, truth] = [answer.matches.labels[anchor], answer.matches.matches[anchor]];
		const text = label === 1 ? `positive for ${called[truth]}` : label === -1 ? 'ignored' : 'negative';
		panels.verdict(answer.rule.id, text, label, label === 1 ? colour(truth) : '');
	}
	const explanation = explain({ set, boxes: boxesNow(), names: called, rule: own, thresholds: sliders.values, matches, anchor });
	showWhy(root, title, { set, place, matches, explanation, kinds: kinds(), colour }, (shape) => looking.chooseShape(shape));
}

function lookAt(anchor: number): void {
	looking.pin(anchor);
	if (level >= 0) useLevel(placeOf(set, anchor).level);
}

// What is chosen

function useSet(id: string): void {
	const before = set.inputSize;
	set = anchorSet(id);
	byId('anchors', HTMLSelectElement).value = id;
	const input = `Input ${set.inputSize} × ${set.inputSize}, ${(set.boxes.length / 4).toLocaleString('en')} ${set.kind === 'points' ? 'points' : 'anchors'}.`;
	byId('anchors-note', HTMLElement).textContent = `${set.note} ${input}`;
	const rules = set.rules.map((name) => RULES[name]);
	rule = set.rules[0];
	panels.setRules(rules);
	engine.setRules(rules);
	sliders.use(rules, set.published);
	const known = SCENES.find((each) => each.id === scene);
	if (known) truths = known.make(set);
	else for (const truth of truths) truth.box = truth.box.map((v) => Math.round((v * set.inputSize) / before)) as GroundTruth['box'];
	makeLevels();
	startAnew();
}

/** After another scene or other anchors: the level with most positives, and nothing looked at. */
function startAnew(): void {
	looking.letGo();
	runAll();
	const counts = countLevels(engine.answerOf(rule));
	useLevel(counts.indexOf(Math.max(...counts)));
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

function useLevel(next: number): void {
	level = next;
	const shown = set.levels[level];
	byId('level-note', HTMLElement).textContent = shown ? `one cell is ${shown.stride} px, ${shown.columns} × ${shown.rows} cells` : 'every level at once';
	for (const radio of radios('level')) radio.checked = radio.value === String(level);
	looking.follow(level);
	schedule();
}

function markScene(id: string | undefined): void {
	scene = id;
	for (const preset of byId('presets', HTMLElement).querySelectorAll('button')) preset.setAttribute('aria-pressed', String(preset.dataset.scene === id));
	// a changed scene keeps its words: they invite to change it, and what lies below must not move away under the hand
	const known = SCENES.find((each) => each.id === id);
	if (known) byId('scene-caption', HTMLElement).textContent = known.caption;
}

function addTruth(): void {
	const side = Math.round(set.inputSize / 4);
	const kind = OBJECT_KINDS[truths.length % OBJECT_KINDS.length];
	const at = Math.round(set.inputSize * (0.12 + 0.09 * (truths.length % 6)));
	truths.push({ kind, box: [at, at, at + side, at + side] });
	chosen = truths.length - 1;
	markScene(undefined);
	runAll();
	editor.update(chosen);
	editor.focus(chosen);
	say(`Added ${kind} as object ${truths.length}.`);
}

function removeTruth(truth: number): void {
	const [gone] = truths.splice(truth, 1);
	if (!gone) return;
	chosen = Math.max(0, Math.min(chosen, truths.length - 1));
	markScene(undefined);
	runAll();
	editor.update(chosen);
	if (truths.length) editor.focus(chosen);
	else stage.focus();
	say(`Removed ${gone.kind}.`);
}

function connectControls(): void {
	const menu = byId('anchors', HTMLSelectElement);
	menu.replaceChildren(...ANCHOR_SETS.map((id) => new Option(anchorSet(id).title, id)));
	menu.addEventListener('change', () => useSet(menu.value));
	byId('presets', HTMLElement).replaceChildren(
		...SCENES.map(({ id, title, make }) => {
			const preset = document.createElement('button');
			preset.type = 'button';
			preset.textContent = title;
			preset.dataset.scene = id;
			preset.addEventListener('click', () => {
				markScene(id);
				truths = make(set);
				chosen = 0;
				startAnew();
			});
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
	const observer = new ResizeObserver(schedule);
	observer.observe(stage);
	observer.observe(byId('rules', HTMLElement));
}

connectControls();
markScene(SCENES[0].id);
useSet(ANCHOR_SETS[0]);
