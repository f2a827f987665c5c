// result = f(x, y), element by element; in place, x is what result held.
struct Params {
  origin: vec3u,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@if(!inPlace) @group(0) @binding(2) var<storage, read> x: array<f32>;
@if(!inPlace) @group(0) @binding(3) var<storage, read_write> result: array<f32>;
@if(inPlace) @group(0) @binding(2) var<storage, read_write> result: array<f32>;

fn apply(left: f32, right: f32) -> f32 {
  @if(add) return left + right;
  @if(subtract) return left - right;
  @if(multiply) return left * right;
  @if(divide) return left / right;
  @if(maximum) return max(left, right);
  @if(minimum) return min(left, right);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 256u + local.x;
  if (i >= params.size) {
    return;
  }
  @if(!inPlace) result[i] = apply(x[i], y[i]);
  @if(inPlace) result[i] = apply(result[i], y[i]);
}
