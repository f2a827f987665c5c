// C = A B, 4 x 4 outputs per invocation in registers, no workgroup memory: 8 loads feed 16 multiply-adds.
// Edges are clamped once outside the loop; only the stores are guarded.
struct Params {
  origin: vec3u,
  m: u32,
  n: u32,
  k: u32,
  a_row: u32,
  a_column: u32,
  b_row: u32,
  b_column: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

fn store_row(row: u32, column: u32, values: vec4f) {
  if (row >= params.m) {
    return;
  }
  let start = row * params.n;
  // Neighbouring invocations own neighbouring columns, 8 apart within one invocation.
  if (column < params.n) { c[start + column] = values.x; }
  if (column + 8u < params.n) { c[start + column + 8u] = values.y; }
  if (column + 16u < params.n) { c[start + column + 16u] = values.z; }
  if (column + 24u < params.n) { c[start + column + 24u] = values.w; }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * 32u + local.y * 4u;
  let column = workgroup.x * 32u + local.x;
  let rows = min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(params.m - 1u)) * params.a_row;
  let columns = min(vec4u(column, column + 8u, column + 16u, column + 24u), vec4u(params.n - 1u)) * params.b_column;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var k = 0u; k < params.k; k++) {
    let at = rows + k * params.a_column;
    let bt = columns + k * params.b_row;
    let across = vec4f(b[bt.x], b[bt.y], b[bt.z], b[bt.w]);
    sum0 += a[at.x] * across;
    sum1 += a[at.y] * across;
    sum2 += a[at.z] * across;
    sum3 += a[at.w] * across;
  }
  store_row(row, column, sum0);
  store_row(row + 1u, column, sum1);
  store_row(row + 2u, column, sum2);
  store_row(row + 3u, column, sum3);
}
