// What a pass over a row carries along, by method, and how two parts of a row are joined.
//   threePass: (maximum, sum of exp(x - maximum)), the maximum found in a pass of its own
//   online:    the same in one pass, the sum rescaled whenever the maximum grows (Milakov and Gimelshein 2018)
//   twoPass:   (m, n) with the sum of exp(x) = m 2^n; rescaling is exact (Dukhan and Ablavatski 2020)
//   unshifted: (0, sum of exp(x)) as WGSL's own exp has it, overflow and all
import package::common::extended_exp::{decay, decay4, extended_exponential4, quotient4, scaled, scaled4, split4};

/// Quads that are added up one after the other before their sum is: many equal terms would be rounded the same way.
const BLOCK = 8u;

/// Below every logit that is allowed (|x| <= 1e38), and far enough from the end of f32 to be subtracted from them.
const LOWEST = -1.2e38f;

fn identity() -> vec2f {
  @if(threePass) return vec2f(LOWEST, 0f);
  @if(online) return vec2f(LOWEST, 0f);
  @if(twoPass) return vec2f(0f, LOWEST);
  @if(unshifted) return vec2f(0f);
}

fn largest(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn total(x: vec4f, inside: vec4<bool>) -> f32 {
  let kept = select(vec4f(0f), x, inside);
  return (kept.x + kept.y) + (kept.z + kept.w);
}

/// The first of the three passes.
fn include_maximum(state: vec2f, x: vec4f) -> vec2f {
  return vec2f(max(state.x, largest(x)), state.y);
}

/// exp(x - maximum), as the second of three passes adds it up. The rounding of x - maximum costs the sum nothing, because
/// where it is large the term is small; a term that is stored has to be exact by itself.
fn term4(x: vec4f, maximum: f32) -> vec4f {
  @if(reload) return quotient4(split4(x), split4(vec4f(maximum)));
  @if(!reload) return decay4(x - maximum);
}

/// Takes four columns into a state that is made in one pass.
fn include(state: vec2f, x: vec4f, inside: vec4<bool>) -> vec2f {
  @if(unshifted) return vec2f(0f, state.y + total(exp(x), inside));
  @if(online) {
    let maximum = max(state.x, largest(x));
    return vec2f(maximum, state.y * decay(state.x - maximum) + total(decay4(x - maximum), inside));
  }
  @if(twoPass) {
    let exponentials = extended_exponential4(x);
    let exponent = max(state.y, largest(exponentials.exponent));
    let sum = total(scaled4(exponentials.mantissa, exponentials.exponent - exponent), inside);
    return vec2f(scaled(state.x, state.y - exponent) + sum, exponent);
  }
}

/// Joins the states of two parts of a row.
fn merge(a: vec2f, b: vec2f) -> vec2f {
  @if(unshifted) return vec2f(0f, a.y + b.y);
  // In the first pass both sums are 0, in the second both maxima are the same.
  @if(threePass) return vec2f(max(a.x, b.x), a.y + b.y);
  @if(online) {
    let maximum = max(a.x, b.x);
    return vec2f(maximum, a.y * decay(a.x - maximum) + b.y * decay(b.x - maximum));
  }
  @if(twoPass) {
    let exponent = max(a.y, b.y);
    return vec2f(scaled(a.x, a.y - exponent) + scaled(b.x, b.y - exponent), exponent);
  }
}
