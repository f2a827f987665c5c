// Softmax of each row: the maximum and the sum of exponentials in one pass (Milakov and Gimelshein 2018), then the quotients.
import constants::{LANES, ROWS};
import package::reduce::state::{State, identity, include, merge};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

var<workgroup> states: array<array<State, LANES>, ROWS>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * ROWS + local.y;
  let start = min(row, params.rows - 1u) * params.columns;
  // Blocks of 256 elements are added up on their own, so that a long row loses no more than a short one.
  var state = identity();
  for (var first = local.x; first < params.columns; first += 256u * LANES) {
    let end = min(first + 256u * LANES, params.columns);
    var block = identity();
    for (var column = first; column < end; column += LANES) {
      block = include(block, x[start + column]);
    }
    state = merge(state, block);
  }
  states[local.y][local.x] = state;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      states[local.y][local.x] = merge(states[local.y][local.x], states[local.y][local.x + half]);
    }
  }
  workgroupBarrier();
  let total = states[local.y][0];
  if (row < params.rows) {
    for (var column = local.x; column < params.columns; column += LANES) {
      result[start + column] = exp(x[start + column] - total.x) / total.y;
    }
  }
}
