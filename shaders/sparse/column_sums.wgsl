// Column sums of a stored plan, put behind its row sums: COLUMNS columns a workgroup, SHARERS invocations share a column.
// Sums of 16 are added up, so that errors hardly grow.
import constants::{COLUMNS, SHARERS};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> plan: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

var<workgroup> lanes: array<array<f32, COLUMNS>, SHARERS>;

@compute @workgroup_size(COLUMNS, SHARERS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let column = workgroup.x * COLUMNS + local.x;
  let rows = select(0u, params.rows, column < params.columns);
  var sum = 0f;
  for (var block = local.y; block < rows; block += 16u * SHARERS) {
    var part = 0f;
    for (var row = block; row < min(block + 16u * SHARERS, rows); row += SHARERS) {
      part += plan[row * params.columns + column];
    }
    sum += part;
  }
  lanes[local.y][local.x] = sum;
  for (var half = u32(SHARERS) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.y < half) {
      lanes[local.y][local.x] += lanes[local.y + half][local.x];
    }
  }
  if (local.y == 0u && column < params.columns) {
    sums[params.rows + column] = lanes[0][local.x];
  }
}
