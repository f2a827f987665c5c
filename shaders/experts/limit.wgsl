// Takes from every expert the pairs beyond its capacity: the first ones in order stay, the others go to no expert.
struct Params {
  origin: vec3u,
  pairs: u32,
  experts: u32,
  capacity: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sorted: array<u32>;
@group(0) @binding(2) var<storage, read> permutation: array<u32>;
@group(0) @binding(3) var<storage, read> offsets: array<u32>;
@group(0) @binding(4) var<storage, read_write> experts: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let place = (group.x + params.origin.x) * 64u + local.x;
  if (place >= params.pairs) {
    return;
  }
  var expert = sorted[place];
  if (expert < params.experts && place - offsets[expert] >= params.capacity) {
    expert = params.experts;
  }
  experts[permutation[place]] = expert;
}
