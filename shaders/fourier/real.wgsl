// Between the transform of n real numbers and that of n / 2 complex ones made of neighbours (Cooley, Lewis and Welch 1970).
// Forward: the transform Z of pairs becomes the n / 2 + 1 first values of the real transform. With `inverse`, back.
import package::fourier::turn::{multiply, root};

struct Params {
  origin: vec3u,
  rows: u32,
  bits: u32, // log2 of n
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> result: array<vec2f>;

@compute @workgroup_size(64, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * 4u + local.y;
  let k = workgroup.x * 64u + local.x;
  let half = 1u << (params.bits - 1u);
  @if(!inverse) {
    if (row >= params.rows || k > half) {
      return;
    }
    let a = x[row * half + (k & (half - 1u))];
    let b = x[row * half + ((half - k) & (half - 1u))];
    let even = 0.5f * vec2f(a.x + b.x, a.y - b.y);
    // (a - conjugate of b) / (2 i)
    let odd = 0.5f * vec2f(a.y + b.y, b.x - a.x);
    result[row * (half + 1u) + k] = even + multiply(root(k, params.bits), odd);
  }
  @if(inverse) {
    if (row >= params.rows || k >= half) {
      return;
    }
    var a = x[row * (half + 1u) + k];
    var b = x[row * (half + 1u) + half - k];
    if (k == 0u) {
      // Those two are real in the transform of real numbers: what else is there is left out.
      a.y = 0f;
      b.y = 0f;
    }
    let even = vec2f(a.x + b.x, a.y - b.y);
    let odd = multiply(root(k, params.bits), vec2f(a.x - b.x, a.y + b.y));
    result[row * half + k] = vec2f(even.x - odd.y, even.y + odd.x);
  }
}
