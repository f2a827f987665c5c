// Multiplies a stored plan by exp(length (u_i + v_j)), one workgroup per row, with the sum of the new row and the row's part
// of what the exponential adds beyond its linear term: sum_j P_ij (exp(w) - 1 - w).
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

var<workgroup> lanes: array<vec2f, 64>;

/// exp(w) - 1 - w without cancellation.
fn beyond_linear(w: f32, exp_w: f32) -> f32 {
  let series = w * w * (0.5f + w * (1f / 6f + w * (1f / 24f + w * (1f / 120f + w * (1f / 720f + w / 5040f)))));
  return select((exp_w - 1f) - w, series, abs(w) < 0.5f);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  let row = workgroup.x;
  let u = step[row];
  var total = vec2f(0f);
  for (var column = lane; column < params.columns; column += 64u) {
    let at = row * params.columns + column;
    let w = clamp(params.length * (u + step[params.rows + column]), -LONGEST, LONGEST);
    let factor = exponential(w);
    let entry = plan[at];
    let moved = entry * factor;
    scaled[at] = moved;
    total += vec2f(moved, entry * beyond_linear(w, factor));
  }
  lanes[lane] = total;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      lanes[lane] += lanes[lane + half];
    }
  }
  if (lane == 0u) {
    sums[row] = lanes[0].x;
    remainders[row] = lanes[0].y;
  }
}
