// The products of all pairs of columns of two matrices with the same rows (their row-wise Kronecker product):
// result[row, i * rightColumns + j] = left[row, i] * right[row, j].
struct Params {
  origin: vec3u,
  rows: u32,
  left_columns: u32,
  right_columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let column = workgroup.x * 64u + local.x;
  let row = workgroup.y * 4u + local.y;
  let columns = params.left_columns * params.right_columns;
  if (column >= columns || row >= params.rows) { return; }
  result[row * columns + column] =
    left[row * params.left_columns + column / params.right_columns] * right[row * params.right_columns + column % params.right_columns];
}
