// Sinkhorn's iteration in the log domain for many small problems, one workgroup each: potentials stay in workgroup memory
// for all iterations of a dispatch. Points without mass are left out, so a smaller problem is one padded with them.
import package::common::exp::exponential;
import package::common::log::logarithm;
import package::common::log_sum::LOWEST;
import constants::SIDE;

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  iterations: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> costs: array<f32>;
@group(0) @binding(2) var<storage, read> row_weights: array<f32>;
@group(0) @binding(3) var<storage, read> column_weights: array<f32>;
/// Epsilon, and the grid that potentials are split on.
@group(0) @binding(4) var<storage, read> settings: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> row_potentials: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> column_potentials: array<vec2f>;
/// The L1 errors of rows and columns, and the transport cost.
@group(0) @binding(7) var<storage, read_write> report: array<vec4f>;

const LANES = 64u;

var<workgroup> f: array<vec2f, SIDE>;
var<workgroup> g: array<vec2f, SIDE>;
var<workgroup> lane_sums: array<vec4f, 64>;

fn log_plan(i: u32, j: u32, cost: f32, inverse_epsilon: f32) -> f32 {
  return (((f[i].x + g[j].x) - cost) + (f[i].y + g[j].y)) * inverse_epsilon;
}

fn step(potential: vec2f, shift: f32, grid: f32) -> vec2f {
  let remainder = potential.y + shift;
  let whole = round(remainder / grid) * grid;
  return vec2f(potential.x + whole, remainder - whole);
}

/// The logarithm of a row's sum, and its part of the cost where `cost` is asked for by the last pass.
fn row_sum(i: u32, base: u32, columns_at: u32, inverse_epsilon: f32) -> vec2f {
  var maximum = LOWEST;
  for (var j = 0u; j < params.columns; j++) {
    if (column_weights[columns_at + j] > 0f) {
      maximum = max(maximum, log_plan(i, j, costs[base + i * params.columns + j], inverse_epsilon));
    }
  }
  var sum = 0f;
  var cost_sum = 0f;
  for (var j = 0u; j < params.columns; j++) {
    if (column_weights[columns_at + j] > 0f) {
      let cost = costs[base + i * params.columns + j];
      let p = exponential(log_plan(i, j, cost, inverse_epsilon) - maximum);
      sum += p;
      cost_sum += p * cost;
    }
  }
  return vec2f(maximum + logarithm(sum), cost_sum * exponential(maximum));
}

fn column_sum(j: u32, base: u32, rows_at: u32, inverse_epsilon: f32) -> f32 {
  var maximum = LOWEST;
  for (var i = 0u; i < params.rows; i++) {
    if (row_weights[rows_at + i] > 0f) {
      maximum = max(maximum, log_plan(i, j, costs[base + i * params.columns + j], inverse_epsilon));
    }
  }
  var sum = 0f;
  for (var i = 0u; i < params.rows; i++) {
    if (row_weights[rows_at + i] > 0f) {
      sum += exponential(log_plan(i, j, costs[base + i * params.columns + j], inverse_epsilon) - maximum);
    }
  }
  return maximum + logarithm(sum);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let problem = group.x + params.origin.x;
  let base = problem * params.rows * params.columns;
  let rows_at = problem * params.rows;
  let columns_at = problem * params.columns;
  let epsilon = settings[problem].x;
  let grid = settings[problem].y;
  let inverse_epsilon = 1f / epsilon;
  for (var i = lane; i < params.rows; i += LANES) {
    f[i] = row_potentials[rows_at + i];
  }
  for (var j = lane; j < params.columns; j += LANES) {
    g[j] = column_potentials[columns_at + j];
  }
  workgroupBarrier();
  for (var k = 0u; k < params.iterations; k++) {
    for (var i = lane; i < params.rows; i += LANES) {
      let weight = row_weights[rows_at + i];
      if (weight > 0f) {
        f[i] = step(f[i], epsilon * (logarithm(weight) - row_sum(i, base, columns_at, inverse_epsilon).x), grid);
      }
    }
    workgroupBarrier();
    for (var j = lane; j < params.columns; j += LANES) {
      let weight = column_weights[columns_at + j];
      if (weight > 0f) {
        g[j] = step(g[j], epsilon * (logarithm(weight) - column_sum(j, base, rows_at, inverse_epsilon)), grid);
      }
    }
    workgroupBarrier();
  }

  var sums = vec4f(0f);
  for (var i = lane; i < params.rows; i += LANES) {
    row_potentials[rows_at + i] = f[i];
    let weight = row_weights[rows_at + i];
    if (weight > 0f) {
      let row = row_sum(i, base, columns_at, inverse_epsilon);
      sums += vec4f(abs(exponential(row.x) - weight), 0f, row.y, 0f);
    }
  }
  for (var j = lane; j < params.columns; j += LANES) {
    column_potentials[columns_at + j] = g[j];
    let weight = column_weights[columns_at + j];
    if (weight > 0f) {
      sums.y += abs(exponential(column_sum(j, base, rows_at, inverse_epsilon)) - weight);
    }
  }
  lane_sums[lane] = sums;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      lane_sums[lane] += lane_sums[lane + half];
    }
  }
  if (lane == 0u) {
    report[problem] = lane_sums[0];
  }
}
