// The gradient of mean log c(x0) - mean log v(x1) in the log weight, r and L of each component, from weighted moments.
import constants::{DIMENSION, QUADRATIC};
import package::mixture::component::{Quadratic, diagonal, product};

struct Params {
  origin: vec3u,
  components: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> model: array<f32>; // [components, 1 + d + q]
@group(0) @binding(2) var<storage, read> source: array<f32>; // moments of x0 about 0, [components, 1 + d + q]
@group(0) @binding(3) var<storage, read> target_moments: array<f32>; // moments of x1 about r
@group(0) @binding(4) var<storage, read> potential: array<f32>; // forms of log v: Q = -1 / (epsilon S)
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>; // [components, 1 + d + q]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let component = (group.x + params.origin.x) * 64u + local;
  if (component >= params.components) {
    return;
  }
  let at = component * (1u + DIMENSION + QUADRATIC);
  let form = component * (1u + 2u * DIMENSION + QUADRATIC) + 1u + 2u * DIMENSION;
  let epsilon = params.epsilon;
  let mass = target_moments[at];
  gradient[at] = source[at] - mass;

  var curvature: Quadratic; // Q of log v
  var spread: Quadratic; // second moment of x1
  for (var i = 0u; i < QUADRATIC; i++) {
    curvature[i] = potential[form + i];
    spread[i] = target_moments[at + 1u + DIMENSION + i];
  }
  for (var i = 0u; i < DIMENSION; i++) {
    var pull = 0f;
    @if(!full) pull = curvature[i] * target_moments[at + 1u + i];
    @if(full) {
      for (var j = 0u; j < DIMENSION; j++) {
        pull += curvature[i * DIMENSION + j] * target_moments[at + 1u + j];
      }
    }
    gradient[at + 1u + i] = source[at + 1u + i] / epsilon + pull;
  }
  // In S: (second moment of x0 - epsilon^2 Q spread Q) / (2 epsilon) - mass epsilon Q / 2.
  var left = product(&curvature, &spread);
  let both = product(&left, &curvature);
  var slope: Quadratic;
  for (var i = 0u; i < QUADRATIC; i++) {
    slope[i] = 0.5f * (source[at + 1u + DIMENSION + i] / epsilon - epsilon * (both[i] + mass * curvature[i]));
  }
  // In L: twice the lower half of slope L; the diagonal is that of exp.
  @if(!full) {
    for (var i = 0u; i < DIMENSION; i++) {
      gradient[at + 1u + DIMENSION + i] = 2f * slope[i] * exp(2f * model[at + 1u + DIMENSION + i]);
    }
  }
  @if(full) {
    for (var i = 0u; i < DIMENSION; i++) {
      for (var j = 0u; j < DIMENSION; j++) {
        var total = 0f;
        for (var l = j; l < DIMENSION; l++) {
          var factor = model[at + 1u + DIMENSION + l * DIMENSION + j];
          if (l == j) {
            factor = exp(factor);
          }
          total += 2f * slope[i * DIMENSION + l] * factor;
        }
        if (j == i) {
          total *= exp(model[at + 1u + DIMENSION + diagonal(i)]);
        }
        gradient[at + 1u + DIMENSION + i * DIMENSION + j] = select(total, 0f, j > i);
      }
    }
  }
}
