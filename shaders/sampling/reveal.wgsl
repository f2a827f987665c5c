// Writes one sample into each sequence, at the position that its event names.
struct Params {
  origin: vec3u,
  batch: u32,
  length: u32,
  event: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> samples: array<u32>; // [batch]
@group(0) @binding(2) var<storage, read> positions: array<u32>; // [events, batch]
@group(0) @binding(3) var<storage, read_write> tokens: array<u32>; // [batch, length]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let sequence = (group.x + params.origin.x) * 64u + lane;
  if (sequence < params.batch) {
    tokens[sequence * params.length + positions[params.event * params.batch + sequence]] = samples[sequence];
  }
}
