// What the gradient needs of each query: the maximum and 1 / sum of its softmax, and delta = <gradient of its output, output>.
struct Params {
  origin: vec3u,
  rows: u32,
  value_dimension: u32,
  result_row: u32,
  result_head: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> output: array<f32>;
@group(0) @binding(2) var<storage, read> output_gradient: array<f32>;
/// By head and query: maximum and sum.
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> row_state: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  let row = 64u * workgroup.x + lane;
  let head = workgroup.y;
  if (row >= params.rows) { return; }
  let start = head * params.result_head + row * params.result_row;
  var delta = 0f;
  for (var column = 0u; column < params.value_dimension; column++) {
    delta += output[start + column] * output_gradient[start + column];
  }
  let at = head * params.rows + row;
  let sum = stats[at].y;
  // A row that saw no key has the sum 0 and no gradient.
  row_state[at] = vec4f(stats[at].x, select(0f, 1f / max(sum, 1e-37f), sum > 0f), delta, 0f);
}
