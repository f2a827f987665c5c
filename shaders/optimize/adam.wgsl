// One step of Adam (Kingma and Ba 2015) for each parameter, in place.
struct Params {
  origin: vec3u,
  size: u32,
  rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  correction1: f32, // 1 / (1 - beta1^step)
  correction2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> moments: array<vec2f>; // first and second, side by side

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.x + params.origin.x) * 64u + local;
  if (i >= params.size) {
    return;
  }
  let slope = gradient[i];
  let first = params.beta1 * moments[i].x + (1f - params.beta1) * slope;
  let second = params.beta2 * moments[i].y + (1f - params.beta2) * slope * slope;
  moments[i] = vec2f(first, second);
  parameters[i] -= params.rate * params.correction1 * first / (sqrt(params.correction2 * second) + params.epsilon);
}
