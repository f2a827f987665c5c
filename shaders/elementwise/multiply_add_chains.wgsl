// Eight independent chains of v = v * factor + addend per invocation, each a vec4f: nothing but arithmetic.
struct Params {
  origin: vec3u,
  iterations: u32,
  factor: f32,
  addend: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 64u + local.x;
  let factor = vec4f(params.factor);
  let addend = vec4f(params.addend);
  var v0 = vec4f(0f, 1f, 2f, 3f) + f32(local.x);
  var v1 = v0 + 4f;
  var v2 = v0 + 8f;
  var v3 = v0 + 12f;
  var v4 = v0 + 16f;
  var v5 = v0 + 20f;
  var v6 = v0 + 24f;
  var v7 = v0 + 28f;
  for (var step = 0u; step < params.iterations; step++) {
    v0 = v0 * factor + addend;
    v1 = v1 * factor + addend;
    v2 = v2 * factor + addend;
    v3 = v3 * factor + addend;
    v4 = v4 * factor + addend;
    v5 = v5 * factor + addend;
    v6 = v6 * factor + addend;
    v7 = v7 * factor + addend;
  }
  // Every chain reaches the result, so that none can be left out.
  result[i] = dot(((v0 + v1) + (v2 + v3)) + ((v4 + v5) + (v6 + v7)), vec4f(1f));
}
