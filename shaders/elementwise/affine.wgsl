// result = scale * x + offset, element by element.
struct Params {
  origin: vec3u,
  size: u32,
  scale: f32,
  offset: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@if(!inPlace) @group(0) @binding(1) var<storage, read> x: array<f32>;
@if(!inPlace) @group(0) @binding(2) var<storage, read_write> result: array<f32>;
@if(inPlace) @group(0) @binding(1) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 256u + local.x;
  if (i >= params.size) {
    return;
  }
  @if(!inPlace) result[i] = params.scale * x[i] + params.offset;
  @if(inPlace) result[i] = params.scale * result[i] + params.offset;
}
