// Adds up how often each class occurs. Counts are integers: the order in which the atomics come makes no difference.
struct Params {
  origin: vec3u,
  size: u32,
  classes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> samples: array<u32>;
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.x + params.origin.x) * 256u + lane;
  if (at < params.size && samples[at] < params.classes) {
    atomicAdd(&counts[samples[at]], 1u);
  }
}
