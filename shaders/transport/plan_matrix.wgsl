// Stores the plan exp((f_i + g_j - C_ij) / epsilon): four rows of one column per invocation.
import package::common::exp::exponential4;
import package::transport::pairs::{params, load_rows, costs, log_plan};

@group(0) @binding(5) var<storage, read_write> plan: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let column = workgroup.x * 64u + local.x;
  let first = workgroup.y * 4u;
  if (column >= params.columns) {
    return;
  }
  let rows = load_rows(first);
  let entries = exponential4(log_plan(rows, column, costs(rows, column)));
  for (var k = 0u; k < min(4u, params.rows - first); k++) {
    plan[(first + k) * params.columns + column] = entries[k];
  }
}
