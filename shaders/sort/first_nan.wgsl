// The position of the first NaN, by its bits: WGSL does not promise that x != x tells. Left alone where there is none.
struct Params {
  origin: vec3u,
  size: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: atomic<u32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (group.x + params.origin.x) * 4096u + lane;
  for (var k = 0u; k < 16u; k++) {
    let at = first + k * 256u;
    if (at < params.size && (x[at] & 0x7fffffffu) > 0x7f800000u) {
      atomicMin(&result, at);
    }
  }
}
