// Browsers notice finished GPU work late. Chrome looks after 2 ms and then every millisecond, unless other traffic
// crosses the process border: error-scope round trips cut a short map from about 2.3 ms to 0.3. Firefox looks about
// every 100 ms unless something is submitted. Used with latency: 'low' only; bounded, so an idle GPU is not pestered.
// To be deleted when mapAsync resolves promptly by itself.

const NUDGE_MS = 2;

/** Keeps the browser looking until `work` settles, for two milliseconds at most. */
export async function nudge(device: GPUDevice, work: Promise<unknown>): Promise<void> {
	let settled = false;
	const done = () => {
		settled = true;
	};
	work.then(done, done);
	const firefox = typeof navigator !== 'undefined' && /\bFirefox\//.test(navigator.userAgent ?? '');
	const until = performance.now() + NUDGE_MS;
	while (!settled && performance.now() < until) {
		if (firefox) device.queue.submit([]);
		device.pushErrorScope('validation');
		await device.popErrorScope().catch(() => null);
	}
}
