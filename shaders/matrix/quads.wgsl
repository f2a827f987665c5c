// What products of operands in vec4f share: the operands, and how 4 x 4 blocks of C, its rows as columns, are stored.
struct Params {
  origin: vec3u,
  m: u32,
  n: u32,
  k: u32,
  a_quads: u32, // vec4f in a stored row of A
  b_quads: u32, // vec4f in a stored row of B
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

fn store_row(row: u32, column: u32, values: vec4f) {
  if (row >= params.m) {
    return;
  }
  let at = row * params.n + column;
  if (column < params.n) { c[at] = values.x; }
  if (column + 1u < params.n) { c[at + 1u] = values.y; }
  if (column + 2u < params.n) { c[at + 2u] = values.z; }
  if (column + 3u < params.n) { c[at + 3u] = values.w; }
}

fn store_block(row: u32, column: u32, block: mat4x4f) {
  store_row(row, column, block[0]);
  store_row(row + 1u, column, block[1]);
  store_row(row + 2u, column, block[2]);
  store_row(row + 3u, column, block[3]);
}
