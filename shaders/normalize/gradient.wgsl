// The gradient of a normalization by its input, ROWS rows a workgroup, and the terms of the gradient by the scale.
// With h the normalized row and d = scale * resultGradient: inverse * (d - mean(d) - h * mean(d * h)); mean(d) where centred.
import constants::{LANES, ROWS};
import package::normalize::moments::{BLOCK, join, load, moments, normalized};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> resultGradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> inputGradient: array<f32>;
@group(0) @binding(5) var<storage, read_write> terms: array<f32>; // resultGradient * h

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y + params.origin.y) * ROWS + local.y;
  let columns = params.columns;
  // Rows past the end repeat the last one, and write nothing.
  let start = min(row, params.rows - 1u) * columns;
  let state = moments(start, columns, params.epsilon, local.xy);
  var sums = vec2f();
  for (var first = local.x; first < columns; first += BLOCK * LANES) {
    var block = vec2f();
    for (var column = first; column < min(first + BLOCK * LANES, columns); column += LANES) {
      let slope = scale[column] * resultGradient[start + column];
      block += slope * vec2f(1f, normalized(load(start + column), state));
    }
    sums += block;
  }
  let means = join(local.xy, sums) / f32(columns);
  if (row >= params.rows) {
    return;
  }
  for (var column = local.x; column < columns; column += LANES) {
    let value = normalized(load(start + column), state);
    let change = resultGradient[start + column];
    var slope = scale[column] * change;
    @if(centred) { slope -= means.x; }
    inputGradient[start + column] = state.inverse * (slope - value * means.y);
    terms[start + column] = change * value;
  }
}
