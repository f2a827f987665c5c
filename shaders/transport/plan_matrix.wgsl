// The plan exp((f_i + g_j - C_ij) / epsilon), stored: four rows per invocation, a few columns per workgroup row.
import package::common::exp::exponential4;
import package::transport::pairs::{params, load_rows, costs, log_plan};
import constants::GROUP;

@group(0) @binding(5) var<storage, read_write> plan: array<f32>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let first = (workgroup.x * u32(GROUP) + local.x) * 4u;
  if (first >= params.rows) {
    return;
  }
  let rows = load_rows(first);
  let start = workgroup.y * params.chunk;
  let end = min(start + params.chunk, params.columns);
  let count = min(4u, params.rows - first);
  for (var j = start; j < end; j++) {
    let p = exponential4(log_plan(rows, j, costs(rows, j)));
    for (var k = 0u; k < count; k++) {
      plan[(first + k) * params.columns + j] = p[k];
    }
  }
}
