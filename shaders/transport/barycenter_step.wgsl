// The barycenter's step over all plans: the logarithm of the barycenter is the weighted mean of the plans' log-sums (plus a
// prior where it is debiased), and every potential becomes what its plan lacks to have the barycenter as its marginal.
struct Params {
  origin: vec3u,
  /// Elements of one histogram.
  size: u32,
  count: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> log_sums: array<f32>; // [count, size]
@group(0) @binding(2) var<storage, read> weights: array<f32>;  // [count]
@group(0) @binding(3) var<storage, read> prior: array<f32>;    // [size]
@group(0) @binding(4) var<storage, read_write> potentials: array<f32>; // [count, size]
@group(0) @binding(5) var<storage, read_write> barycenter: array<f32>; // [size]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 64u + local.x;
  if (i >= params.size) {
    return;
  }
  var mean = prior[i];
  for (var k = 0u; k < params.count; k++) {
    mean += weights[k] * log_sums[k * params.size + i];
  }
  for (var k = 0u; k < params.count; k++) {
    potentials[k * params.size + i] = mean - log_sums[k * params.size + i];
  }
  barycenter[i] = mean;
}
