// Reduces each column of a matrix in chunks of 2,048 rows: 32 columns a workgroup, 8 invocations each, then a fixed tree.
import package::reduce::state::{State, identity, include, merge, finish};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>; // [chunks, columns]

var<workgroup> states: array<array<State, 32>, 8>;

@compute @workgroup_size(32, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let column = workgroup.x * 32u + local.x;
  let inside = min(column, params.columns - 1u);
  let first = workgroup.y * 2048u;
  let end = min(first + 2048u, params.rows);
  var state = identity();
  for (var row = first + local.y; row < end; row += 8u) {
    state = include(state, x[row * params.columns + inside]);
  }
  states[local.y][local.x] = state;
  for (var half = 4u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.y < half) {
      states[local.y][local.x] = merge(states[local.y][local.x], states[local.y + half][local.x]);
    }
  }
  if (local.y == 0u && column < params.columns) {
    result[workgroup.y * params.columns + column] = finish(states[0][local.x]);
  }
}
