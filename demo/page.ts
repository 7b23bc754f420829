// The few things every part of the page needs: elements by id, the status line, the list of problems.

/** The element with this id and class; its absence is a fault of the page. */
export function byId<T extends HTMLElement>(id: string, type: abstract new (...args: never[]) => T): T {
	const element = document.getElementById(id);
	if (!(element instanceof type)) throw new Error(`page: #${id} must be a ${type.name}`);
	return element;
}

/** The radio buttons of one name. */
export function radios(name: string): HTMLInputElement[] {
	return [...document.querySelectorAll<HTMLInputElement>(`input[type="radio"][name="${CSS.escape(name)}"]`)];
}

/** Says what happened, in the status line that screen readers announce politely. */
export function say(text: string): void {
	byId('status', HTMLElement).textContent = text;
}

/** Shows what went wrong, as text, in place of earlier problems. No arguments: clears them. */
export function complain(...problems: readonly unknown[]): void {
	byId('problems', HTMLElement).replaceChildren(
		...problems.map((problem) => {
			const line = document.createElement('p');
			line.textContent = problem instanceof Error ? problem.message : String(problem);
			return line;
		}),
	);
}
