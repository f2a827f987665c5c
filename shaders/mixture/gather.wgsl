// result[i] = rows[indices[i]]: a batch of points.
struct Params {
  origin: vec3u,
  count: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = (group.x + params.origin.x) * 64u + local;
  if (entry < params.count * params.columns) {
    result[entry] = rows[indices[entry / params.columns] * params.columns + entry % params.columns];
  }
}
