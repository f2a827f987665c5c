// How far the row sums of a plan are from their weights in L1, by one workgroup. Every invocation adds its own terms in
// order, then a fixed tree adds the invocations: the same bits every time.
import package::common::exp::exponential;

struct Params {
  origin: vec3u,
  size: u32,
  slot: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> log_sums: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> errors: array<f32>;

var<workgroup> lane_sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0f;
  for (var i = lane; i < params.size; i += 256u) {
    sum += abs(exponential(log_sums[i]) - weights[i]);
  }
  lane_sums[lane] = sum;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      lane_sums[lane] += lane_sums[lane + half];
    }
  }
  if (lane == 0u) {
    errors[params.slot] = lane_sums[0];
  }
}
