// Sums over columns of the plan exp((f_i + g_j - C_ij) / epsilon), four rows per invocation, one chunk of columns per
// workgroup row: log-sums always, with `withCost` also the sums of P_ij C_ij, with `withMean` the sums of P_ij values_j.
// Each running sum is relative to the largest exponent so far, which is looked at once per four columns.
import package::common::exp::exponential4;
import package::common::log_sum::{LogSum, LOWEST};
import package::transport::pairs::{params, load_rows, costs, log_plan};
import constants::GROUP;
import constants::SLICE;
import constants::SLICES;

@if(withMean) @group(0) @binding(5) var<storage, read> values: array<vec4f>;
@if(!withMean) @group(0) @binding(5) var<storage, read_write> partials: array<LogSum>;
@if(withMean) @group(0) @binding(6) var<storage, read_write> partials: array<LogSum>;
@if(withCost) @group(0) @binding(6) var<storage, read_write> cost_partials: array<f32>;
@if(withMean) @group(0) @binding(7) var<storage, read_write> mean_partials: array<vec4f>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let first = (workgroup.x * u32(GROUP) + local.x) * 4u;
  if (first >= params.rows) {
    return;
  }
  let rows = load_rows(first);
  let start = workgroup.y * params.chunk;
  let end = min(start + params.chunk, params.columns);

  var maximum = vec4f(LOWEST);
  var sum = vec4f(0f);
  @if(withCost) var cost_sum = vec4f(0f);
  @if(withMean) var means: mat4x4f;

  for (var j = start; j < end; j += 4u) {
    // Past the end, columns repeat the last one with a plan of zero.
    let j1 = min(j + 1u, end - 1u);
    let j2 = min(j + 2u, end - 1u);
    let j3 = min(j + 3u, end - 1u);
    let c0 = costs(rows, j);
    let c1 = costs(rows, j1);
    let c2 = costs(rows, j2);
    let c3 = costs(rows, j3);
    let s0 = log_plan(rows, j, c0);
    let s1 = select(vec4f(LOWEST), log_plan(rows, j1, c1), j + 1u < end);
    let s2 = select(vec4f(LOWEST), log_plan(rows, j2, c2), j + 2u < end);
    let s3 = select(vec4f(LOWEST), log_plan(rows, j3, c3), j + 3u < end);
    let largest = max(max(s0, s1), max(s2, s3));
    if (any(largest > maximum)) {
      let raised = max(maximum, largest);
      let rescale = exponential4(maximum - raised);
      maximum = raised;
      sum *= rescale;
      @if(withCost) { cost_sum *= rescale; }
      @if(withMean) {
        means = mat4x4f(means[0] * rescale.x, means[1] * rescale.y, means[2] * rescale.z, means[3] * rescale.w);
      }
    }
    let p0 = exponential4(s0 - maximum);
    let p1 = exponential4(s1 - maximum);
    let p2 = exponential4(s2 - maximum);
    let p3 = exponential4(s3 - maximum);
    sum += (p0 + p1) + (p2 + p3);
    @if(withCost) { cost_sum += (p0 * c0 + p1 * c1) + (p2 * c2 + p3 * c3); }
    @if(withMean) {
      let v0 = values[j * u32(SLICES) + u32(SLICE)];
      let v1 = values[j1 * u32(SLICES) + u32(SLICE)];
      let v2 = values[j2 * u32(SLICES) + u32(SLICE)];
      let v3 = values[j3 * u32(SLICES) + u32(SLICE)];
      means[0] += (p0.x * v0 + p1.x * v1) + (p2.x * v2 + p3.x * v3);
      means[1] += (p0.y * v0 + p1.y * v1) + (p2.y * v2 + p3.y * v3);
      means[2] += (p0.z * v0 + p1.z * v1) + (p2.z * v2 + p3.z * v3);
      means[3] += (p0.w * v0 + p1.w * v1) + (p2.w * v2 + p3.w * v3);
    }
  }

  for (var k = 0u; k < min(4u, params.rows - first); k++) {
    let at = workgroup.y * params.rows + first + k;
    partials[at] = LogSum(maximum[k], sum[k]);
    @if(withCost) { cost_partials[at] = cost_sum[k]; }
    @if(withMean) { mean_partials[at] = means[k]; }
  }
}
