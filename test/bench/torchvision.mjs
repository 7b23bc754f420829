// Runs torchvision's nms beside kedge's: boxes go to Python in files, indices and times come back as JSON.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('peers/torchvision_nms.py', import.meta.url));
const REMEDY = 'pip install torch torchvision for that Python, or set KEDGE_PYTHON to one that has them';

const pythonOf = () => process.env.KEDGE_PYTHON || 'python3';

/** What went wrong, in words, from how Python ended. */
export function explain(python, code, stderr) {
	const missing = /ModuleNotFoundError: No module named '([\w.]+)'/.exec(stderr);
	if (missing) return `bench: --torchvision needs ${missing[1]} in ${python}, which has none; ${REMEDY}`;
	const last = stderr.trim().split('\n').at(-1);
	return `bench: --torchvision: ${python} must run peers/torchvision_nms.py; it ended with ${code}${last ? `: ${last}` : ''}; ${REMEDY}`;
}

/** Throws with the remedy where there is no Python with torchvision. */
export async function checkTorchvision(python = pythonOf()) {
	const { code, stderr } = await ended(spawn(python, ['-c', 'import torch, torchvision']));
	if (code !== 0) throw new Error(explain(python, code, stderr));
}

/** `cases`: { boxes, scores, classIds, iouThreshold } with plain arrays; class ids are optional. Throws with the remedy where there is no torchvision. */
export async function runTorchvision(cases, python = pythonOf()) {
	const folder = mkdtempSync(path.join(os.tmpdir(), 'kedge-torchvision-'));
	try {
		cases.forEach(({ boxes, scores, classIds }, i) => {
			writeFileSync(path.join(folder, `${i}-boxes.f32`), Float32Array.from(boxes));
			writeFileSync(path.join(folder, `${i}-scores.f32`), Float32Array.from(scores));
			if (classIds) writeFileSync(path.join(folder, `${i}-classes.u32`), Uint32Array.from(classIds));
		});
		const listed = cases.map(({ scores, iouThreshold, classIds }) => ({ n: scores.length, iouThreshold, classes: classIds !== undefined }));
		writeFileSync(path.join(folder, 'cases.json'), JSON.stringify(listed));
		const { code, stdout, stderr } = await ended(spawn(python, [SCRIPT, folder]));
		if (code !== 0) throw new Error(explain(python, code, stderr));
		return JSON.parse(stdout);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function ended(child) {
	return new Promise((resolve) => {
		const said = { stdout: '', stderr: '' };
		for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (chunk) => (said[name] += chunk));
		child.on('error', (error) => resolve({ code: error.code ?? 1, ...said, stderr: error.message }));
		child.on('close', (code) => resolve({ code, ...said }));
	});
}
