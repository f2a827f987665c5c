// Joins 4,096 states of a row into one: one after the other in each of LANES invocations, then a fixed tree.
import constants::LANES;
import package::softmax::state::{identity, merge};

struct Params {
  origin: vec3u,
  count: u32,
  chunks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec2f>; // [rows, count]
@group(0) @binding(2) var<storage, read_write> result: array<vec2f>; // [rows, chunks]

var<workgroup> states: array<vec2f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  let first = workgroup.x * 4096u;
  let end = min(first + 4096u, params.count);
  var state = identity();
  for (var part = first + lane; part < end; part += LANES) {
    state = merge(state, parts[workgroup.y * params.count + part]);
  }
  states[lane] = state;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      states[lane] = merge(states[lane], states[lane + half]);
    }
  }
  if (lane == 0u) {
    result[workgroup.y * params.chunks + workgroup.x] = states[0];
  }
}
