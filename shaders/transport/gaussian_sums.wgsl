// log of the sums along one axis of exp(x' - sharpness (position - position')^2): a Gaussian blur of exp(x) in the log domain,
// so that no distance underflows it. One invocation per element: the largest exponent first, then the sum relative to it.
import package::common::exp::exponential;
import package::common::log::logarithm;

struct Params {
  origin: vec3u,
  size: u32,
  /// Elements along the axis.
  length: u32,
  /// Elements between two neighbours along the axis.
  stride: u32,
  sharpness: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

fn exponent(start: u32, other: u32, position: f32) -> f32 {
  let distance = f32(other) - position;
  return x[start + other * params.stride] - params.sharpness * (distance * distance);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 64u + local.x;
  if (i >= params.size) {
    return;
  }
  let place = (i / params.stride) % params.length;
  let start = i - place * params.stride;
  let position = f32(place);
  var maximum = exponent(start, 0u, position);
  for (var other = 1u; other < params.length; other++) {
    maximum = max(maximum, exponent(start, other, position));
  }
  // Blocks of 16 are added up on their own: rounding grows with the square root of the length.
  var sum = 0f;
  for (var first = 0u; first < params.length; first += 16u) {
    var block = 0f;
    for (var other = first; other < min(first + 16u, params.length); other++) {
      block += exponential(exponent(start, other, position) - maximum);
    }
    sum += block;
  }
  result[i] = maximum + logarithm(sum);
}
