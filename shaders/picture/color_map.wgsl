// Values to packed RGBA bytes through viridis (nine of its colours, linear in between), on a linear or logarithmic scale.
struct Params {
  origin: vec3u,
  size: u32,
  low: f32,
  high: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> pixels: array<u32>;

const VIRIDIS = array<vec3f, 9>(
  vec3f(68, 1, 84),
  vec3f(71, 45, 123),
  vec3f(59, 82, 139),
  vec3f(44, 114, 142),
  vec3f(33, 144, 140),
  vec3f(39, 173, 129),
  vec3f(93, 200, 99),
  vec3f(170, 220, 50),
  vec3f(253, 231, 37),
);

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 256u + local.x;
  if (i >= params.size) {
    return;
  }
  let value = clamp(values[i], params.low, params.high);
  @if(!logarithmic) let position = (value - params.low) / (params.high - params.low);
  @if(logarithmic) let position = log(value / params.low) / log(params.high / params.low);
  var colors = VIRIDIS;
  let scaled = clamp(position, 0f, 1f) * 8f;
  let below = min(u32(scaled), 7u);
  let color = vec3u(mix(colors[below], colors[below + 1u], scaled - f32(below)) + 0.5);
  pixels[i] = color.x | (color.y << 8u) | (color.z << 16u) | 0xff000000u;
}
