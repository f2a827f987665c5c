// Squared Euclidean distances between all pairs of points: one row and four columns per invocation. Differences first, so
// that near points lose no digits.
import constants::DIMENSION;

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * 16u + local.y;
  let first = (workgroup.x * 16u + local.x) * 4u;
  if (row >= params.rows || first >= params.columns) {
    return;
  }
  let columns = min(vec4u(first) + vec4u(0u, 1u, 2u, 3u), vec4u(params.columns - 1u));
  var total = vec4f(0f);
  for (var k = 0u; k < u32(DIMENSION); k++) {
    let at = columns * u32(DIMENSION) + k;
    let difference = x[row * u32(DIMENSION) + k] - vec4f(y[at.x], y[at.y], y[at.z], y[at.w]);
    total += difference * difference;
  }
  for (var k = 0u; k < min(4u, params.columns - first); k++) {
    result[row * params.columns + first + k] = total[k];
  }
}
