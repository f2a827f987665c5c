// Two standard normal numbers from two random words (Box and Muller 1958). WGSL promises only 2^-11 for sin and cos and
// 2^-21 for log near one, so both are reduced to ranges where a short series is good to the last bits.

/// -ln(1 - x) for x in [0, 1).
fn negative_log_of_complement(x: f32) -> f32 {
  if (x >= 0.25) {
    return -log(1.0 - x);
  }
  // 2 artanh(s), s <= 1/7: the first term left out is below 4e-10 of the sum.
  let s = x / (2.0 - x);
  let square = s * s;
  return 2.0 * s * (1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square * (1.0 / 9.0)))));
}

/// (cos, sin) of 2 pi k / 2^24. The nearest quarter turn is taken off as an integer; Taylor series on [-pi/4, pi/4].
fn unit_circle(k: u32) -> vec2f {
  let quarter = (k + 0x200000u) >> 22u;
  let angle = f32(i32(k) - i32(quarter << 22u)) * (1.57079632679489662 / 4194304.0);
  let square = angle * angle;
  let sine = angle * (1.0 + square * (-1.0 / 6.0 + square * (1.0 / 120.0 + square * (-1.0 / 5040.0 + square * (1.0 / 362880.0)))));
  let cosine = 1.0 + square * (-1.0 / 2.0 + square * (1.0 / 24.0 + square * (-1.0 / 720.0 + square * (1.0 / 40320.0 + square * (-1.0 / 3628800.0)))));
  switch (quarter & 3u) {
    case 0u: { return vec2f(cosine, sine); }
    case 1u: { return vec2f(-sine, cosine); }
    case 2u: { return vec2f(-cosine, -sine); }
    default: { return vec2f(sine, -cosine); }
  }
}

/// Two independent standard normal numbers.
fn normals_from_words(first: u32, second: u32) -> vec2f {
  let radius_squared = 2.0 * negative_log_of_complement(f32(first >> 8u) * 0x1p-24f);
  if (radius_squared <= 0.0) {
    return vec2f(0.0);
  }
  return sqrt(radius_squared) * unit_circle(second >> 8u);
}
