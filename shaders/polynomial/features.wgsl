// Monomials of each row: features[row, t] = weights[t] * product of the row's entries that `factors[t]` names.
// `factors` has DEGREE entries for each monomial; one past the last column stands for 1.
import constants::DEGREE;

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  features: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> factors: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let feature = workgroup.x * 64u + local.x;
  let row = workgroup.y * 4u + local.y;
  if (feature >= params.features || row >= params.rows) { return; }
  var product = weights[feature];
  for (var factor = 0u; factor < u32(DEGREE); factor++) {
    let column = factors[feature * u32(DEGREE) + factor];
    product *= select(1f, x[row * params.columns + min(column, params.columns - 1u)], column < params.columns);
  }
  result[row * params.features + feature] = product;
}
