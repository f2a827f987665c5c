// scale * sum_k w_k(x) (b_k + Q_k (x - o_k)): the gradient of the log-sum, for each point and coordinate.
import constants::{DIMENSION, QUADRATIC};

struct Params {
  origin: vec3u,
  points: u32,
  components: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [points, d]
@group(0) @binding(2) var<storage, read> forms: array<f32>; // [components, 1 + 2 d + q]
@group(0) @binding(3) var<storage, read> weights: array<f32>; // [points, components]
@group(0) @binding(4) var<storage, read_write> result: array<f32>; // [points, d]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = (group.x + params.origin.x) * 64u + local;
  let point = entry / DIMENSION;
  let i = entry % DIMENSION;
  if (point >= params.points) {
    return;
  }
  var total = 0f;
  for (var component = 0u; component < params.components; component++) {
    let form = component * (1u + 2u * DIMENSION + QUADRATIC);
    let quadratic = form + 1u + 2u * DIMENSION;
    var slope = forms[form + 1u + DIMENSION + i];
    @if(!full) slope += forms[quadratic + i] * (x[entry] - forms[form + 1u + i]);
    @if(full) {
      for (var j = 0u; j < DIMENSION; j++) {
        slope += forms[quadratic + i * DIMENSION + j] * (x[point * DIMENSION + j] - forms[form + 1u + j]);
      }
    }
    total += weights[point * params.components + component] * slope;
  }
  result[entry] = params.scale * total;
}
