// Means over the points of w_k, w_k (x - o_k) and w_k (x - o_k)(x - o_k)^T: one workgroup for each of these numbers.
import constants::{DIMENSION, QUADRATIC};

struct Params {
  origin: vec3u,
  points: u32,
  components: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [points, d]
@group(0) @binding(2) var<storage, read> forms: array<f32>; // [components, 1 + 2 d + q]
@group(0) @binding(3) var<storage, read> weights: array<f32>; // [points, components]
@group(0) @binding(4) var<storage, read_write> moments: array<f32>; // [components, 1 + d + q]

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let workgroup = group + params.origin;
  let moment = workgroup.x;
  let component = workgroup.y;
  let form = component * (1u + 2u * DIMENSION + QUADRATIC) + 1u;
  // Which coordinates are multiplied.
  var first = moment - 1u;
  var second = first;
  @if(!full) second = moment - 1u - DIMENSION;
  @if(full) second = (moment - 1u - DIMENSION) % DIMENSION;
  if (moment > DIMENSION) {
    @if(!full) first = second;
    @if(full) first = (moment - 1u - DIMENSION) / DIMENSION;
  }
  var total = 0f;
  for (var point = local; point < params.points; point += 64u) {
    var value = weights[point * params.components + component];
    if (moment > 0u) {
      value *= x[point * DIMENSION + first] - forms[form + first];
    }
    if (moment > DIMENSION) {
      value *= x[point * DIMENSION + second] - forms[form + second];
    }
    total += value;
  }
  sums[local] = total;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      sums[local] += sums[local + half];
    }
  }
  if (local == 0u) {
    moments[component * (1u + DIMENSION + QUADRATIC) + moment] = sums[0] / f32(params.points);
  }
}
