// The smallest of a row's partial minima, times SIGN.
import constants::SIGN;

struct Params {
  origin: vec3u,
  rows: u32,
  chunks: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.x * 64u + local.x;
  if (row >= params.rows) {
    return;
  }
  var smallest = partials[row];
  for (var chunk = 1u; chunk < params.chunks; chunk++) {
    smallest = min(smallest, partials[chunk * params.rows + row]);
  }
  result[row] = f32(SIGN) * smallest;
}
