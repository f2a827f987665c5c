// One accelerated step up the dual of a fit of histograms, a workgroup for each histogram: the gradient is what is wanted of
// the plan's second marginal less what it has, each place has its own step size, and a histogram whose step goes against its
// gradient loses its momentum (O'Donoghue and Candes 2015).
import package::common::exp::exponential;

struct Params {
  origin: vec3u,
  places: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> log_sums: array<f32>; // [count, places]: log of the marginal, less the potential
@group(0) @binding(2) var<storage, read> wanted: array<f32>;   // [count, places]
@group(0) @binding(3) var<storage, read> metric: array<f32>;   // [count, places]
@group(0) @binding(4) var<storage, read_write> potential: array<f32>; // [count, places]: where the gradient is taken
@group(0) @binding(5) var<storage, read_write> previous: array<f32>;  // [count, places]: the step before
@group(0) @binding(6) var<storage, read_write> momentum: array<f32>;  // [count]
@group(0) @binding(7) var<storage, read_write> residual: array<f32>;  // [count]: L1 norm of the gradient

const LANES = 64u;
var<workgroup> sums: array<vec2f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let histogram = group.x + params.origin.x;
  let start = histogram * params.places;
  var sum = vec2f(0f); // residual, and the gradient times the step
  for (var j = local.x; j < params.places; j += LANES) {
    let at = start + j;
    let gradient = wanted[at] - exponential(potential[at] + log_sums[at]);
    let next = potential[at] + gradient / metric[at];
    sum += vec2f(abs(gradient), gradient * (next - previous[at]));
  }
  sums[local.x] = sum;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      sums[local.x] += sums[local.x + half];
    }
  }
  workgroupBarrier();
  let total = sums[0];
  let before = select(momentum[histogram], 1f, total.y < 0f);
  let after = 0.5f * (1f + sqrt(1f + 4f * before * before));
  let push = (before - 1f) / after;
  // momentum is written after everybody has read it.
  storageBarrier();
  workgroupBarrier();
  if (local.x == 0u) {
    momentum[histogram] = after;
    residual[histogram] = total.x;
  }
  for (var j = local.x; j < params.places; j += LANES) {
    let at = start + j;
    let gradient = wanted[at] - exponential(potential[at] + log_sums[at]);
    let next = potential[at] + gradient / metric[at];
    potential[at] = next + push * (next - previous[at]);
    previous[at] = next;
  }
}
