// Packed RGBA bytes to three floats a pixel, in [0, 1]: sRGB as stored, or linear light (IEC 61966-2-1). Alpha is dropped.
struct Params {
  origin: vec3u,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

fn decode(color: vec3f) -> vec3f {
  @if(!linear) return color;
  @if(linear) return select(pow((color + 0.055) / 1.055, vec3f(2.4)), color / 12.92, color <= vec3f(0.04045));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 256u + local.x;
  if (i >= params.size) {
    return;
  }
  let color = decode(unpack4x8unorm(pixels[i]).rgb);
  @if(!planes) let at = vec3u(3u * i, 3u * i + 1u, 3u * i + 2u);
  @if(planes) let at = vec3u(i, params.size + i, 2u * params.size + i);
  result[at.x] = color.r;
  result[at.y] = color.g;
  result[at.z] = color.b;
}
