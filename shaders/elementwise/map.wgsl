// result = f(x), element by element.
struct Params {
  origin: vec3u,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@if(!inPlace) @group(0) @binding(1) var<storage, read> x: array<f32>;
@if(!inPlace) @group(0) @binding(2) var<storage, read_write> result: array<f32>;
@if(inPlace) @group(0) @binding(1) var<storage, read_write> result: array<f32>;

fn apply(value: f32) -> f32 {
  @if(negate) return -value;
  @if(abs) return abs(value);
  @if(square) return value * value;
  @if(sqrt) return sqrt(value);
  @if(reciprocal) return 1f / value;
  @if(exp) return exp(value);
  @if(log) return log(value);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 256u + local.x;
  if (i >= params.size) {
    return;
  }
  @if(!inPlace) result[i] = apply(x[i]);
  @if(inPlace) result[i] = apply(result[i]);
}
