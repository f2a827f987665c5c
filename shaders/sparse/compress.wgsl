// Keeps the entries of a stored plan that reach the threshold, as the rows of [0 P; P^T 0]: first the plan's rows, then its
// columns. One workgroup per such line, each invocation a run of neighbours, so that indices ascend. First the counts and
// the mass left out, then with `scatter` the entries themselves.
struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> plan: array<f32>;
@group(0) @binding(2) var<storage, read> threshold: array<f32>;
@if(!scatter) @group(0) @binding(3) var<storage, read_write> counts: array<u32>;
@if(!scatter) @group(0) @binding(4) var<storage, read_write> leftover: array<f32>;
@if(scatter) @group(0) @binding(3) var<storage, read> offsets: array<u32>;
@if(scatter) @group(0) @binding(4) var<storage, read_write> indices: array<u32>;
@if(scatter) @group(0) @binding(5) var<storage, read_write> values: array<f32>;

var<workgroup> lane_counts: array<u32, 64>;
@if(!scatter) var<workgroup> lane_masses: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let line = group.x + params.origin.x;
  let is_row = line < params.rows;
  let length = select(params.rows, params.columns, is_row);
  let base = select(line - params.rows, line * params.columns, is_row);
  let stride = select(params.columns, 1u, is_row);
  let run = (length + 63u) / 64u;
  let start = min(lane * run, length);
  let end = min(start + run, length);
  let least = threshold[0];

  var count = 0u;
  var mass = 0f;
  for (var k = start; k < end; k++) {
    let entry = plan[base + k * stride];
    if (entry >= least && entry > 0f) {
      count += 1u;
    } else {
      mass += entry;
    }
  }
  lane_counts[lane] = count;
  @if(!scatter) {
    lane_masses[lane] = mass;
    for (var half = 32u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) {
        lane_counts[lane] += lane_counts[lane + half];
        lane_masses[lane] += lane_masses[lane + half];
      }
    }
    if (lane == 0u) {
      counts[line] = lane_counts[0];
      leftover[line] = lane_masses[0];
    }
  }
  @if(scatter) {
    workgroupBarrier();
    var at = offsets[line];
    for (var before = 0u; before < lane; before++) {
      at += lane_counts[before];
    }
    let first_index = select(0u, params.rows, is_row);
    for (var k = start; k < end; k++) {
      let entry = plan[base + k * stride];
      if (entry >= least && entry > 0f) {
        indices[at] = first_index + k;
        values[at] = entry;
        at += 1u;
      }
    }
  }
}
