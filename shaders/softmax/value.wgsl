// The value of a logit once its row's state is known: its share, with `log` the logarithm of the share, with `gradient`
// the derivative of the cross-entropy.
import package::common::extended_exp::{Split4, extended_exponential4, quotient4, scaled4, split4};
import package::common::log::logarithm;

/// What all columns of a row share.
struct Normalizer {
  maximum: Split4,
  /// The sum, with `log` its logarithm.
  sum: f32,
  exponent: f32,
}

fn normalizer(state: vec2f) -> Normalizer {
  @if(twoPass) return Normalizer(split4(vec4f(0f)), state.x, state.y);
  @if(!twoPass) {
    var sum = state.y;
    @if(log) { sum = logarithm(sum); }
    return Normalizer(split4(vec4f(state.x)), sum, 0f);
  }
}

fn value4(x: vec4f, row: Normalizer) -> vec4f {
  @if(unshifted) return exp(x) / row.sum;
  @if(twoPass) {
    let exponentials = extended_exponential4(x);
    return scaled4(exponentials.mantissa / row.sum, exponentials.exponent - row.exponent);
  }
  @if(log) return (x - row.maximum.value) - row.sum;
  @if(!unshifted && !twoPass && !log) return quotient4(split4(x), row.maximum) / row.sum;
}

@if(gradient) fn gradient4(x: vec4f, row: Normalizer, quad: u32, columns: u32, goal: u32, scale: f32) -> vec4f {
  if (goal >= columns) {
    return vec4f(0f);
  }
  let hit = 4u * quad + vec4u(0u, 1u, 2u, 3u) == vec4u(goal);
  return (value4(x, row) - select(vec4f(0f), vec4f(1f), hit)) * scale;
}
