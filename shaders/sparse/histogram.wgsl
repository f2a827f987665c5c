// Counts entries by BITS bits of their float32 representation, which orders numbers that are not negative as they are
// ordered themselves. Only entries whose higher bits are the prefix found so far take part. Counts are integers, so the
// order in which the atomics come makes no difference.
import constants::SHIFT;
import constants::BITS;

struct Params {
  origin: vec3u,
  size: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> entries: array<f32>;
@group(0) @binding(2) var<storage, read> found: array<u32>;
@group(0) @binding(3) var<storage, read_write> bins: array<atomic<u32>>;

const COUNT = 1u << u32(BITS);
var<workgroup> counts: array<atomic<u32>, 2048>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  for (var bin = lane; bin < COUNT; bin += 256u) {
    atomicStore(&counts[bin], 0u);
  }
  workgroupBarrier();
  let first = workgroup.x * 4096u + lane;
  for (var k = 0u; k < 16u; k++) {
    let at = first + k * 256u;
    if (at < params.size) {
      let bits = bitcast<u32>(entries[at]) & 0x7fffffffu;
      if ((bits >> u32(SHIFT)) >> u32(BITS) == found[0]) {
        atomicAdd(&counts[(bits >> u32(SHIFT)) & (COUNT - 1u)], 1u);
      }
    }
  }
  workgroupBarrier();
  for (var bin = lane; bin < COUNT; bin += 256u) {
    let count = atomicLoad(&counts[bin]);
    if (count > 0u) {
      atomicAdd(&bins[bin], count);
    }
  }
}
