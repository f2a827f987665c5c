// C = A B, one output element per invocation; 16 x 16 tiles of A and B are shared through workgroup memory.
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

const TILE = 16u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

var<workgroup> a_tile: array<array<f32, TILE>, TILE>;
var<workgroup> b_tile: array<array<f32, TILE>, TILE>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * TILE + local.y;
  let column = workgroup.x * TILE + local.x;
  let a_start = min(row, params.m - 1u) * params.a_row;
  let b_start = min(column, params.n - 1u) * params.b_column;
  var sum = 0f;
  for (var first = 0u; first < params.k; first += TILE) {
    // What lies beyond the last k is zero, so that the inner loop needs no guard.
    let a_k = first + local.x;
    let b_k = first + local.y;
    a_tile[local.y][local.x] = select(0f, a[a_start + min(a_k, params.k - 1u) * params.a_column], a_k < params.k);
    b_tile[local.y][local.x] = select(0f, b[b_start + min(b_k, params.k - 1u) * params.b_row], b_k < params.k);
    workgroupBarrier();
    for (var i = 0u; i < TILE; i++) {
      sum += a_tile[local.y][i] * b_tile[i][local.x];
    }
    workgroupBarrier();
  }
  if (row < params.m && column < params.n) {
    c[row * params.n + column] = sum;
  }
}
