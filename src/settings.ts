// The options of createPostprocessor, checked: fetched when one is made, so that the code that runs every frame is all that a page loads first.

import type { BackendKind } from './backend.js';
import { checkBoolean, checkInteger, checkWord, NO_LIMIT, readOptions, refuse } from './checks.js';
import { checkHead } from './head-check.js';
import { numScores } from './head-facts.js';
import type { Head } from './heads/head.js';
import {
	BACKEND_KEYS,
	BACKENDS,
	CALL_KEYS,
	checkBitmask,
	checkCall,
	checkEnvironment,
	checkSoftThreshold,
	DEFAULTS,
	type Read,
	type Settings,
	type SoftSettings,
} from './options.js';
import type { PipelineOptions } from './pipeline.js';
import { checkSemantics, type FullSemantics, overlapRuleOf } from './semantics.js';
import { checkSoft } from './soft-check.js';
import { STAGES } from './stages.js';

const FIXED_KEYS = ['multiLabel', 'classes', 'semantics', 'softNms', 'coordinates', 'labels', 'suppression', 'latency', 'gpuStages'] as const;
const POSTPROCESSOR_KEYS = ['head', 'backend', ...BACKEND_KEYS, ...CALL_KEYS, ...FIXED_KEYS] as const;

/** Options of `createPostprocessor`. */
export function checkPostprocessorOptions(where: string, value: unknown): Settings {
	const read = readOptions(where, 'options', value, POSTPROCESSOR_KEYS);
	const head = checkHead(where, read.head);
	const backend = checkBackend(where, read.backend, read);
	const multiLabel = read.multiLabel === undefined ? head.multiLabel === true : checkBoolean(where, 'multiLabel', read.multiLabel);
	if (multiLabel && head.numAnchors * numScores(head) > NO_LIMIT) {
		refuse(RangeError, where, 'multiLabel', `needs anchors x classes below 2^32`, head.numAnchors * numScores(head));
	}
	const call = checkCall(where, read, {
		scoreThreshold: DEFAULTS.scoreThreshold,
		iouThreshold: DEFAULTS.iouThreshold,
		maxDetections: DEFAULTS.maxDetections,
		maxCandidates: multiLabel ? DEFAULTS.maxCandidatesMultiLabel : NO_LIMIT,
		classAgnostic: false,
		timings: false,
	});
	const suppression = read.suppression === undefined ? 'blocked' : checkWord(where, 'suppression', read.suppression, ['blocked', 'bitmask']);
	const gpuStages = read.gpuStages === undefined ? undefined : checkInteger(where, 'gpuStages', read.gpuStages, 0, STAGES.length);
	if (gpuStages !== undefined && (backend === 'cpu' || backend === 'hybrid')) {
		refuse(RangeError, where, 'backend', `must be 'webgpu' when gpuStages is given`, backend);
	}
	const rotated = head.codec.rotated === true;
	const semantics = checkSemantics(where, read.semantics, rotated);
	const soft = read.softNms === undefined ? undefined : checkSoftOption(where, read, head, semantics);
	if (soft) checkSoftThreshold(where, call.scoreThreshold);
	const pipeline: PipelineOptions = {
		head,
		multiLabel,
		classFilter: read.classes === undefined ? undefined : checkClasses(where, read.classes, head.numClasses),
		suppression,
		overlap: overlapRuleOf(semantics, rotated),
		soft: soft?.rule,
		gpuStages,
		latency: read.latency === undefined ? 'normal' : checkWord(where, 'latency', read.latency, ['normal', 'low']),
	};
	checkBitmask(where, pipeline, call);
	return {
		head,
		backend,
		environment: checkEnvironment(where, read),
		pipeline,
		call,
		semantics,
		soft,
		coordinates: read.coordinates === undefined ? 'pixels' : checkWord(where, 'coordinates', read.coordinates, ['pixels', 'normalized']),
		labels: read.labels === undefined ? undefined : checkLabels(where, read.labels, head.numClasses),
	};
}

/** `softNms`, where the head and the other options leave room for it. */
function checkSoftOption(where: string, read: Read, head: Head, semantics: FullSemantics): SoftSettings {
	const out = (why: string): never => refuse(TypeError, where, 'softNms', `must be left out ${why}`, read.softNms);
	if (head.codec.rotated) out('for heads of rotated boxes');
	if (head.suppression === false) out(`for ${head.name}, whose detections are final`);
	if (read.suppression === 'bitmask') out(`with suppression 'bitmask'`);
	return checkSoft(where, 'softNms.', readOptions(where, 'softNms', read.softNms, ['method', 'sigma']), semantics);
}

function checkBackend(where: string, value: unknown, read: Read): 'auto' | BackendKind | object {
	if (value === undefined) return 'auto';
	if (typeof value !== 'object' || value === null) return checkWord(where, 'backend', value, BACKENDS, 'or a Backend made by createBackend');
	for (const key of BACKEND_KEYS) {
		if (read[key] !== undefined) refuse(TypeError, where, key, 'must be left out when backend is a Backend', read[key], `give ${key} to createBackend`);
	}
	return value;
}

/** Class ids to a bit set of ceil(numClasses / 32) words. */
function checkClasses(where: string, value: unknown, numClasses: number): Uint32Array {
	const ids = value as ArrayLike<unknown>;
	const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
	if (!isList) refuse(TypeError, where, 'classes', 'must be an array of class ids', value);
	if (ids.length === 0) refuse(RangeError, where, 'classes', 'must name a class', value, 'leave it out to allow all');
	const bits = new Uint32Array(Math.ceil(numClasses / 32));
	for (let i = 0; i < ids.length; i++) {
		const id = checkInteger(where, `classes[${i}]`, ids[i], 0, numClasses - 1);
		bits[id >>> 5] |= 1 << (id & 31);
	}
	return bits;
}

/** A copy of the labels. There may be fewer than classes: the others show their id. */
export function checkLabels(where: string, value: unknown, numClasses: number): readonly string[] {
	if (!Array.isArray(value)) refuse(TypeError, where, 'labels', 'must be an array of strings', value);
	if (value.length > numClasses) {
		refuse(RangeError, where, 'labels', `must have ${numClasses} entries at most, one per class`, value.length, 'does the list count a background class?');
	}
	return Array.from(value as unknown[], (label, i) => {
		if (typeof label !== 'string') refuse(TypeError, where, `labels[${i}]`, 'must be a string', label);
		return label;
	});
}
