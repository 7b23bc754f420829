// The data set as the page shows it and takes it: a line of facts, the problems of its files, buttons, folders and drops.

import { byId } from '../page.js';
import { chosenFiles, droppedFiles, type GivenFile } from './files.js';
import type { DataSet } from './sample.js';

const number = (v: number) => v.toLocaleString('en');
/** A count in words: one box, two boxes. */
const counted = (v: number, one: string, more: string) => `${number(v)} ${v === 1 ? one : more}`;

/** Says what the data set is, as text. */
export function showData(data: DataSet, format: string): void {
	const strong = foreign('b', shortened(data.title, 80));
	const boxes = counted(data.sizes.length / 2, 'box', 'boxes');
	const facts = [`${boxes} in ${counted(data.numImages, 'image', 'images')}`, counted(data.numClasses, 'class', 'classes')];
	if (format) facts.push(`${format} labels`);
	byId('data', HTMLElement).replaceChildren(strong, `: ${facts.join(', ')} (`, foreign('span', classesOf(data)), ')');
}

/** Text of files in an element of its own direction: marks in it that turn writing round end with it. */
function foreign(tag: 'b' | 'span', text: string): HTMLElement {
	const made = document.createElement(tag);
	made.dir = 'auto';
	made.textContent = text;
	return made;
}

const shortened = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function classesOf({ classNames }: DataSet): string {
	const shown = classNames.slice(0, 6).map((name) => shortened(name, 40));
	return `${shown.join(', ')}${classNames.length > shown.length ? ', …' : ''}`;
}

/** Lists what is wrong in the files, as text; nothing wrong, no list. */
export function showTrouble(problems: readonly string[], numProblems: number): void {
	byId('trouble', HTMLDetailsElement).hidden = numProblems === 0;
	const more = numProblems > problems.length ? `, the first ${number(problems.length)} of them here` : '';
	byId('trouble-title', HTMLElement).textContent = `${counted(numProblems, 'problem', 'problems')} in the files${more}`;
	byId('trouble-list', HTMLElement).replaceChildren(
		...problems.map((problem) => {
			const item = document.createElement('li');
			item.textContent = problem;
			return item;
		}),
	);
}

/** Hands over files that are chosen or dropped, folders opened; a promise, for a folder takes its time. */
export function connectFiles(take: (files: Promise<readonly GivenFile[]>) => void): void {
	for (const id of ['files', 'folder']) {
		const input = byId(id, HTMLInputElement);
		input.addEventListener('change', () => {
			const files = chosenFiles(input.files);
			input.value = '';
			take(Promise.resolve(files));
		});
	}
	for (const type of ['dragenter', 'dragover']) {
		document.addEventListener(type, (event) => {
			event.preventDefault();
			document.body.classList.add('dropping');
		});
	}
	document.addEventListener('dragleave', (event) => {
		if (!event.relatedTarget) document.body.classList.remove('dropping');
	});
	document.addEventListener('drop', (event) => {
		event.preventDefault();
		document.body.classList.remove('dropping');
		if (event.dataTransfer) take(droppedFiles(event.dataTransfer));
	});
}
