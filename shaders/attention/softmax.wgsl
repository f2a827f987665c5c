// Softmax of each row in place, by one workgroup per row; a row in which everything is hidden becomes 0.
// A head's sink is one more logit in the denominator.
import package::common::exp::exponential;
import package::attention::logits::FIRST_MAXIMUM;

struct Params { origin: vec3u, columns: u32, rows_per_head: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sinks: array<f32>;
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;

const LANES = 64u;
var<workgroup> lanes: array<f32, LANES>;

fn maximum_of_lanes(lane: u32, value: f32) -> f32 {
  lanes[lane] = value;
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { lanes[lane] = max(lanes[lane], lanes[lane + width]); }
  }
  return workgroupUniformLoad(&lanes[0]);
}

fn sum_of_lanes(lane: u32, value: f32) -> f32 {
  lanes[lane] = value;
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { lanes[lane] += lanes[lane + width]; }
  }
  return workgroupUniformLoad(&lanes[0]);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  let start = workgroup.x * params.columns;
  var largest = FIRST_MAXIMUM;
  for (var column = lane; column < params.columns; column += LANES) {
    largest = max(largest, scores[start + column]);
  }
  @if(sinks) let sink = sinks[workgroup.x / params.rows_per_head];
  @if(sinks) largest = max(largest, sink);
  largest = maximum_of_lanes(lane, largest);
  var sum = 0f;
  for (var column = lane; column < params.columns; column += LANES) {
    let weight = exponential(scores[start + column] - largest);
    scores[start + column] = weight;
    sum += weight;
  }
  sum = sum_of_lanes(lane, sum);
  @if(sinks) sum += exponential(sink - largest);
  let factor = 1f / max(sum, 1e-37f);
  for (var column = lane; column < params.columns; column += LANES) {
    scores[start + column] *= factor;
  }
}
