// The transpose of a matrix, 16 x 16 tiles through workgroup memory so that reads and writes both run along rows.
struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<u32>;

// 17 columns, so that a column of the tile does not fall into one bank. Bits are moved as they are, whatever their type.
var<workgroup> tile: array<array<u32, 17>, 16>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let first_row = workgroup.y * 16u;
  let first_column = workgroup.x * 16u;
  if (first_row + local.y < params.rows && first_column + local.x < params.columns) {
    tile[local.y][local.x] = x[(first_row + local.y) * params.columns + first_column + local.x];
  }
  workgroupBarrier();
  if (first_row + local.x < params.rows && first_column + local.y < params.columns) {
    result[(first_column + local.y) * params.rows + first_row + local.x] = tile[local.x][local.y];
  }
}
