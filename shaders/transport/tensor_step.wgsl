// One scaling step of one axis, in place: potentials += epsilon (log weights - log sums) from an offset on.
struct Params {
  origin: vec3u,
  size: u32,
  offset: u32,
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> log_sums: array<f32>;
@group(0) @binding(2) var<storage, read> log_weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> potentials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 64u + local.x;
  if (i < params.size) {
    let at = params.offset + i;
    potentials[at] += params.epsilon * (log_weights[at] - log_sums[i]);
  }
}
