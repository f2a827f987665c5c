// The smallest SIGN * C_ij - g_j over a chunk of columns, four rows per invocation: with SIGN = 1 the c-transform of g.
import package::transport::pairs::{params, load_rows, costs, minus_column};
import constants::GROUP;
import constants::SIGN;

@group(0) @binding(5) var<storage, read_write> partials: array<f32>;

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
  var smallest = minus_column(f32(SIGN) * costs(rows, start), start);
  for (var j = start + 1u; j < end; j++) {
    smallest = min(smallest, minus_column(f32(SIGN) * costs(rows, j), j));
  }
  for (var k = 0u; k < min(4u, params.rows - first); k++) {
    partials[workgroup.y * params.rows + first + k] = smallest[k];
  }
}
