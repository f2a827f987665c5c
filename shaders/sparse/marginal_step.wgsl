// The step that Sinkhorn takes on one side of a stored plan: log(weight / sum) there, nothing on the other side.
import package::common::log::logarithm;

struct Params {
  origin: vec3u,
  size: u32,
  start: u32,
  end: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> step: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 64u + local.x;
  if (i >= params.size) {
    return;
  }
  var change = 0f;
  if (i >= params.start && i < params.end) {
    change = logarithm(weights[i] / max(sums[i], 1e-37f));
  }
  step[i] = change;
}
