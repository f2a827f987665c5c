// One scaling step, in place: f_i += epsilon (log a_i - log of the plan's row sum). A potential that is `split` is kept as a
// multiple of a grid (a power of two) and a remainder of at most half of it, which together have more digits than float32.
struct Params {
  origin: vec3u,
  size: u32,
  epsilon: f32,
  grid: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> log_sums: array<f32>;
@group(0) @binding(2) var<storage, read> log_weights: array<f32>;
@if(!split) @group(0) @binding(3) var<storage, read_write> potential: array<f32>;
@if(split) @group(0) @binding(3) var<storage, read_write> potential: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let i = workgroup.x * 64u + local.x;
  if (i < params.size) {
    let step = params.epsilon * (log_weights[i] - log_sums[i]);
    @if(!split) { potential[i] += step; }
    @if(split) {
      let f = potential[i];
      let remainder = f.y + step;
      let whole = round(remainder / params.grid) * params.grid;
      potential[i] = vec2f(f.x + whole, remainder - whole);
    }
  }
}
