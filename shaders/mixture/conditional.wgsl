// Draws x1 given x0: a component by its share, then r + S x0 + sqrt(epsilon) L noise.
import constants::{DIMENSION, QUADRATIC};
import package::mixture::component::{Quadratic, diagonal};

struct Params {
  origin: vec3u,
  points: u32,
  components: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> model: array<f32>; // [components, 1 + d + q]
@group(0) @binding(2) var<storage, read> x: array<f32>; // [points, d]
@group(0) @binding(3) var<storage, read> weights: array<f32>; // [points, components]
@group(0) @binding(4) var<storage, read> uniforms: array<f32>; // [points]
@group(0) @binding(5) var<storage, read> noise: array<f32>; // [points, d]
@group(0) @binding(6) var<storage, read_write> result: array<f32>; // [points, d]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let point = (group.x + params.origin.x) * 64u + local;
  if (point >= params.points) {
    return;
  }
  // The last component with any weight stands in where rounding leaves the sum below the draw.
  var chosen = 0u;
  var cumulated = 0f;
  for (var component = 0u; component < params.components; component++) {
    let weight = weights[point * params.components + component];
    if (weight > 0f && cumulated <= uniforms[point]) {
      chosen = component;
    }
    cumulated += weight;
  }
  let at = chosen * (1u + DIMENSION + QUADRATIC) + 1u;
  let root = sqrt(params.epsilon);
  var factor: Quadratic;
  for (var i = 0u; i < QUADRATIC; i++) {
    factor[i] = model[at + DIMENSION + i];
  }
  for (var i = 0u; i < DIMENSION; i++) {
    factor[diagonal(i)] = exp(factor[diagonal(i)]);
  }
  // L (L^T x + sqrt(epsilon) noise)
  var inner: array<f32, DIMENSION>;
  for (var j = 0u; j < DIMENSION; j++) {
    var total = root * noise[point * DIMENSION + j];
    @if(!full) total += factor[j] * x[point * DIMENSION + j];
    @if(full) {
      for (var i = j; i < DIMENSION; i++) {
        total += factor[i * DIMENSION + j] * x[point * DIMENSION + i];
      }
    }
    inner[j] = total;
  }
  for (var i = 0u; i < DIMENSION; i++) {
    var total = model[at + i];
    @if(!full) total += factor[i] * inner[i];
    @if(full) {
      for (var j = 0u; j <= i; j++) {
        total += factor[i * DIMENSION + j] * inner[j];
      }
    }
    result[point * DIMENSION + i] = total;
  }
}
