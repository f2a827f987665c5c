// The exponential to 2.4e-7 relative, where WGSL's own may be off by 3 + 2|x| ULP.
//
// x = n ln2 + t with |t| <= ln2 / 2. The high part of ln2 has 9 significant bits, so n * LN2_HIGH is exact and no fused
// multiply-add is needed. exp(t) is a fifth-degree polynomial with relative error 1.1e-7, fitted for 1 + t + t^2 q(t).

const LOG2_E = 1.4426950408889634f;
const LN2_HIGH = 0.693359375f;
const LN2_HIGH_MINUS_LN2 = 2.1219444005469057e-4f;
/// Below this the result is exactly 0: what would follow are subnormal numbers, which a device may flush anyway.
const LOWEST_EXPONENT = -87f;
/// Above this the result stays at 2.2e38 instead of overflowing.
const HIGHEST_EXPONENT = 88.3f;
/// Added to a whole number of small size, this puts it into the lowest bits: a conversion to an integer would be clamped first.
const WHOLE = 12582912f;

fn exponential(x: f32) -> f32 {
  let clamped = clamp(x, LOWEST_EXPONENT, HIGHEST_EXPONENT);
  let n = round(clamped * LOG2_E);
  let t = (clamped - n * LN2_HIGH) + n * LN2_HIGH_MINUS_LN2;
  let q = ((0.008312503f * t + 0.041890334f) * t + 0.16667116f) * t + 0.4999923f;
  let power = bitcast<f32>((bitcast<i32>(n + WHOLE) + 127) << 23u);
  return select((1f + (t + t * t * q)) * power, 0f, x < LOWEST_EXPONENT);
}

/// `exponential` of each component.
fn exponential4(x: vec4f) -> vec4f {
  let clamped = clamp(x, vec4f(LOWEST_EXPONENT), vec4f(HIGHEST_EXPONENT));
  let n = round(clamped * LOG2_E);
  let t = (clamped - n * LN2_HIGH) + n * LN2_HIGH_MINUS_LN2;
  let q = ((0.008312503f * t + 0.041890334f) * t + 0.16667116f) * t + 0.4999923f;
  let power = bitcast<vec4f>((bitcast<vec4i>(n + WHOLE) + 127) << vec4u(23u));
  return select((1f + (t + t * t * q)) * power, vec4f(0f), x < vec4f(LOWEST_EXPONENT));
}

/// 2^x of each component to 2e-7 relative, for x of at most 126; what is below 2^-125 comes out near that.
fn power_of_two4(x: vec4f) -> vec4f {
  let clamped = max(x, vec4f(-125f));
  let n = round(clamped);
  let t = clamped - n;
  // 2^t = 1 + t q(t) for |t| <= 1/2, fitted to 9.2e-8 relative.
  let q = 0.693147f + t * (0.24022242f + t * (0.05550734f + t * (0.009671513f + t * 0.0013264715f)));
  return bitcast<vec4f>(bitcast<vec4i>(1f + t * q) + (bitcast<vec4i>(n + WHOLE) << vec4u(23u)));
}
