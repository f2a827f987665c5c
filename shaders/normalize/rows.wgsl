// Normalizes each row of a matrix, ROWS rows a workgroup, then scales and shifts each column; or writes the rows' moments.
import constants::{LANES, ROWS};
import package::normalize::moments::{load, moments, normalized};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@if(!summary) @group(0) @binding(2) var<storage, read> scale: array<f32>;
@if(biased) @group(0) @binding(3) var<storage, read> bias: array<f32>;
@if(biased) @group(0) @binding(4) var<storage, read_write> result: array<f32>;
@if(!biased && !summary) @group(0) @binding(3) var<storage, read_write> result: array<f32>;
@if(summary) @group(0) @binding(2) var<storage, read_write> result: array<f32>; // [rows, 2]

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y + params.origin.y) * ROWS + local.y;
  // Rows past the end repeat the last one, and write nothing.
  let start = min(row, params.rows - 1u) * params.columns;
  let state = moments(start, params.columns, params.epsilon, local.xy);
  if (row >= params.rows) {
    return;
  }
  @if(summary) {
    if (local.x == 0u) {
      result[2u * row] = state.mean + state.correction;
      result[2u * row + 1u] = state.inverse;
    }
  }
  @if(!summary) {
    for (var column = local.x; column < params.columns; column += LANES) {
      var value = normalized(load(start + column), state) * scale[column];
      @if(biased) { value += bias[column]; }
      result[start + column] = value;
    }
  }
}
