// Softmax of each row in place, LANES invocations a row; a row in which everything is hidden becomes 0. A head's sink is one
// more logit in the denominator. Sums of 16 are added up, so that errors hardly grow.
import constants::{LANES, ROWS};
import package::common::exp::exponential;
import package::attention::logits::FIRST_MAXIMUM;

struct Params { origin: vec3u, rows: u32, columns: u32, rows_per_head: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sinks: array<f32>;
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;

var<workgroup> lanes: array<array<f32, LANES>, ROWS>;

fn maximum_of_lanes(local: vec2u, value: f32) -> f32 {
  lanes[local.y][local.x] = value;
  for (var width = u32(LANES) / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (local.x < width) { lanes[local.y][local.x] = max(lanes[local.y][local.x], lanes[local.y][local.x + width]); }
  }
  workgroupBarrier();
  return lanes[local.y][0];
}

fn sum_of_lanes(local: vec2u, value: f32) -> f32 {
  workgroupBarrier();
  lanes[local.y][local.x] = value;
  for (var width = u32(LANES) / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (local.x < width) { lanes[local.y][local.x] += lanes[local.y][local.x + width]; }
  }
  workgroupBarrier();
  return lanes[local.y][0];
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.x + params.origin.x) * ROWS + local.y;
  let start = row * params.columns;
  let columns = select(0u, params.columns, row < params.rows);
  var largest = FIRST_MAXIMUM;
  for (var column = local.x; column < columns; column += LANES) {
    largest = max(largest, scores[start + column]);
  }
  @if(sinks) let sink = sinks[min(row, params.rows - 1u) / params.rows_per_head];
  @if(sinks) largest = max(largest, sink);
  largest = maximum_of_lanes(local.xy, largest);
  var sum = 0f;
  for (var block = local.x; block < columns; block += 16u * LANES) {
    var part = 0f;
    for (var column = block; column < min(block + 16u * LANES, columns); column += LANES) {
      let weight = exponential(scores[start + column] - largest);
      scores[start + column] = weight;
      part += weight;
    }
    sum += part;
  }
  sum = sum_of_lanes(local.xy, sum);
  @if(sinks) sum += exponential(sink - largest);
  let factor = 1f / max(sum, 1e-37f);
  for (var column = local.x; column < columns; column += LANES) {
    scores[start + column] *= factor;
  }
}
