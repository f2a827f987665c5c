// Log-probabilities of the classes at a position of a Markov chain, given the positions around it that are known: only the
// nearest known one on either side matters. A class equal to `classes` stands for "not known yet".
struct Params {
  origin: vec3u,
  items: u32,
  length: u32,
  classes: u32,
  longest: u32,
  event: u32,
  /// Logarithms of the probabilities of staying hidden and of not.
  stay: f32,
  move_on: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<u32>; // [batch, length]
@group(0) @binding(2) var<storage, read> powers: array<f32>; // [longest + 1, classes, classes], log P^d
@group(0) @binding(3) var<storage, read> stationary: array<f32>; // [classes], log
@if(chosen) @group(0) @binding(4) var<storage, read> positions: array<u32>; // [events, batch]
@if(chosen) @group(0) @binding(5) var<storage, read_write> result: array<f32>; // [batch, classes]
@if(!chosen) @group(0) @binding(4) var<storage, read_write> result: array<f32>; // [batch, length, classes + 1]

/// The logarithm of a probability that is zero.
const NEVER = -1e30f;

fn transition(distance: u32, start: u32, end: u32) -> f32 {
  return powers[(distance * params.classes + start) * params.classes + end];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let item = (group.x + params.origin.x) * 64u + lane;
  if (item >= params.items) {
    return;
  }
  let classes = params.classes;
  @if(chosen) let sequence = item;
  @if(chosen) let position = positions[params.event * params.items + item];
  @if(!chosen) let sequence = item / params.length;
  @if(!chosen) let position = item % params.length;
  let first = sequence * params.length;
  @if(chosen) let out = item * classes;
  @if(!chosen) let out = item * (classes + 1u);
  @if(!chosen) {
    let own = tokens[first + position];
    if (own < classes) {
      for (var kind = 0u; kind <= classes; kind++) {
        result[out + kind] = select(NEVER, 0f, kind == own);
      }
      return;
    }
    result[out + classes] = params.stay;
  }
  var left = 1u;
  while (left <= position && tokens[first + position - left] >= classes) {
    left++;
  }
  var right = 1u;
  while (position + right < params.length && tokens[first + position + right] >= classes) {
    right++;
  }
  let has_left = left <= position;
  let has_right = position + right < params.length;
  let before = tokens[first + select(position, position - left, has_left)];
  let after = tokens[first + select(position, position + right, has_right)];
  var total = 0f;
  if (has_right && has_left) {
    total = transition(min(left + right, params.longest), before, after);
  } else if (has_right) {
    total = stationary[after];
  }
  for (var kind = 0u; kind < classes; kind++) {
    var value = -total;
    if (has_left) {
      value += transition(left, before, kind);
    } else {
      value += stationary[kind];
    }
    if (has_right) {
      value += transition(right, kind, after);
    }
    @if(!chosen) { value += params.move_on; }
    result[out + kind] = value;
  }
}
