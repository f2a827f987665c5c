// log sum_k exp q_k(x) for each point, and the share of each term in it. LANES invocations a point.
import constants::{DIMENSION, QUADRATIC, LANES, POINTS};
import package::common::exp::exponential;
import package::common::log_sum::{LogSum, LOWEST, merge, log_of};

struct Params {
  origin: vec3u,
  points: u32,
  components: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [points, d]
@group(0) @binding(2) var<storage, read> forms: array<f32>; // [components, 1 + 2 d + q]
@group(0) @binding(3) var<storage, read_write> log_sums: array<f32>; // [points]
@group(0) @binding(4) var<storage, read_write> weights: array<f32>; // [points, components]

var<workgroup> sums: array<array<LogSum, LANES>, POINTS>;

fn term(point: u32, component: u32) -> f32 {
  let form = component * (1u + 2u * DIMENSION + QUADRATIC);
  var offset: array<f32, DIMENSION>;
  var value = forms[form];
  for (var i = 0u; i < DIMENSION; i++) {
    offset[i] = x[point * DIMENSION + i] - forms[form + 1u + i];
    value += forms[form + 1u + DIMENSION + i] * offset[i];
  }
  let quadratic = form + 1u + 2u * DIMENSION;
  @if(!full) {
    for (var i = 0u; i < DIMENSION; i++) {
      value += 0.5f * forms[quadratic + i] * offset[i] * offset[i];
    }
  }
  @if(full) {
    for (var i = 0u; i < DIMENSION; i++) {
      var row = 0f;
      for (var j = 0u; j < DIMENSION; j++) {
        row += forms[quadratic + i * DIMENSION + j] * offset[j];
      }
      value += 0.5f * row * offset[i];
    }
  }
  return value;
}

@compute @workgroup_size(LANES, POINTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let index = (group.x + params.origin.x) * POINTS + local.y;
  let point = min(index, params.points - 1u);
  let row = point * params.components;
  var sum = LogSum(LOWEST, 0f);
  for (var component = local.x; component < params.components; component += LANES) {
    let value = term(point, component);
    if (index < params.points) {
      weights[row + component] = value;
    }
    sum = merge(sum, LogSum(value, 1f));
  }
  sums[local.y][local.x] = sum;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      sums[local.y][local.x] = merge(sums[local.y][local.x], sums[local.y][local.x + half]);
    }
  }
  workgroupBarrier();
  if (index >= params.points) {
    return;
  }
  let whole = sums[local.y][0];
  if (local.x == 0u) {
    log_sums[point] = log_of(whole);
  }
  for (var component = local.x; component < params.components; component += LANES) {
    weights[row + component] = exponential(weights[row + component] - whole.maximum) / whole.sum;
  }
}
