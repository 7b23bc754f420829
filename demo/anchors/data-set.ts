// The data set as the page shows it and takes it: a line of facts, the problems of its files, buttons, folders and drops.

import { byId } from '../page.js';
import { chosenFiles, droppedFiles, type GivenFile } from './files.js';
import type { DataSet } from './sample.js';

const number = (v: number) => v.toLocaleString('en');

/** Says what the data set is, as text. */
export function showData(data: DataSet, format: string): void {
	const strong = document.createElement('b');
	strong.textContent = data.title;
	const facts = [`${number(data.sizes.length / 2)} boxes in ${number(data.numImages)} images`, `${number(data.numClasses)} classes`];
	if (format) facts.push(`${format} labels`);
	byId('data', HTMLElement).replaceChildren(strong, `: ${facts.join(', ')} (${classesOf(data)})`);
}

function classesOf({ classNames }: DataSet): string {
	const shown = classNames.slice(0, 6).map((name) => (name.length > 40 ? `${name.slice(0, 39)}…` : name));
	return `${shown.join(', ')}${classNames.length > shown.length ? ', …' : ''}`;
}

/** Lists what is wrong in the files, as text; nothing wrong, no list. */
export function showTrouble(problems: readonly string[], numProblems: number): void {
	byId('trouble', HTMLDetailsElement).hidden = numProblems === 0;
	const more = numProblems > problems.length ? `, the first ${number(problems.length)} of them here` : '';
	byId('trouble-title', HTMLElement).textContent = `${number(numProblems)} ${numProblems === 1 ? 'problem' : 'problems'} in the files${more}`;
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
