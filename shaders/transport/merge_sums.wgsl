// Joins the partial sums of a row's chunks, always in the same order: the log-sum, and with `withCost` or `withMean` the
// row's part of the transport cost or its weighted mean.
import package::common::exp::exponential;
import package::common::log_sum::{LogSum, LOWEST, log_of, merge};
import constants::SLICE;
import constants::SLICES;

struct Params {
  origin: vec3u,
  rows: u32,
  chunks: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<LogSum>;
@if(withCost) @group(0) @binding(2) var<storage, read> cost_partials: array<f32>;
@if(withMean) @group(0) @binding(2) var<storage, read> mean_partials: array<vec4f>;
@if(!withCost && !withMean) @group(0) @binding(2) var<storage, read_write> log_sums: array<f32>;
@if(withCost) @group(0) @binding(3) var<storage, read_write> log_sums: array<f32>;
@if(withCost) @group(0) @binding(4) var<storage, read_write> row_costs: array<f32>;
@if(withMean) @group(0) @binding(3) var<storage, read_write> means: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.x * 64u + local.x;
  if (row >= params.rows) {
    return;
  }
  var total = LogSum(LOWEST, 0f);
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    total = merge(total, partials[chunk * params.rows + row]);
  }
  @if(!withMean) { log_sums[row] = log_of(total); }
  @if(withCost) {
    var cost = 0f;
    for (var chunk = 0u; chunk < params.chunks; chunk++) {
      let at = chunk * params.rows + row;
      cost += cost_partials[at] * exponential(partials[at].maximum - total.maximum);
    }
    row_costs[row] = cost * exponential(total.maximum);
  }
  @if(withMean) {
    var mean = vec4f(0f);
    for (var chunk = 0u; chunk < params.chunks; chunk++) {
      let at = chunk * params.rows + row;
      mean += mean_partials[at] * exponential(partials[at].maximum - total.maximum);
    }
    means[row * u32(SLICES) + u32(SLICE)] = mean / total.sum;
  }
}
