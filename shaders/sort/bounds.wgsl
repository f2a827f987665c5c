// Where each bucket begins among sorted keys, and behind the last bucket where it ends: a binary search for each.
struct Params {
  origin: vec3u,
  size: u32,
  buckets: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> offsets: array<u32>; // [buckets + 1]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let bucket = (group.x + params.origin.x) * 64u + lane;
  if (bucket > params.buckets) {
    return;
  }
  var low = 0u;
  var high = params.size;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (keys[middle] < bucket) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  offsets[bucket] = low;
}
