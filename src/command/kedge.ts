#!/usr/bin/env node
// The command `kedge`, in Node: what is typed after it, and how it ends. The work is in anchors.ts.

import { Command, CommanderError } from 'commander';
import { version } from '../../package.json';
import { anchorsCommand } from './anchors-command.js';
import { Failure, oneLine } from './terminal.js';

/** How the command ends: 0 well, 1 not, 2 for what was typed, 130 and 143 as signals end programs. */
const INTERRUPTED = { SIGINT: 130, SIGTERM: 143 } as const;

/** A signal ends the work at its next pause; a second one ends the program. */
function interruptible(): { signal: AbortSignal; code: () => number | undefined } {
	const controller = new AbortController();
	let code: number | undefined;
	for (const name of Object.keys(INTERRUPTED) as (keyof typeof INTERRUPTED)[]) {
		process.once(name, () => {
			code = INTERRUPTED[name];
			controller.abort();
		});
	}
	return { signal: controller.signal, code: () => code };
}

async function main(): Promise<number> {
	const { signal, code } = interruptible();
	const program = new Command('kedge')
		.description('Anchors for object detectors, from the labels of a data set.')
		.version(version)
		.exitOverride()
		.configureOutput({ outputError: (text, write) => write(`kedge: ${oneLine(text.replace(/^error: /, ''))} (kedge --help)\n`) });
	program.addCommand(anchorsCommand(signal));
	try {
		await program.parseAsync();
		return 0;
	} catch (error) {
		if (code() !== undefined) {
			process.stderr.write('kedge: interrupted; nothing was written\n');
			return code() as number;
		}
		// commander has said what it has to say; 0 is for --help
		if (error instanceof CommanderError) return error.exitCode && 2;
		// which of the library's functions refuses something is nothing to a person at a terminal
		const message = (error instanceof Error ? error.message : String(error)).replace(/^[a-z]\w*: /, '');
		process.stderr.write(`kedge: ${oneLine(message)}\n`);
		return error instanceof Failure ? error.exitCode : 1;
	}
}

// a reader that has seen enough, `head` for example, is no fault
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await main();
