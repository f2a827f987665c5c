// Draws one class per item by the largest of logit + Gumbel noise: LANES invocations an item, then a fixed tree; the lower
// class wins a tie. The noise is -log(E) with E exponential.
//   single: E = -log(u), u of at most 24 bits as float32 generators give it, so that E is never below 2^-bits
//   precise: 64 random bits for each class; E is right to the last bits however small or large it is
import constants::{LANES, ITEMS};
import package::common::box_muller::negative_log_of_complement;
import package::common::log::logarithm;
import package::common::philox::philox;

struct Params {
  origin: vec3u,
  items: u32,
  classes: u32,
  draws: u32,
  seed: u32,
  stream: u32,
  @if(single) bits: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [rows, classes]
@group(0) @binding(2) var<storage, read_write> result: array<u32>; // [rows, draws]

/// Below every score.
const LOWEST = -3e38f;

struct Best {
  score: f32,
  index: u32,
}

var<workgroup> bests: array<array<Best, LANES>, ITEMS>;

fn better(a: Best, b: Best) -> Best {
  if (b.score > a.score || (b.score == a.score && b.index < a.index)) {
    return b;
  }
  return a;
}

@if(single) fn score(logit: f32, word: u32) -> f32 {
  let step = word >> (32u - params.bits);
  if (step == 0u) {
    return LOWEST;
  }
  return logit - logarithm(-logarithm(ldexp(f32(step), -i32(params.bits))));
}

@if(!single) fn score(logit: f32, words: vec2u) -> f32 {
  // v is uniform on (0, 1/2); the first bit says whether it is the distance from 1 or from 0.
  let v = f32(words.x & 0x7fffffffu) * 0x1p-32f + (f32(words.y) + 0.5f) * 0x1p-64f;
  if (words.x >= 0x80000000u) {
    return logit - logarithm(-logarithm(v));
  }
  if (v < 0.25f) {
    return logit - logarithm(negative_log_of_complement(v));
  }
  return logit - logarithm(-logarithm(1f - v));
}

@compute @workgroup_size(LANES, ITEMS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let item = (group.x + params.origin.x) * ITEMS + local.y;
  let inside = min(item, params.items - 1u);
  let first = (inside / params.draws) * params.classes;
  var best = Best(LOWEST, 0u);
  @if(single) {
    for (var block = local.x; 4u * block < params.classes; block += LANES) {
      let words = philox(vec4u(block, inside, 0u, 0u), params.seed, params.stream);
      for (var i = 0u; i < 4u && 4u * block + i < params.classes; i++) {
        best = better(best, Best(score(logits[first + 4u * block + i], words[i]), 4u * block + i));
      }
    }
  }
  @if(!single) {
    for (var block = local.x; 2u * block < params.classes; block += LANES) {
      let words = philox(vec4u(block, inside, 0u, 0u), params.seed, params.stream);
      best = better(best, Best(score(logits[first + 2u * block], words.xy), 2u * block));
      if (2u * block + 1u < params.classes) {
        best = better(best, Best(score(logits[first + 2u * block + 1u], words.zw), 2u * block + 1u));
      }
    }
  }
  bests[local.y][local.x] = best;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      bests[local.y][local.x] = better(bests[local.y][local.x], bests[local.y][local.x + half]);
    }
  }
  if (local.x == 0u && item < params.items) {
    result[item] = bests[local.y][0].index;
  }
}
