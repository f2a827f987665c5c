// Products of complex numbers, element by element: rows of x times rows of y, or times the one row that y has; with
// `conjugate` times the conjugates of y.
import package::fourier::turn::multiply;

struct Params {
  origin: vec3u,
  size: u32,
  period: u32,
  scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2f>;
@group(0) @binding(2) var<storage, read> y: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> result: array<vec2f>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.x + params.origin.x) * 256u + lane;
  if (at < params.size) {
    var factor = y[at % params.period];
    @if(conjugate) factor.y = -factor.y;
    result[at] = multiply(x[at], factor) * params.scale;
  }
}
