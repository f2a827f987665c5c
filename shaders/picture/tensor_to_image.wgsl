// Three floats a pixel to packed RGBA bytes: clamped to [0, 1], encoded as sRGB where they are linear light, opaque.
struct Params {
  origin: vec3u,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> pixels: array<u32>;

fn encode(color: vec3f) -> vec3f {
  @if(!linear) return color;
  @if(linear) return select(1.055 * pow(color, vec3f(1.0 / 2.4)) - 0.055, 12.92 * color, color <= vec3f(0.0031308));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 256u + local.x;
  if (i >= params.size) {
    return;
  }
  @if(!planes) let color = vec3f(values[3u * i], values[3u * i + 1u], values[3u * i + 2u]);
  @if(planes) let color = vec3f(values[i], values[params.size + i], values[2u * params.size + i]);
  let bytes = vec3u(255f * encode(clamp(color, vec3f(0f), vec3f(1f))) + 0.5);
  pixels[i] = bytes.r | (bytes.g << 8u) | (bytes.b << 16u) | 0xff000000u;
}
