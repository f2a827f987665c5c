// result = x in steps of 16 bytes: nothing but memory traffic.
struct Params {
  origin: vec3u,
  quads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> result: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 256u + local.x;
  if (i < params.quads) {
    result[i] = x[i];
  }
}
