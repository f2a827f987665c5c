// Each component's term as a quadratic q(x) = a + b (x - o) + (x - o) Q (x - o) / 2, so that log-sums, weights and
// gradients of all the functions of a model come from one kernel each. One invocation per component.
import constants::{DIMENSION, QUADRATIC};
import package::mixture::component::{Quadratic, diagonal, square_of_factor, invert, product};

struct Params {
  origin: vec3u,
  components: u32,
  epsilon: f32,
  time: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> model: array<f32>; // [components, 1 + d + q]: log weight, r, L
@group(0) @binding(2) var<storage, read_write> forms: array<f32>; // [components, 1 + 2 d + q]: a, o, b, Q

const LOG_TWO_PI = 1.8378770664093453f;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let component = (group.x + params.origin.x) * 64u + local;
  if (component >= params.components) {
    return;
  }
  let read = component * (1u + DIMENSION + QUADRATIC);
  let write = component * (1u + 2u * DIMENSION + QUADRATIC);
  let epsilon = params.epsilon;
  var factor: Quadratic;
  for (var i = 0u; i < QUADRATIC; i++) {
    factor[i] = model[read + 1u + DIMENSION + i];
  }
  var log_root = 0f; // log det L
  for (var i = 0u; i < DIMENSION; i++) {
    log_root += factor[diagonal(i)];
    factor[diagonal(i)] = exp(factor[diagonal(i)]);
  }
  var quadratic = square_of_factor(&factor);
  var constant = model[read];
  @if(potential) {
    constant -= 0.5f * f32(DIMENSION) * (LOG_TWO_PI + log(epsilon)) + log_root;
    let inverse = invert(quadratic);
    for (var i = 0u; i < QUADRATIC; i++) {
      quadratic[i] = -inverse.matrix[i];
    }
  }
  var square_norm = 0f;
  for (var i = 0u; i < DIMENSION; i++) {
    let r = model[read + 1u + i];
    square_norm += r * r;
    @if(normalizer) let place = 0f;
    @if(potential) let place = r;
    @if(bridge) let place = params.time * r;
    @if(potential) let slope = 0f;
    @if(!potential) let slope = r / epsilon;
    forms[write + 1u + i] = place;
    forms[write + 1u + DIMENSION + i] = slope;
  }
  @if(bridge) {
    // M = (1 - t) I + t S; Q = (S - I) / (epsilon M).
    var shifted = quadratic;
    for (var i = 0u; i < QUADRATIC; i++) {
      quadratic[i] *= params.time;
    }
    for (var i = 0u; i < DIMENSION; i++) {
      quadratic[diagonal(i)] += 1f - params.time;
      shifted[diagonal(i)] -= 1f;
    }
    var inverse = invert(quadratic);
    constant += 0.5f * (params.time * square_norm / epsilon - inverse.log_determinant);
    quadratic = product(&inverse.matrix, &shifted);
  }
  forms[write] = constant;
  for (var i = 0u; i < QUADRATIC; i++) {
    forms[write + 1u + 2u * DIMENSION + i] = quadratic[i] / epsilon;
  }
}
