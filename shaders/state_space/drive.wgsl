// Gives each mode of a channel the channel's signal as a complex number: result[channel * modes + mode, l] = (signal[channel, l], 0).
struct Params {
  origin: vec3u,
  modes: u32,
  length: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> signal: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let step = workgroup.x * 64u + local.x;
  if (step >= params.length) { return; }
  let row = workgroup.y;
  result[row * params.length + step] = vec2f(signal[(row / params.modes) * params.length + step], 0f);
}
