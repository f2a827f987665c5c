// The sums of the rows of a stored plan whose columns are scaled, one workgroup per row: what to scale each row by to give it
// its weight, or with `asLogarithm` the logarithms of the sums.
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

var<workgroup> lane_sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + params.origin.x;
  let start = row * params.columns;
  var sum = 0f;
  for (var j = lane; j < params.columns; j += 64u) {
    sum += plan[start + j] * column_scaling[j];
  }
  lane_sums[lane] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      lane_sums[lane] += lane_sums[lane + half];
    }
  }
  if (lane == 0u) {
    let total = max(lane_sums[0], SMALLEST);
    @if(!asLogarithm) { result[row] = weights[row] / total; }
    @if(asLogarithm) { result[row] = logarithm(total); }
  }
}
