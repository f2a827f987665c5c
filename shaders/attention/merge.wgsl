// Puts attention over the splits of the keys together: with maxima m_s, sums l_s and unfinished rows r_s of the splits, the row
// is sum_s exp(m_s - m) r_s / sum_s exp(m_s - m) l_s. Always in the order of the splits, so that results are the same each time.
import package::common::exp::exponential;
import package::attention::logits::FIRST_MAXIMUM;

struct Params {
  origin: vec3u,
  splits: u32,
  rows: u32,
  heads: u32,
  first_head: u32,
  first_query: u32,
  value_dimension: u32,
  result_row: u32,
  result_head: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [splits, heads, rows, value_dimension] and [splits, heads, rows].
@group(0) @binding(1) var<storage, read> unfinished: array<f32>;
@group(0) @binding(2) var<storage, read> split_stats: array<vec2f>;
@group(0) @binding(3) var<storage, read> sinks: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;
@if(stats) @group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  let column = 64u * workgroup.x + lane;
  let row = workgroup.y;
  let head = params.first_head + workgroup.z;
  if (column >= params.value_dimension) { return; }
  var maximum = FIRST_MAXIMUM;
  var sum = 0f;
  var value = 0f;
  @if(sinks) maximum = sinks[head];
  @if(sinks) sum = 1f;
  for (var split = 0u; split < params.splits; split++) {
    let at = (split * params.heads + head) * params.rows + row;
    let part = split_stats[at];
    let larger = max(maximum, part.x);
    let before = exponential(maximum - larger);
    let factor = exponential(part.x - larger);
    maximum = larger;
    sum = sum * before + part.y * factor;
    value = value * before + unfinished[at * params.value_dimension + column] * factor;
  }
  result[head * params.result_head + (params.first_query + row) * params.result_row + column] = value / max(sum, 1e-37f);
  @if(stats) if (column == 0u) { stats[head * params.rows + row] = vec2f(maximum, sum); }
}
