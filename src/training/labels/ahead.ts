// Work done ahead: a window of promises that slides over an iterable, results in order.

/** Applies `work` to each item, up to `width` at once; what comes out has the order of what went in. `work` must not reject. */
export async function* ahead<T, R>(items: Iterable<T> | AsyncIterable<T>, width: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
	const window: Promise<R>[] = [];
	for await (const item of items) {
		window.push(work(item));
		if (window.length >= width) yield (await window.shift()) as R;
	}
	for (const result of window) yield await result;
}
