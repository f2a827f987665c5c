// Philox4x32-10, a counter-based random generator (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A block of four words is a pure function of the counter and of the key (seed, stream).

const MULTIPLIER_0: u32 = 0xD2511F53u;
const MULTIPLIER_1: u32 = 0xCD9E8D57u;
const WEYL_0: u32 = 0x9E3779B9u;
const WEYL_1: u32 = 0xBB67AE85u;

/// The upper 32 bits of a 64-bit product, by 16-bit halves.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xFFFFu;
  let a_high = a >> 16u;
  let b_low = b & 0xFFFFu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let carry = a_low * b_high + (middle & 0xFFFFu);
  return a_high * b_high + (middle >> 16u) + (carry >> 16u);
}

/// The four words at a counter.
fn philox(start: vec4u, seed: u32, stream: u32) -> vec4u {
  var counter = start;
  var key = vec2u(seed, stream);
  for (var round = 0u; round < 10u; round++) {
    let low_0 = MULTIPLIER_0 * counter.x;
    let high_0 = multiply_high(MULTIPLIER_0, counter.x);
    let low_1 = MULTIPLIER_1 * counter.z;
    let high_1 = multiply_high(MULTIPLIER_1, counter.z);
    counter = vec4u(high_1 ^ counter.y ^ key.x, low_1, high_0 ^ counter.w ^ key.y, low_0);
    key += vec2u(WEYL_0, WEYL_1);
  }
  return counter;
}

/// The words 4 * block to 4 * block + 3 of a stream.
fn random_words(block: u32, seed: u32, stream: u32) -> vec4u {
  return philox(vec4u(block, 0u, 0u, 0u), seed, stream);
}

/// Uniform on [0, 1) with 24 bits: exact in f32.
fn uniform_from_word(word: u32) -> f32 {
  return f32(word >> 8u) * 0x1p-24f;
}
