// The door of the training wing: which anchors answer for which objects, what the network should have said, how wrong it
// was, and which anchors to choose. Re-exports only; nothing in the inference bundle imports it.

export type { TrainingBackend } from './training/backend.js';
export type { GroundTruthFate, LostReason, Matches } from './training/matching/matches.js';
