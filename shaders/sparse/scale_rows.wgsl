// Multiplies a stored plan by exp(length (u_i + v_j)), LANES invocations a row, with the sum of the new row and the row's part
// of what the exponential adds beyond its linear term: sum_j P_ij (exp(w) - 1 - w).
// Sums of 16 are added up, so that errors hardly grow.
import constants::{LANES, ROWS};
import package::common::exp::exponential;

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  length: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> plan: array<f32>;
@group(0) @binding(2) var<storage, read> step: array<f32>;
@group(0) @binding(3) var<storage, read_write> scaled: array<f32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;
@group(0) @binding(5) var<storage, read_write> remainders: array<f32>;

/// Keeps the trial of a step of any length finite.
const LONGEST = 80f;

var<workgroup> lanes: array<array<vec2f, LANES>, ROWS>;

/// exp(w) - 1 - w without cancellation.
fn beyond_linear(w: f32, exp_w: f32) -> f32 {
  let series = w * w * (0.5f + w * (1f / 6f + w * (1f / 24f + w * (1f / 120f + w * (1f / 720f + w / 5040f)))));
  return select((exp_w - 1f) - w, series, abs(w) < 0.5f);
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.x + params.origin.x) * ROWS + local.y;
  let columns = select(0u, params.columns, row < params.rows);
  let u = step[min(row, params.rows - 1u)];
  var total = vec2f(0f);
  for (var block = local.x; block < columns; block += 16u * LANES) {
    var part = vec2f(0f);
    for (var column = block; column < min(block + 16u * LANES, columns); column += LANES) {
      let at = row * params.columns + column;
      let w = clamp(params.length * (u + step[params.rows + column]), -LONGEST, LONGEST);
      let factor = exponential(w);
      let entry = plan[at];
      let moved = entry * factor;
      scaled[at] = moved;
      part += vec2f(moved, entry * beyond_linear(w, factor));
    }
    total += part;
  }
  lanes[local.y][local.x] = total;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      lanes[local.y][local.x] += lanes[local.y][local.x + half];
    }
  }
  if (local.x == 0u && row < params.rows) {
    sums[row] = lanes[local.y][0].x;
    remainders[row] = lanes[local.y][0].y;
  }
}
