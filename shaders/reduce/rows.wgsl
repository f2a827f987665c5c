// Reduces each row of a matrix in chunks: LANES invocations a row, at most 256 elements one after the other in each,
// then a tree of fixed shape in workgroup memory. The order never changes, so neither do the bits of the result.
import constants::{LANES, ROWS};
import package::reduce::state::{State, identity, include, merge, finish};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  chunks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>; // [rows, chunks]

var<workgroup> states: array<array<State, LANES>, ROWS>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * ROWS + local.y;
  let start = min(row, params.rows - 1u) * params.columns;
  let first = workgroup.x * (256u * LANES);
  let end = min(first + 256u * LANES, params.columns);
  var state = identity();
  for (var column = first + local.x; column < end; column += LANES) {
    state = include(state, x[start + column]);
  }
  states[local.y][local.x] = state;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      states[local.y][local.x] = merge(states[local.y][local.x], states[local.y][local.x + half]);
    }
  }
  if (local.x == 0u && row < params.rows) {
    result[row * params.chunks + workgroup.x] = finish(states[local.y][0]);
  }
}
