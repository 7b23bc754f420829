// Every shader in every variant compiles without a word, and has the entry point that the stages ask for.

import { assert } from 'chai';
import { allShaders } from '../support/all-shaders.js';
import { gpuTest } from '../support/gpu-suite.js';

gpuTest('shaders: every variant compiles without a message', async ({ device }) => {
	const complaints: string[] = [];
	for (const [name, code] of allShaders()) {
		const module = device.createShaderModule({ label: name, code });
		const { messages } = await module.getCompilationInfo();
		for (const m of messages) complaints.push(`${name}:${m.lineNum}: ${m.type}: ${m.message}`);
		assert.match(code, /@compute @workgroup_size\(\w+\)\s+fn main\(/, name);
		assert.notMatch(code, /undefined|\[object/, name);
	}
	assert.deepEqual(complaints, []);
});

gpuTest(
	'shaders: a shader that does not compile is told from one that does',
	async ({ device }) => {
		device.pushErrorScope('validation');
		const [, code] = allShaders()[0];
		const module = device.createShaderModule({ code: code.replace('fn main(', 'fn main(nonsense ') });
		const { messages } = await module.getCompilationInfo();
		const error = await device.popErrorScope();
		assert.isTrue(error !== null || messages.some((m) => m.type === 'error'));
	},
	30_000,
);
