// Reads the modes of a channel off: result[channel, l] = Re sum_n coefficients[channel, n] states[channel * modes + n, l].
import package::fourier::turn::multiply;

struct Params {
  origin: vec3u,
  modes: u32,
  length: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> coefficients: array<vec2f>;
@group(0) @binding(2) var<storage, read> states: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let step = workgroup.x * 64u + local.x;
  let channel = workgroup.y;
  if (step >= params.length) { return; }
  var sum = 0f;
  for (var mode = channel * params.modes; mode < (channel + 1u) * params.modes; mode++) {
    sum += multiply(coefficients[mode], states[mode * params.length + step]).x;
  }
  result[channel * params.length + step] = sum;
}
