// What every kernel over pairs (i, j) shares: its inputs, and the cost of four rows i against one column j.
//
// Costs are never stored: they are computed from coordinates, or read from a matrix where `dense` is on. Points are packed
// in vec4s padded with zeros; the four rows are held one coordinate per vector, so that all arithmetic is on whole vectors.
import constants::DIMENSION;

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  /// Columns that one workgroup goes through.
  chunk: u32,
  inverse_epsilon: f32,
  /// Where C_ij lies in a dense matrix: i * row_stride + j * column_stride.
  row_stride: u32,
  column_stride: u32,
  /// The size of the picture, for kernels that make one.
  picture_rows: u32,
  picture_columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@if(dense) @group(0) @binding(1) var<storage, read> matrix: array<f32>;
@if(!dense) @group(0) @binding(1) var<storage, read> x: array<vec4f>;
@if(!split) @group(0) @binding(2) var<storage, read> row_potential: array<f32>;
@if(split) @group(0) @binding(2) var<storage, read> row_potential: array<vec2f>;
@if(!dense) @group(0) @binding(3) var<storage, read> y: array<vec4f>;
@if(!split) @group(0) @binding(4) var<storage, read> column_potential: array<f32>;
@if(split) @group(0) @binding(4) var<storage, read> column_potential: array<vec2f>;

const VECTORS = (u32(DIMENSION) + 3u) / 4u;

/// Four rows: their indices and, for points of at most four coordinates, coordinate k of all four in c<k>.
struct Rows {
  index: vec4u,
  potential: vec4f,
  /// What is to be added to the potentials where they are `split`.
  remainder: vec4f,
  c0: vec4f,
  c1: vec4f,
  c2: vec4f,
  c3: vec4f,
}

/// Rows first, first + 1, ...; past the last row they repeat it.
fn load_rows(first: u32) -> Rows {
  let i = min(vec4u(first) + vec4u(0u, 1u, 2u, 3u), vec4u(params.rows - 1u));
  var rows: Rows;
  rows.index = i;
  @if(!split) {
    rows.potential = vec4f(row_potential[i.x], row_potential[i.y], row_potential[i.z], row_potential[i.w]);
  }
  @if(split) {
    let f = transpose(mat4x2f(row_potential[i.x], row_potential[i.y], row_potential[i.z], row_potential[i.w]));
    rows.potential = f[0];
    rows.remainder = f[1];
  }
  @if(!dense && !wide) {
    let p = transpose(mat4x4f(x[i.x], x[i.y], x[i.z], x[i.w]));
    rows.c0 = p[0];
    rows.c1 = p[1];
    rows.c2 = p[2];
    rows.c3 = p[3];
  }
  return rows;
}

@if(manhattan) fn part(difference: vec4f) -> vec4f { return abs(difference); }
@if(!manhattan) fn part(difference: vec4f) -> vec4f { return difference * difference; }
@if(euclidean) fn finish(total: vec4f) -> vec4f { return sqrt(total); }
@if(half) fn finish(total: vec4f) -> vec4f { return 0.5f * total; }
@if(!euclidean && !half) fn finish(total: vec4f) -> vec4f { return total; }

@if(dense)
fn costs(rows: Rows, j: u32) -> vec4f {
  let at = rows.index * params.row_stride + j * params.column_stride;
  return vec4f(matrix[at.x], matrix[at.y], matrix[at.z], matrix[at.w]);
}

/// The costs of four rows to a point of at most four coordinates.
fn costs_to(rows: Rows, point: vec4f) -> vec4f {
  var total = part(rows.c0 - point.x);
  if (DIMENSION > 1) { total += part(rows.c1 - point.y); }
  if (DIMENSION > 2) { total += part(rows.c2 - point.z); }
  if (DIMENSION > 3) { total += part(rows.c3 - point.w); }
  return finish(total);
}

/// What four coordinates of four rows (coordinate k of all in p[k]) and of a point add to their costs.
fn parts(p: mat4x4f, point: vec4f) -> vec4f {
  return (part(p[0] - point.x) + part(p[1] - point.y)) + (part(p[2] - point.z) + part(p[3] - point.w));
}

@if(!dense && !wide)
fn costs(rows: Rows, j: u32) -> vec4f {
  return costs_to(rows, y[j]);
}

@if(!dense && wide)
fn costs(rows: Rows, j: u32) -> vec4f {
  var total = vec4f(0f);
  let at = rows.index * VECTORS;
  for (var v = 0u; v < VECTORS; v++) {
    total += parts(transpose(mat4x4f(x[at.x + v], x[at.y + v], x[at.z + v], x[at.w + v])), y[j * VECTORS + v]);
  }
  return finish(total);
}

/// (f_i + g_j - C_ij) / epsilon, the logarithm of the plan. f + g first: where the plan has mass they nearly equal C,
/// so the rounding error is a fraction of C_ij and not of the potentials. Split potentials are multiples of a grid, whose
/// sum is exact, and a small remainder.
@if(split)
fn log_plan(rows: Rows, j: u32, cost: vec4f) -> vec4f {
  let g = column_potential[j];
  return (((rows.potential + g.x) - cost) + (rows.remainder + g.y)) * params.inverse_epsilon;
}

@if(!split)
fn log_plan(rows: Rows, j: u32, cost: vec4f) -> vec4f {
  return ((rows.potential + column_potential[j]) - cost) * params.inverse_epsilon;
}

/// value - g_j
@if(split)
fn minus_column(value: vec4f, j: u32) -> vec4f {
  let g = column_potential[j];
  return (value - g.x) - g.y;
}

@if(!split)
fn minus_column(value: vec4f, j: u32) -> vec4f {
  return value - column_potential[j];
}
