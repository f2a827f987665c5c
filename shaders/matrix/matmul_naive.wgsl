// C = A B, one output element per invocation, every operand straight from storage. Strides say how A and B are stored.
import constants::{WIDTH, HEIGHT};

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

@compute @workgroup_size(WIDTH, HEIGHT)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * HEIGHT + local.y;
  let column = workgroup.x * WIDTH + local.x;
  if (row >= params.m || column >= params.n) {
    return;
  }
  var a_index = row * params.a_row;
  var b_index = column * params.b_column;
  var sum = 0f;
  for (var k = 0u; k < params.k; k++) {
    sum += a[a_index] * b[b_index];
    a_index += params.a_column;
    b_index += params.b_row;
  }
  c[row * params.n + column] = sum;
}
