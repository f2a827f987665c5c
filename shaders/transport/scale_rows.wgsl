// The sums of the rows of a stored plan whose columns are scaled, LANES invocations a row: what to scale each row by to give
// it its weight, or with `asLogarithm` the logarithms of the sums. Sums of 16 are added up, so that errors hardly grow.
import constants::{LANES, ROWS};
import package::common::log::logarithm;
import package::common::log_sum::LOWEST;

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> plan: array<f32>;
@group(0) @binding(2) var<storage, read> column_scaling: array<f32>;
@if(!asLogarithm) @group(0) @binding(3) var<storage, read> weights: array<f32>;
@if(!asLogarithm) @group(0) @binding(4) var<storage, read_write> result: array<f32>;
@if(asLogarithm) @group(0) @binding(3) var<storage, read_write> result: array<f32>;

/// The smallest normal number stands for a sum that underflowed.
const SMALLEST = 1.1754944e-38f;

var<workgroup> lane_sums: array<array<f32, LANES>, ROWS>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.x + params.origin.x) * ROWS + local.y;
  let start = row * params.columns;
  let columns = select(0u, params.columns, row < params.rows);
  var sum = 0f;
  for (var block = local.x; block < columns; block += 16u * LANES) {
    var part = 0f;
    for (var j = block; j < min(block + 16u * LANES, columns); j += LANES) {
      part += plan[start + j] * column_scaling[j];
    }
    sum += part;
  }
  lane_sums[local.y][local.x] = sum;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      lane_sums[local.y][local.x] += lane_sums[local.y][local.x + half];
    }
  }
  if (local.x == 0u && row < params.rows) {
    let total = max(lane_sums[local.y][0], SMALLEST);
    @if(!asLogarithm) { result[row] = weights[row] / total; }
    @if(asLogarithm) { result[row] = logarithm(total); }
  }
}
