// Sums over columns of the plan exp((f_i + g_j - C_ij) / epsilon), eight rows per invocation, one chunk of columns per
// workgroup row: log-sums always, with `withCost` also the sums of P_ij C_ij, with `withMean` the sums of P_ij values_j.
//
// Terms are powers of two relative to a whole power near the largest so far: where that is raised, sums are only rescaled by a
// power of two, without rounding.
import package::common::exp::{LN2_HIGH, LN2_HIGH_MINUS_LN2, exponential4, power_of_two4};
import package::common::log_sum::{LogSum, LOWEST};
import package::transport::pairs::{params, Rows, load_rows};
import package::transport::tile::{Columns, cut_off, load_columns, tile_costs, tile_log2_plan};
import constants::GROUP;
import constants::SLICE;
import constants::SLICES;

@if(withMean) @group(0) @binding(5) var<storage, read> values: array<vec4f>;
@if(!withMean) @group(0) @binding(5) var<storage, read_write> partials: array<LogSum>;
@if(withMean) @group(0) @binding(6) var<storage, read_write> partials: array<LogSum>;
@if(withCost) @group(0) @binding(6) var<storage, read_write> cost_partials: array<f32>;
@if(withMean) @group(0) @binding(7) var<storage, read_write> mean_partials: array<vec4f>;

/// How far a term may be above the reference, as a power of two, before the reference is raised.
const HEADROOM = 16f;

/// The sums of four rows, each times two to the power of its reference.
struct Sums {
  reference: vec4f,
  sum: vec4f,
  @if(withCost) cost: vec4f,
  @if(withMean) means: mat4x4f,
}

/// Adds four columns with costs c and logarithms s.
fn include(before: Sums, columns: Columns, c: mat4x4f, s: mat4x4f) -> Sums {
  var sums = before;
  let largest = max(max(s[0], s[1]), max(s[2], s[3]));
  // Once at most. An adapter on the CPU computes both sides of an `if`, but leaves out a loop that no lane enters.
  while (any(largest > sums.reference + HEADROOM)) {
    let raised = max(sums.reference, ceil(largest));
    let rescale = power_of_two4(sums.reference - raised);
    sums.reference = raised;
    sums.sum *= rescale;
    @if(withCost) { sums.cost *= rescale; }
    @if(withMean) {
      sums.means[0] *= rescale.x;
      sums.means[1] *= rescale.y;
      sums.means[2] *= rescale.z;
      sums.means[3] *= rescale.w;
    }
  }
  let p0 = power_of_two4(s[0] - sums.reference);
  let p1 = power_of_two4(s[1] - sums.reference);
  let p2 = power_of_two4(s[2] - sums.reference);
  let p3 = power_of_two4(s[3] - sums.reference);
  sums.sum += (p0 + p1) + (p2 + p3);
  @if(withCost) { sums.cost += (p0 * c[0] + p1 * c[1]) + (p2 * c[2] + p3 * c[3]); }
  @if(withMean) {
    let at = columns.index * u32(SLICES) + u32(SLICE);
    let v0 = values[at.x];
    let v1 = values[at.y];
    let v2 = values[at.z];
    let v3 = values[at.w];
    sums.means[0] += (p0.x * v0 + p1.x * v1) + (p2.x * v2 + p3.x * v3);
    sums.means[1] += (p0.y * v0 + p1.y * v1) + (p2.y * v2 + p3.y * v3);
    sums.means[2] += (p0.z * v0 + p1.z * v1) + (p2.z * v2 + p3.z * v3);
    sums.means[3] += (p0.w * v0 + p1.w * v1) + (p2.w * v2 + p3.w * v3);
  }
  return sums;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let first = (workgroup.x * u32(GROUP) + local.x) * 8u;
  if (first >= params.rows) {
    return;
  }
  let upper_rows = load_rows(first);
  let lower_rows = load_rows(first + 4u);
  let start = workgroup.y * params.chunk;
  let end = min(start + params.chunk, params.columns);

  var upper: Sums;
  upper.reference = vec4f(LOWEST);
  var lower = upper;
  var j = start;
  for (; j + 4u <= end; j += 4u) {
    let columns = load_columns(j, end);
    let c = tile_costs(upper_rows, columns);
    let d = tile_costs(lower_rows, columns);
    upper = include(upper, columns, c, tile_log2_plan(upper_rows, columns, c));
    lower = include(lower, columns, d, tile_log2_plan(lower_rows, columns, d));
  }
  for (; j < end; j += 4u) {
    let columns = load_columns(j, end);
    let c = tile_costs(upper_rows, columns);
    let d = tile_costs(lower_rows, columns);
    upper = include(upper, columns, c, cut_off(tile_log2_plan(upper_rows, columns, c), columns));
    lower = include(lower, columns, d, cut_off(tile_log2_plan(lower_rows, columns, d), columns));
  }
  store(first, workgroup.y, upper);
  store(first + 4u, workgroup.y, lower);
}

/// Whole numbers below this times LN2_HIGH are exact.
const EXACT = 32768f;

/// Puts down four sums relative to a natural exponential. What rounding takes off its exponent goes into the sums.
fn store(first: u32, chunk: u32, sums: Sums) {
  let is_exact = abs(sums.reference) < vec4f(EXACT);
  let maximum = sums.reference * LN2_HIGH - select(sums.reference * LN2_HIGH_MINUS_LN2, vec4f(0f), is_exact);
  let correction = exponential4(select(vec4f(0f), sums.reference * -LN2_HIGH_MINUS_LN2, is_exact));
  let sum = sums.sum * correction;
  @if(withCost) let cost = sums.cost * correction;
  @if(withMean) let means = mat4x4f(
    sums.means[0] * correction.x,
    sums.means[1] * correction.y,
    sums.means[2] * correction.z,
    sums.means[3] * correction.w,
  );
  for (var k = 0u; k < 4u; k++) {
    if (first + k < params.rows) {
      let at = chunk * params.rows + first + k;
      partials[at] = LogSum(maximum[k], sum[k]);
      @if(withCost) { cost_partials[at] = cost[k]; }
      @if(withMean) { mean_partials[at] = means[k]; }
    }
  }
}
