// Copies a matrix into a larger one with zeros around it, transposed on the way if strides say so.
struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  row_stride: u32,
  column_stride: u32,
  packed_rows: u32,
  packed_columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * 16u + local.y;
  let column = workgroup.x * 16u + local.x;
  if (row >= params.packed_rows || column >= params.packed_columns) {
    return;
  }
  let inside = row < params.rows && column < params.columns;
  let at = min(row, params.rows - 1u) * params.row_stride + min(column, params.columns - 1u) * params.column_stride;
  packed[row * params.packed_columns + column] = select(0f, x[at], inside);
}
