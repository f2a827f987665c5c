// The plan as a small picture: each pixel is the largest entry of the rectangle of the plan that it stands for.
import package::common::exp::exponential;
import package::common::log_sum::LOWEST;
import package::transport::pairs::{params, load_rows, costs, log_plan};

@group(0) @binding(5) var<storage, read_write> picture: array<f32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let column = workgroup.x * 8u + local.x;
  let row = workgroup.y * 8u + local.y;
  if (row >= params.picture_rows || column >= params.picture_columns) {
    return;
  }
  let first_row = row * params.rows / params.picture_rows;
  let end_row = max(first_row + 1u, (row + 1u) * params.rows / params.picture_rows);
  let first_column = column * params.columns / params.picture_columns;
  let end_column = max(first_column + 1u, (column + 1u) * params.columns / params.picture_columns);
  var largest = LOWEST;
  for (var i = first_row; i < end_row; i += 4u) {
    // Of the four rows loaded, those past the end belong to the next pixel.
    let rows = load_rows(i);
    for (var j = first_column; j < end_column; j++) {
      let s = log_plan(rows, j, costs(rows, j));
      for (var k = 0u; k < min(4u, end_row - i); k++) {
        largest = max(largest, s[k]);
      }
    }
  }
  picture[row * params.picture_columns + column] = exponential(largest);
}
