// Roots of unity to about an ULP. WGSL promises sin and cos only to 2^-11, so the angle, a fraction k / 2^bits of a turn, is
// brought to an eighth of a turn in integers, without rounding, and the rest is two short polynomials (Moshier, Cephes).

/// Complex product.
fn multiply(a: vec2f, b: vec2f) -> vec2f {
  return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

/// exp(-2 pi i k / 2^bits) for 0 <= k < 2^bits, bits < 32; with `inverse` its conjugate.
fn root(k: u32, bits: u32) -> vec2f {
  if (bits == 0u) {
    return vec2f(1f, 0f);
  }
  let turn = k << (32u - bits);
  let quadrant = (turn + 0x20000000u) >> 30u;
  let rest = bitcast<i32>(turn - (quadrant << 30u));
  let x = f32(rest) * 1.4629180792671596e-9f; // 2 pi / 2^32
  let z = x * x;
  let s = x + x * z * (-1.6666654611e-1f + z * (8.3321608736e-3f - z * 1.9515295891e-4f));
  let c = 1f - 0.5f * z + z * z * (4.166664568298827e-2f + z * (-1.388731625493765e-3f + z * 2.443315711809948e-5f));
  var turned = vec2f(c, s);
  if ((quadrant & 1u) == 1u) {
    turned = vec2f(-s, c);
  }
  if ((quadrant & 2u) == 2u) {
    turned = -turned;
  }
  @if(!inverse) turned.y = -turned.y;
  return turned;
}
