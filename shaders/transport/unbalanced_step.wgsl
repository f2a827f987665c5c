// One scaling step with a penalty on the marginal instead of a constraint, in place. The potential is f + base, where base is
// epsilon times the logarithm of the reference measure; the proximal step is on f. Beside it goes the mass that the step
// creates or destroys, which is 0 where the iteration has ended.
import package::common::exp::exponential;

struct Params {
  origin: vec3u,
  size: u32,
  epsilon: f32,
  /// rho / (rho + epsilon) for a Kullback-Leibler penalty, 1 for a constraint.
  damping: f32,
  /// Where f is cut off for a total variation penalty.
  limit: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> log_sums: array<f32>;
@group(0) @binding(2) var<storage, read> log_weights: array<f32>;
@group(0) @binding(3) var<storage, read> base: array<f32>;
@group(0) @binding(4) var<storage, read_write> potential: array<f32>;
@group(0) @binding(5) var<storage, read_write> moved: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 64u + local.x;
  if (i >= params.size) {
    return;
  }
  let f = potential[i] - base[i];
  let free = params.epsilon * (log_weights[i] - log_sums[i]);
  // The difference to f is formed before f is added, so that near the end it keeps its digits.
  @if(!totalVariation) let change = params.damping * free - (1f - params.damping) * f;
  @if(totalVariation) let change = clamp(f + free, -params.limit, params.limit) - f;
  potential[i] += change;
  moved[i] = abs(exponential(log_sums[i] + change / params.epsilon) - exponential(log_sums[i]));
}
