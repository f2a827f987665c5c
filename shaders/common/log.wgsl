// The natural logarithm to about 1.5 ULP for normal positive numbers, where WGSL's own may be off by 2^-21 near 1.
//
// x = 2^n m with m in [sqrt(1/2), sqrt(2)]. With f = m - 1 and s = f / (2 + f), log(m) = f - f^2/2 + s (f^2/2 + R(s^2)):
// the quotient only enters a correction, so the 2.5 ULP that WGSL allows a division do not matter.

const LN2_UPPER = 0.693359375f;
const LN2_UPPER_MINUS_LN2 = 2.1219444005469057e-4f;
const SQRT_HALF_BITS = 0x3f3504f3u;

/// log(x) for normal x > 0. Anything else is for the caller to keep out.
fn logarithm(x: f32) -> f32 {
  let shifted = bitcast<u32>(x) - SQRT_HALF_BITS;
  let n = f32(bitcast<i32>(shifted) >> 23u);
  let f = bitcast<f32>((shifted & 0x007fffffu) + SQRT_HALF_BITS) - 1f;
  let s = f / (2f + f);
  let z = s * s;
  let r = z * (0.6666666f + z * (0.4000097f + z * (0.28498787f + z * 0.24279079f)));
  let half = 0.5f * f * f;
  return n * LN2_UPPER + (f - (half - (s * (half + r) - n * LN2_UPPER_MINUS_LN2)));
}
