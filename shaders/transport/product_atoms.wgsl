// Atoms of product form from their two factors: atom k at (a, b) is left[k, a] right[k, b].
struct Params {
  origin: vec3u,
  size: u32,
  height: u32,
  width: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<f32>;  // [atoms, height]
@group(0) @binding(2) var<storage, read> right: array<f32>; // [atoms, width]
@group(0) @binding(3) var<storage, read_write> result: array<f32>; // [atoms, height * width]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 64u + local.x;
  if (i >= params.size) {
    return;
  }
  let row = i / params.width; // k * height + a
  result[i] = left[row] * right[(row / params.height) * params.width + i % params.width];
}
