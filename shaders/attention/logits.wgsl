// From similarities to logits: scale, soft cap, bias, and which pairs are hidden. All functions work on four pairs at once.
import package::attention::operands::{params, bias};
import package::common::exp::exponential4;

/// A hidden logit. Finite, because WGSL promises nothing about infinities.
const HIDDEN = -3.4e38f;
/// Where a running maximum starts: so far above HIDDEN that exp(HIDDEN - maximum) is 0 in a row that sees no key at all.
const FIRST_MAXIMUM = -3e38f;
/// A bias that low hides its pair, whatever the logit.
const HIDING_BIAS = -1e38f;

/// tanh: an odd polynomial near 0, where 1 - 2 / (exp(2x) + 1) would cancel (coefficients of Moshier's Cephes library).
fn hyperbolic_tangent(x: vec4f) -> vec4f {
  let size = min(abs(x), vec4f(10f));
  let z = size * size;
  let near = ((((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z + 1.33314422036e-1f) * z - 3.33332819422e-1f) * z * size + size;
  let far = 1f - 2f / (exponential4(2f * size) + 1f);
  return select(far, near, size < vec4f(0.625f)) * sign(x);
}

/// Similarities times the scale, kept within the soft cap.
@if(softCap)
fn scaled(products: vec4f) -> vec4f {
  return params.soft_cap * hyperbolic_tangent(products * (params.scale / params.soft_cap));
}
@else
fn scaled(products: vec4f) -> vec4f { return products * params.scale; }

/// How fast a capped logit follows its similarity: 1 - tanh^2.
@if(softCap)
fn cap_slope(capped: vec4f) -> vec4f {
  let t = capped / params.soft_cap;
  return (1f - t) * (1f + t);
}
@else
fn cap_slope(capped: vec4f) -> vec4f { return vec4f(1f); }

/// Adds the bias and hides what a query may not see; `is_edge` is false where every pair of the tile is in sight.
fn restricted(scaled_logits: vec4f, head: vec4u, query: vec4u, key: vec4u, is_edge: bool) -> vec4f {
  var result = scaled_logits;
  @if(bias) {
    let at = head * params.bias_head + min(query, vec4u(params.end_query - 1u)) * params.bias_row
      + min(key, vec4u(max(params.end_key, 1u) - 1u));
    let added = vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]);
    result = select(result + added, vec4f(HIDDEN), added < vec4f(HIDING_BIAS));
  }
  if (is_edge) {
    let position = vec4i(query) + params.offset;
    let place = vec4i(key);
    let visible = (place >= position - params.before) & (place <= position + params.after) & (key < vec4u(params.end_key));
    result = select(vec4f(HIDDEN), result, visible);
  }
  return result;
}

/// The logits of four queries (columns) and four keys (rows).
fn block_logits(products: mat4x4f, head: u32, queries_at: vec4u, keys_at: vec4u, is_edge: bool) -> mat4x4f {
  let h = vec4u(head);
  return mat4x4f(
    restricted(scaled(products[0]), h, vec4u(queries_at.x), keys_at, is_edge),
    restricted(scaled(products[1]), h, vec4u(queries_at.y), keys_at, is_edge),
    restricted(scaled(products[2]), h, vec4u(queries_at.z), keys_at, is_edge),
    restricted(scaled(products[3]), h, vec4u(queries_at.w), keys_at, is_edge),
  );
}
