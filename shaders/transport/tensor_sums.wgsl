// Sums of the plan exp((potentials - C) / epsilon) over all axes of a cost tensor but one: one index of that axis per workgroup
// column, 4,096 of the other entries per workgroup row, 64 for each invocation, then a fixed tree.
import package::common::exp::exponential;
import package::common::log_sum::{LogSum, LOWEST};

struct Params {
  origin: vec3u,
  axes: u32,
  /// The axis that stays.
  axis: u32,
  /// Its length, and the number of entries that are summed for each of its indices.
  length: u32,
  rest: u32,
  inverse_epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cost: array<f32>;
@group(0) @binding(2) var<storage, read> shape: array<u32>;
@group(0) @binding(3) var<storage, read> potentials: array<f32>; // one axis after the other
@group(0) @binding(4) var<storage, read_write> partials: array<LogSum>; // [chunks, length]
@if(withCost) @group(0) @binding(5) var<storage, read_write> cost_partials: array<f32>;

struct Sums {
  sum: LogSum,
  cost: f32,
}

var<workgroup> lanes: array<Sums, 64>;

fn include(state: Sums, exponent: f32, cost: f32) -> Sums {
  let maximum = max(state.sum.maximum, exponent);
  let before = exponential(state.sum.maximum - maximum);
  let term = exponential(exponent - maximum);
  return Sums(LogSum(maximum, state.sum.sum * before + term), state.cost * before + term * cost);
}

fn join(a: Sums, b: Sums) -> Sums {
  let maximum = max(a.sum.maximum, b.sum.maximum);
  let left = exponential(a.sum.maximum - maximum);
  let right = exponential(b.sum.maximum - maximum);
  return Sums(LogSum(maximum, a.sum.sum * left + b.sum.sum * right), a.cost * left + b.cost * right);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let index = workgroup.x;
  let first = workgroup.y * 4096u + local.x;
  let end = min(workgroup.y * 4096u + 4096u, params.rest);
  var state = Sums(LogSum(LOWEST, 0f), 0f);
  for (var entry = first; entry < end; entry += 64u) {
    var left = entry;
    var stride = 1u;
    var offset = 0u;
    for (var k = 0u; k < params.axes; k++) { offset += shape[k]; }
    var place = 0u;
    var total = 0f;
    for (var step = 0u; step < params.axes; step++) {
      let k = params.axes - 1u - step;
      let length = shape[k];
      offset -= length;
      var at = index;
      if (k != params.axis) {
        at = left % length;
        left /= length;
      }
      place += at * stride;
      stride *= length;
      total += potentials[offset + at];
    }
    let value = cost[place];
    state = include(state, (total - value) * params.inverse_epsilon, value);
  }
  lanes[local.x] = state;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      lanes[local.x] = join(lanes[local.x], lanes[local.x + half]);
    }
  }
  if (local.x == 0u) {
    let at = workgroup.y * params.length + index;
    partials[at] = lanes[0].sum;
    @if(withCost) { cost_partials[at] = lanes[0].cost; }
  }
}
