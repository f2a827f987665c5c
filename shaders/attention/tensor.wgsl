// Attention over tuples of keys, exactly (Alman and Song, ICLR 2024): a query attends to every choice of one key from each
// list, with the logit scale * sum_d q_d k1_d k2_d (k3_d) and the value v1 o v2 (o v3).
//
// A workgroup owns a query. Its lanes share out the choices from all lists but the last; a lane multiplies those keys into
// its query once and then walks along the last list as ordinary attention does, with a running maximum.
import package::common::exp::exponential;
import constants::LANES;
import constants::DIMENSION;
import constants::VALUE_DIMENSION;

struct Params {
  origin: vec3u,
  first_count: u32,
  second_count: u32,
  last_count: u32,
  scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> first_keys: array<f32>;
@group(0) @binding(3) var<storage, read> first_values: array<f32>;
@group(0) @binding(4) var<storage, read> last_keys: array<f32>;
@group(0) @binding(5) var<storage, read> last_values: array<f32>;
@if(threeLists) @group(0) @binding(6) var<storage, read> second_keys: array<f32>;
@if(threeLists) @group(0) @binding(7) var<storage, read> second_values: array<f32>;
@if(threeLists) @group(0) @binding(8) var<storage, read_write> result: array<f32>;
@else @group(0) @binding(6) var<storage, read_write> result: array<f32>;

const COLUMNS = u32(DIMENSION);
const VALUE_COLUMNS = u32(VALUE_DIMENSION);
/// Below every logit that float32 holds in practice; far enough from the end of the range that differences stay finite.
const FIRST_MAXIMUM = -1e38f;

var<workgroup> lane_values: array<f32, LANES>;

/// The sum over all lanes, by a tree of fixed shape.
fn total(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  lane_values[lane] = value;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { lane_values[lane] += lane_values[lane + half]; }
  }
  workgroupBarrier();
  return lane_values[0];
}

fn largest(lane: u32, value: f32) -> f32 {
  lane_values[lane] = value;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { lane_values[lane] = max(lane_values[lane], lane_values[lane + half]); }
  }
  workgroupBarrier();
  return lane_values[0];
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let query = (group + params.origin).x;
  let lane = local.x;
  var maximum = FIRST_MAXIMUM;
  var sum = 0f;
  var mean: array<f32, VALUE_COLUMNS>;

  for (var choice = lane; choice < params.first_count * params.second_count; choice += u32(LANES)) {
    @if(threeLists) let second = choice % params.second_count;
    let first = choice / params.second_count;
    // Zeroed in words: without an initialiser the array kept its last turn's values (Chromium 147 on SwiftShader).
    var product = array<f32, COLUMNS>();
    for (var column = 0u; column < COLUMNS; column++) {
      var entry = params.scale * queries[query * COLUMNS + column] * first_keys[first * COLUMNS + column];
      @if(threeLists) { entry *= second_keys[second * COLUMNS + column]; }
      product[column] = entry;
    }

    // Sums along the last list are kept apart from those over the choices: shorter sums round less.
    var inner_sum = 0f;
    var inner = array<f32, VALUE_COLUMNS>();
    for (var last = 0u; last < params.last_count; last++) {
      var logit = 0f;
      for (var column = 0u; column < COLUMNS; column++) { logit += product[column] * last_keys[last * COLUMNS + column]; }
      if (logit > maximum) {
        let shrink = exponential(maximum - logit);
        maximum = logit;
        sum *= shrink;
        inner_sum *= shrink;
        for (var column = 0u; column < VALUE_COLUMNS; column++) {
          mean[column] *= shrink;
          inner[column] *= shrink;
        }
      }
      let weight = exponential(logit - maximum);
      inner_sum += weight;
      for (var column = 0u; column < VALUE_COLUMNS; column++) {
        inner[column] += weight * last_values[last * VALUE_COLUMNS + column];
      }
    }
    sum += inner_sum;
    for (var column = 0u; column < VALUE_COLUMNS; column++) {
      var value = first_values[first * VALUE_COLUMNS + column];
      @if(threeLists) { value *= second_values[second * VALUE_COLUMNS + column]; }
      mean[column] += value * inner[column];
    }
  }

  let factor = exponential(maximum - largest(lane, maximum));
  let normaliser = total(lane, sum * factor);
  for (var column = 0u; column < VALUE_COLUMNS; column++) {
    let entry = total(lane, mean[column] * factor) / normaliser;
    if (lane == 0u) { result[query * VALUE_COLUMNS + column] = entry; }
  }
}
