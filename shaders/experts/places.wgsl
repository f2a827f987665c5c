// What stands at each place of a buffer that has the same number of rows for every expert: which pair and which token, or
// 2^32 - 1 where the place stays empty.
struct Params {
  origin: vec3u,
  places: u32,
  capacity: u32,
  slots: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> permutation: array<u32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read_write> pairs: array<u32>;
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let place = (group.x + params.origin.x) * 64u + local.x;
  if (place >= params.places) {
    return;
  }
  let expert = place / params.capacity;
  let source = offsets[expert] + place % params.capacity;
  var pair = 0xffffffffu;
  var token = 0xffffffffu;
  if (source < offsets[expert + 1u]) {
    pair = permutation[source];
    token = pair / params.slots;
  }
  pairs[place] = pair;
  tokens[place] = token;
}
