// The last pass of the form that stored its terms: each term over the sum of its row, in place.
struct Params {
  origin: vec3u,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> states: array<vec2f>; // [rows]
@group(0) @binding(2) var<storage, read_write> terms: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  let first = workgroup.y * params.columns;
  for (var i = 0u; i < 4u; i++) {
    let column = workgroup.x * 1024u + i * 256u + lane;
    if (column < params.columns) {
      terms[first + column] /= states[workgroup.y].y;
    }
  }
}
