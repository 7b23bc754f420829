// What goes on, in one line that is written over on a terminal; elsewhere a line now and then.

const QUIET = 10_000;

export class Progress {
	#text = '';
	#begun = 0;
	#said = 0;
	#timer;

	begin() {
		this.#begun = this.#said = Date.now();
		this.#text = '';
		// A long check says nothing by itself; the seconds do.
		this.#timer = setInterval(() => this.#show(), 1000);
	}

	say(text) {
		this.#text = text;
		this.#show();
	}

	#show() {
		const now = Date.now();
		const line = `   … ${this.#text} (${Math.round((now - this.#begun) / 1000)} s)`;
		if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`);
		else if (now - this.#said >= QUIET) {
			this.#said = now;
			console.log(line);
		}
	}

	end() {
		clearInterval(this.#timer);
		if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
	}
}
