// The Euclidean length of each row. Rows are short (a low rank, an output), so one invocation adds one up.
struct Params {
  origin: vec3u,
  rows: u32,
  width: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> norms: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.x + params.origin.x) * 64u + local.x;
  if (row >= params.rows) {
    return;
  }
  var sum = 0f;
  for (var i = row * params.width; i < (row + 1u) * params.width; i++) {
    sum += x[i] * x[i];
  }
  norms[row] = sqrt(sum);
}
