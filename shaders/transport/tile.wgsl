// Four rows against four columns at once: what is read of a column is read once for all rows of an invocation, and points of
// many coordinates are read once for four pairs each.
import package::common::log_sum::LOWEST;
import package::transport::pairs::{params, x, y, column_potential, Rows, VECTORS, costs, costs_to, finish, parts};

const LOG2_E = 1.4426950408889634f;

/// Four columns: where they are, for points of at most four coordinates, and their potentials with what is to be added to them.
struct Columns {
  index: vec4u,
  /// How many of the four there are; the others repeat the last one.
  count: u32,
  @if(!dense && !wide) points: mat4x4f,
  potential: vec4f,
  remainder: vec4f,
}

/// Columns first, first + 1, ... before `end`.
fn load_columns(first: u32, end: u32) -> Columns {
  let j = min(vec4u(first) + vec4u(0u, 1u, 2u, 3u), vec4u(end - 1u));
  var columns: Columns;
  columns.index = j;
  columns.count = min(4u, end - first);
  @if(!dense && !wide) { columns.points = mat4x4f(y[j.x], y[j.y], y[j.z], y[j.w]); }
  @if(!split) {
    columns.potential = vec4f(column_potential[j.x], column_potential[j.y], column_potential[j.z], column_potential[j.w]);
  }
  @if(split) {
    let g = transpose(mat4x2f(column_potential[j.x], column_potential[j.y], column_potential[j.z], column_potential[j.w]));
    columns.potential = g[0];
    columns.remainder = g[1];
  }
  return columns;
}

/// The costs of every row to column k in [k].
@if(dense)
fn tile_costs(rows: Rows, columns: Columns) -> mat4x4f {
  let j = columns.index;
  return mat4x4f(costs(rows, j.x), costs(rows, j.y), costs(rows, j.z), costs(rows, j.w));
}

@if(!dense && !wide)
fn tile_costs(rows: Rows, columns: Columns) -> mat4x4f {
  let p = columns.points;
  return mat4x4f(costs_to(rows, p[0]), costs_to(rows, p[1]), costs_to(rows, p[2]), costs_to(rows, p[3]));
}

@if(!dense && wide)
fn tile_costs(rows: Rows, columns: Columns) -> mat4x4f {
  let from_x = rows.index * VECTORS;
  let from_y = columns.index * VECTORS;
  var c0 = vec4f(0f);
  var c1 = vec4f(0f);
  var c2 = vec4f(0f);
  var c3 = vec4f(0f);
  for (var v = 0u; v < VECTORS; v++) {
    let p = transpose(mat4x4f(x[from_x.x + v], x[from_x.y + v], x[from_x.z + v], x[from_x.w + v]));
    c0 += parts(p, y[from_y.x + v]);
    c1 += parts(p, y[from_y.y + v]);
    c2 += parts(p, y[from_y.z + v]);
    c3 += parts(p, y[from_y.w + v]);
  }
  return mat4x4f(finish(c0), finish(c1), finish(c2), finish(c3));
}

@if(!split)
fn total(rows: Rows, cost: vec4f, g: f32, _remainder: f32) -> vec4f {
  return (rows.potential + g) - cost;
}

@if(split)
fn total(rows: Rows, cost: vec4f, g: f32, remainder: f32) -> vec4f {
  return ((rows.potential + g) - cost) + (rows.remainder + remainder);
}

/// The logarithm of the plan to base two, in the order of `log_plan`.
fn tile_log2_plan(rows: Rows, columns: Columns, c: mat4x4f) -> mat4x4f {
  let scale = params.inverse_epsilon * LOG2_E;
  let g = columns.potential;
  let h = columns.remainder;
  return mat4x4f(
    total(rows, c[0], g.x, h.x) * scale,
    total(rows, c[1], g.y, h.y) * scale,
    total(rows, c[2], g.z, h.z) * scale,
    total(rows, c[3], g.w, h.w) * scale,
  );
}

/// `LOWEST` in place of columns that are not there.
fn cut_off(s: mat4x4f, columns: Columns) -> mat4x4f {
  let lowest = vec4f(LOWEST);
  return mat4x4f(
    s[0],
    select(lowest, s[1], columns.count > 1u),
    select(lowest, s[2], columns.count > 2u),
    select(lowest, s[3], columns.count > 3u),
  );
}
