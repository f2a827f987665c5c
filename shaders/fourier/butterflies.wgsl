// Discrete Fourier transforms of 2, 4 and 8 numbers in registers; with `inverse` the conjugate ones.

/// Times -i, or i with `inverse`.
fn quarter(a: vec2f) -> vec2f {
  @if(!inverse) return vec2f(a.y, -a.x);
  @if(inverse) return vec2f(-a.y, a.x);
}

fn transform_4(a: vec2f, b: vec2f, c: vec2f, d: vec2f) -> array<vec2f, 4> {
  let even = a + c;
  let odd = a - c;
  let sum = b + d;
  let turned = quarter(b - d);
  return array<vec2f, 4>(even + sum, odd + turned, even - sum, odd - turned);
}

fn transform_8(x: array<vec2f, 8>) -> array<vec2f, 8> {
  let even = transform_4(x[0], x[2], x[4], x[6]);
  let odd = transform_4(x[1], x[3], x[5], x[7]);
  const half = 0.7071067811865476f;
  // Times exp(-pi i / 4) and exp(-3 pi i / 4), or their conjugates.
  let first = half * (odd[1] + quarter(odd[1]));
  let second = quarter(odd[2]);
  let third = half * (quarter(odd[3]) - odd[3]);
  return array<vec2f, 8>(
    even[0] + odd[0], even[1] + first, even[2] + second, even[3] + third,
    even[0] - odd[0], even[1] - first, even[2] - second, even[3] - third,
  );
}
