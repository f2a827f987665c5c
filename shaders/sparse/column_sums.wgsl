// Column sums of a stored plan, put behind its row sums: 16 columns per workgroup, 16 invocations share a column.
struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> plan: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

var<workgroup> lanes: array<f32, 256>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let column = workgroup.x * 16u + local.x;
  var sum = 0f;
  if (column < params.columns) {
    for (var row = local.y; row < params.rows; row += 16u) {
      sum += plan[row * params.columns + column];
    }
  }
  let lane = local.y * 16u + local.x;
  lanes[lane] = sum;
  for (var half = 128u; half >= 16u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      lanes[lane] += lanes[lane + half];
    }
  }
  if (local.y == 0u && column < params.columns) {
    sums[params.rows + column] = lanes[local.x];
  }
}
