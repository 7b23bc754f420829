// The kernels of the textbook pipeline: what GPU tutorials and torchvision's CUDA nms do, written for WebGPU with some care.
// Candidates are compacted, counted into their places (every one against every other), a bit is made for every pair, and one
// workgroup sweeps the bits. The number of candidates is only known on the GPU, so the later dispatches are indirect.

/** Candidates of a tile of the mask, and bits of its rows: two words. */
export const TILE = 64;
/** Threads of the other kernels. */
export const GROUP = 256;
/** Words that say who is removed, all in workgroup memory: 16 KiB, which every device has. */
export const REMOVED_WORDS = 4096;
/** Words of a result: header (detections, candidates), then rows. */
export const HEADER_WORDS = 8;
export const ROW_WORDS = 8;

const PARAMS = /* wgsl */ `
struct Params {
  num_anchors: u32,
  num_classes: u32,
  score_threshold: f32,
  iou_threshold: f32,
  max_detections: u32,
  class_agnostic: u32,
  capacity: u32,
  unused: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
`;

const APPEND = /* wgsl */ `
fn append(box: vec4f, score: f32, anchor: u32, class_id: u32) {
  let slot = atomicAdd(&state[0], 1u);
  if (slot >= params.capacity) { return; }
  boxes[slot] = box;
  facts[slot] = vec4u(bitcast<u32>(score), anchor, class_id, 0u);
}
`;

/** A YOLOv8 head [4 + classes, anchors]: the best class of each anchor, centre and size to corners. */
const decodeYolov8 = /* wgsl */ `
${PARAMS}
@group(0) @binding(1) var<storage, read> head: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> boxes: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> facts: array<vec4u>;
${APPEND}
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let anchor = id.x;
  let n = params.num_anchors;
  if (anchor >= n) { return; }
  var best = head[4u * n + anchor];
  var class_id = 0u;
  for (var c = 1u; c < params.num_classes; c++) {
    let score = head[(4u + c) * n + anchor];
    if (score > best) { best = score; class_id = c; }
  }
  if (best <= params.score_threshold) { return; }
  let center = vec2f(head[anchor], head[n + anchor]);
  let half_size = vec2f(head[2u * n + anchor], head[3u * n + anchor]) * 0.5;
  append(vec4f(center - half_size, center + half_size), best, anchor, class_id);
}
`;

/** Boxes [anchors, 4] xyxy, scores and class ids [anchors]. */
const decodeBoxes = /* wgsl */ `
${PARAMS}
@group(0) @binding(1) var<storage, read> given: array<vec4f>;
@group(0) @binding(2) var<storage, read> scores: array<f32>;
@group(0) @binding(3) var<storage, read> class_ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> boxes: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> facts: array<vec4u>;
${APPEND}
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var anchor = id.x; anchor < params.num_anchors; anchor += groups.x * ${GROUP}u) {
    let score = scores[anchor];
    if (score > params.score_threshold) { append(given[anchor], score, anchor, class_ids[anchor]); }
  }
}
`;

/** How many workgroups the kernels that follow get. */
const sizes = /* wgsl */ `
${PARAMS}
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> dispatches: array<u32, 8>;

@compute @workgroup_size(1)
fn main() {
  let n = min(state[0], params.capacity);
  let tiles = (n + ${TILE - 1}u) / ${TILE}u;
  dispatches[0] = (n + ${GROUP - 1}u) / ${GROUP}u;
  dispatches[1] = 1u;
  dispatches[2] = 1u;
  dispatches[4] = tiles;
  dispatches[5] = tiles;
  dispatches[6] = 1u;
}
`;

/** A candidate's place is the number of those before it: higher score, then lower anchor. */
const rank = /* wgsl */ `
${PARAMS}
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> facts: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> sorted_boxes: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> sorted_facts: array<vec4u>;

var<workgroup> tile: array<vec2u, ${GROUP}>;

@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
  let n = min(state[0], params.capacity);
  var mine = vec4u(0u);
  if (id.x < n) { mine = facts[id.x]; }
  let my_score = bitcast<f32>(mine.x);
  var place = 0u;
  for (var begin = 0u; begin < n; begin += ${GROUP}u) {
    workgroupBarrier();
    if (begin + local < n) { tile[local] = facts[begin + local].xy; }
    workgroupBarrier();
    let end = min(${GROUP}u, n - begin);
    for (var i = 0u; i < end; i++) {
      let score = bitcast<f32>(tile[i].x);
      if (score > my_score || (score == my_score && tile[i].y < mine.y)) { place++; }
    }
  }
  if (id.x < n) {
    sorted_boxes[place] = boxes[id.x];
    sorted_facts[place] = mine;
  }
}
`;

/** Bit j of row i: candidate i removes the later candidate j. A workgroup makes a tile; those below the diagonal have nothing to do. */
const mask = /* wgsl */ `
${PARAMS}
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> facts: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> mask: array<vec2u>;

var<workgroup> column_boxes: array<vec4f, ${TILE}>;
var<workgroup> column_classes: array<u32, ${TILE}>;

fn area_of(box: vec4f) -> f32 { return max(0.0, box.z - box.x) * max(0.0, box.w - box.y); }

fn removes(a: vec4f, b: vec4f) -> bool {
  let intersection = area_of(vec4f(max(a.xy, b.xy), min(a.zw, b.zw)));
  return intersection > 0.0 && intersection / (area_of(a) + area_of(b) - intersection) > params.iou_threshold;
}

@compute @workgroup_size(${TILE})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  if (group.y > group.x) { return; }
  let n = min(state[0], params.capacity);
  let column = group.x * ${TILE}u;
  let row = group.y * ${TILE}u + local;
  if (column + local < n) {
    column_boxes[local] = boxes[column + local];
    column_classes[local] = facts[column + local].z;
  }
  workgroupBarrier();
  if (row >= n) { return; }
  let box = boxes[row];
  let class_id = facts[row].z;
  let end = min(${TILE}u, n - column);
  var bits = vec2u(0u);
  for (var j = select(0u, local + 1u, group.x == group.y); j < end; j++) {
    if (params.class_agnostic == 0u && column_classes[j] != class_id) { continue; }
    if (!removes(box, column_boxes[j])) { continue; }
    if (j < 32u) { bits.x |= 1u << j; } else { bits.y |= 1u << (j - 32u); }
  }
  let tiles = (n + ${TILE - 1}u) / ${TILE}u;
  mask[row * tiles + group.x] = bits;
}
`;

/** In order: who is not removed is kept and removes its row, all threads together. Ends with the last detection wanted. */
const sweep = /* wgsl */ `
${PARAMS}
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> facts: array<vec4u>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;
@group(0) @binding(5) var<storage, read_write> kept: array<u32>;
@group(0) @binding(6) var<storage, read_write> output: array<u32>;

var<workgroup> removed: array<u32, ${REMOVED_WORDS}>;

@compute @workgroup_size(${GROUP})
fn main(@builtin(local_invocation_index) local: u32) {
  let n = min(state[0], params.capacity);
  let words = (n + ${TILE - 1}u) / ${TILE}u * 2u;
  for (var w = local; w < words; w += ${GROUP}u) { removed[w] = 0u; }
  var num_kept = 0u;
  for (var w = 0u; w * 32u < n && num_kept < params.max_detections; w++) {
    var gone = workgroupUniformLoad(&removed[w]);
    for (var bit = 0u; bit < 32u && w * 32u + bit < n && num_kept < params.max_detections; bit++) {
      if ((gone & (1u << bit)) != 0u) { continue; }
      let i = w * 32u + bit;
      if (local == 0u) { kept[num_kept] = i; }
      num_kept++;
      for (var other = (w & ~1u) + local; other < words; other += ${GROUP}u) { removed[other] |= mask[i * words + other]; }
      gone = workgroupUniformLoad(&removed[w]);
    }
  }
  storageBarrier();
  if (local == 0u) {
    output[0] = num_kept;
    output[1] = state[0];
  }
  for (var k = local; k < num_kept; k += ${GROUP}u) {
    let i = kept[k];
    let box = bitcast<vec4u>(boxes[i]);
    let at = ${HEADER_WORDS}u + k * ${ROW_WORDS}u;
    for (var c = 0u; c < 4u; c++) {
      output[at + c] = box[c];
      output[at + 4u + c] = facts[i][c];
    }
  }
}
`;

/** What each kernel binds after the uniform, by name; `read_write` ones end with an exclamation mark. */
export const KERNELS = {
	decodeYolov8: { code: decodeYolov8, bindings: ['head', 'state!', 'boxes!', 'facts!'] },
	decodeBoxes: { code: decodeBoxes, bindings: ['givenBoxes', 'givenScores', 'givenClasses', 'state!', 'boxes!', 'facts!'] },
	sizes: { code: sizes, bindings: ['state', 'dispatches!'] },
	rank: { code: rank, bindings: ['state', 'boxes', 'facts', 'sortedBoxes!', 'sortedFacts!'] },
	mask: { code: mask, bindings: ['state', 'sortedBoxes', 'sortedFacts', 'mask!'] },
	sweep: { code: sweep, bindings: ['state', 'sortedBoxes', 'sortedFacts', 'mask', 'kept!', 'output!'] },
} as const;

export type KernelName = keyof typeof KERNELS;
