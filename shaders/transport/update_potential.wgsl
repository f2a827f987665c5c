// One scaling step, in place: f_i += epsilon (log a_i - log of the plan's row sum).
struct Params {
  origin: vec3u,
  size: u32,
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> log_sums: array<f32>;
@group(0) @binding(2) var<storage, read> log_weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> potential: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let i = workgroup.x * 64u + local.x;
  if (i < params.size) {
    potential[i] += params.epsilon * (log_weights[i] - log_sums[i]);
  }
}
