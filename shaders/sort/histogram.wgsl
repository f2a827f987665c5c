// How many elements fall into each bin: counted in workgroup memory first where the bins fit there. Integer atomics only,
// so the order in which they come makes no difference.
import constants::{BINS, LANES, ITEMS};

struct Params {
  origin: vec3u,
  size: u32,
  bins: u32,
  low: f32,
  high: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@if(float) @group(0) @binding(1) var<storage, read> x: array<f32>;
@if(!float) @group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<atomic<u32>>;

@if(gathered) var<workgroup> counts: array<atomic<u32>, BINS>;

/// The bin of an element; `bins` where it has none.
fn bin_of(at: u32) -> u32 {
  @if(!float) return min(x[at], params.bins);
  @if(float) {
    let value = x[at];
    if (!(value >= params.low && value <= params.high) || (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u) {
      return params.bins;
    }
    let place = (value - params.low) / (params.high - params.low) * f32(params.bins);
    return min(u32(place), params.bins - 1u);
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (group.x + params.origin.x) * (u32(LANES) * ITEMS) + lane;
  @if(gathered) {
    for (var bin = lane; bin < params.bins; bin += u32(LANES)) {
      atomicStore(&counts[bin], 0u);
    }
    workgroupBarrier();
  }
  for (var k = 0u; k < ITEMS; k++) {
    let at = first + k * LANES;
    if (at < params.size) {
      let bin = bin_of(at);
      if (bin < params.bins) {
        @if(gathered) atomicAdd(&counts[bin], 1u);
        @if(!gathered) atomicAdd(&result[bin], 1u);
      }
    }
  }
  @if(gathered) {
    workgroupBarrier();
    for (var bin = lane; bin < params.bins; bin += u32(LANES)) {
      let count = atomicLoad(&counts[bin]);
      if (count > 0u) {
        atomicAdd(&result[bin], count);
      }
    }
  }
}
