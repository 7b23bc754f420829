// Writes demo/model/blobs.onnx. Run it after a change of the network: node demo/model/write.mjs

import { writeFileSync } from 'node:fs';
import { runnerImport } from 'vite';

const { module } = await runnerImport(new URL('blobs.ts', import.meta.url).pathname);
const target = new URL('blobs.onnx', import.meta.url);
const bytes = module.blobNetwork(320);
writeFileSync(target, bytes);
console.log(`demo/model/blobs.onnx: ${bytes.length} bytes`);
process.exit(0);
