// Each row of `x` is a small matrix, times a vector of its own: result[row, i] = sum_j x[row, i * inner + j] * vectors[row, j].
struct Params {
  origin: vec3u,
  rows: u32,
  outer: u32,
  inner: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> vectors: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let column = workgroup.x * 16u + local.x;
  let row = workgroup.y * 16u + local.y;
  if (column >= params.outer || row >= params.rows) { return; }
  var sum = 0f;
  for (var j = 0u; j < params.inner; j++) {
    sum += x[(row * params.outer + column) * params.inner + j] * vectors[row * params.inner + j];
  }
  result[row * params.outer + column] = sum;
}
