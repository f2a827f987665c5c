// Exponentials to 1.5e-7 relative over ranges where exp itself overflows or its argument is inexact, without a fused
// multiply-add. ln 2 = LN2_HIGH - LN2_MIDDLE - LN2_LOW with 9, 9 and 24 significant bits, so that the first two products
// with a whole number n are exact up to |n| = 37,700. Factors that enter two products are made twice (by way of i32):
// a compiler that reassociates could otherwise join what is kept apart here.

import package::common::exp::WHOLE;

/// WHOLE as it lies in memory.
const WHOLE_BITS = 0x4b400000i;
const LOG2_E = 1.4426950408889634f;
const LN2_HIGH = 0.693359375f;
const LN2_MIDDLE = 2.1219253540039062e-4f;
const LN2_LOW = 1.9046542e-9f;
/// No reduced argument is larger. Where x is too large to be reduced exactly this keeps the mantissa a mantissa.
const LARGEST_PART = 0.36f;
/// Powers below 2^-252 times anything here are zero in f32.
const LOWEST_POWER = -252f;
/// The exponential of anything below is zero as well.
const LOWEST_ARGUMENT = -180f;
/// From here on an f32 is a multiple of 1/8.
const EIGHTHS_END = 1048576f;

/// A whole number of at most 2^22 as an integer; of larger ones something finite. A conversion would be clamped, for the same.
fn whole(n: f32) -> i32 { return bitcast<i32>(n + WHOLE) - WHOLE_BITS; }
fn whole4(n: vec4f) -> vec4i { return bitcast<vec4i>(n + WHOLE) - WHOLE_BITS; }

/// exp(t) for |t| <= 0.36, relative error 3.3e-9 before rounding (fitted for 1 + t + t^2 q(t)).
fn mantissa4(t: vec4f) -> vec4f {
  let q = (((0.00138131611f * t + 0.00836941041f) * t + 0.041668456f) * t + 0.166665152f) * t + 0.49999994f;
  return 1f + (t + t * t * q);
}

/// m 2^k for whole k <= 0 of any size; in two steps, so that only the result can be subnormal.
fn scaled4(m: vec4f, k: vec4f) -> vec4f {
  let power = whole4(max(k, vec4f(LOWEST_POWER)));
  let half = power >> vec4u(1u);
  return (m * bitcast<vec4f>((half + 127) << vec4u(23u))) * bitcast<vec4f>((power - half + 127) << vec4u(23u));
}

fn scaled(m: f32, k: f32) -> f32 {
  let power = whole(max(k, LOWEST_POWER));
  let half = power >> 1u;
  return (m * bitcast<f32>((half + 127) << 23u)) * bitcast<f32>((power - half + 127) << 23u);
}

/// exp(x) = mantissa * 2^exponent, the mantissa between 0.69 and 1.44: nothing overflows for |x| <= 1e38.
struct Extended4 {
  mantissa: vec4f,
  exponent: vec4f,
}

/// Relative error below 1.5e-7 for |x| <= 26,000.
fn extended_exponential4(x: vec4f) -> Extended4 {
  let n = round(x * LOG2_E);
  let again = vec4f(whole4(n));
  let t = ((x - n * LN2_HIGH) + again * LN2_MIDDLE) + again * LN2_LOW;
  return Extended4(mantissa4(clamp(t, vec4f(-LARGEST_PART), vec4f(LARGEST_PART))), n);
}

/// exp(d) for d <= 0.
fn decay4(d: vec4f) -> vec4f {
  let n = round(max(d, vec4f(LOWEST_ARGUMENT)) * LOG2_E);
  let t = (d - n * LN2_HIGH) + vec4f(whole4(n)) * (LN2_MIDDLE + LN2_LOW);
  return scaled4(mantissa4(clamp(t, vec4f(-LARGEST_PART), vec4f(LARGEST_PART))), n);
}

/// exp(d) for d <= 0.
fn decay(d: f32) -> f32 {
  let n = round(max(d, LOWEST_ARGUMENT) * LOG2_E);
  let t = clamp((d - n * LN2_HIGH) + f32(whole(n)) * (LN2_MIDDLE + LN2_LOW), -LARGEST_PART, LARGEST_PART);
  let q = (((0.00138131611f * t + 0.00836941041f) * t + 0.041668456f) * t + 0.166665152f) * t + 0.49999994f;
  return scaled(1f + (t + t * t * q), n);
}

/// A number as a multiple of 1/8 and a rest of at most 1/16.
struct Split4 {
  value: vec4f,
  high: vec4f,
  low: vec4f,
}

fn split4(x: vec4f) -> Split4 {
  let eighths = round(clamp(x, vec4f(-EIGHTHS_END), vec4f(EIGHTHS_END)) * 8f);
  let coarse = abs(x) >= vec4f(EIGHTHS_END);
  let rest = x - vec4f(vec4i(eighths)) * 0.125f;
  return Split4(x, select(eighths * 0.125f, x, coarse), select(rest, vec4f(0f), coarse));
}

/// exp(x - y) for x <= y, relative error below 1.5e-7 even where x - y is not an f32: its rounding would cost 4e-6 near -80.
fn quotient4(x: Split4, y: Split4) -> vec4f {
  let n = round(max(x.value - y.value, vec4f(LOWEST_ARGUMENT)) * LOG2_E);
  let t = ((x.high - y.high) - n * LN2_HIGH) + ((x.low - y.low) + vec4f(whole4(n)) * (LN2_MIDDLE + LN2_LOW));
  return scaled4(mantissa4(clamp(t, vec4f(-LARGEST_PART), vec4f(LARGEST_PART))), n);
}
