// The kernel of a diagonal state-space system: result[channel, l] = Re sum_n coefficients[n] exp(l (decay_n + i angle_n)).
//
// Angles are 64-bit fixed-point fractions of a turn (high word, low word), so l times an angle modulo a turn is exact to
// 2^-32 of a turn, however many turns it makes. Decays are apart: rounding l * decay to float32 moves exp(-x) by at most
// x exp(-x) 2^-24.
import package::common::exp::exponential;
import package::fourier::turn::{multiply, root};

struct Params {
  origin: vec3u,
  modes: u32,
  length: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> coefficients: array<vec2f>;
@group(0) @binding(2) var<storage, read> decays: array<f32>;
@group(0) @binding(3) var<storage, read> turns: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

/// The upper 32 bits of a 64-bit product.
fn high_product(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  return a_high * b_high + (middle >> 16u) + ((a_low * b_high + (middle & 0xffffu)) >> 16u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let step = workgroup.x * 64u + local.x;
  let channel = workgroup.y;
  if (step >= params.length) { return; }
  var sum = 0f;
  for (var mode = channel * params.modes; mode < (channel + 1u) * params.modes; mode++) {
    let turn = turns[mode];
    let direction = root(step * turn.x + high_product(step, turn.y), 32u);
    sum += exponential(f32(step) * decays[mode]) * multiply(coefficients[mode], direction).x;
  }
  result[channel * params.length + step] = sum;
}
