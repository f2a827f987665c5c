// The mean and the inverse deviation of a row, LANES invocations a row, and sums over rows as trees of fixed shape.
import constants::{LANES, ROWS};

@group(0) @binding(1) var<storage, read> x: array<f32>;

var<workgroup> partial: array<array<vec2f, LANES>, ROWS>;

// Terms that one invocation adds up before it goes on with a new sum.
const BLOCK = 256u;

/// A row's mean in two parts, mean + correction, and 1 / sqrt(variance + epsilon).
struct Moments {
  mean: f32,
  correction: f32,
  inverse: f32,
}

/// The sums over all invocations of a row. Every invocation of the workgroup has to call it.
fn join(local: vec2u, sums: vec2f) -> vec2f {
  partial[local.y][local.x] = sums;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      partial[local.y][local.x] += partial[local.y][local.x + half];
    }
  }
  workgroupBarrier();
  let joined = partial[local.y][0];
  workgroupBarrier();
  return joined;
}

/// The moments of the row that begins at element `start`: the mean, then deviations from it and their squares. The sum of
/// the deviations, 0 but for rounding, corrects both (Chan, Golub, LeVeque, 1983, the corrected two-pass algorithm).
/// Without `centred` the mean is taken to be 0.
fn moments(start: u32, columns: u32, epsilon: f32, local: vec2u) -> Moments {
  let count = f32(columns);
  var mean = 0f;
  @if(centred) {
    var sum = 0f;
    for (var first = local.x; first < columns; first += BLOCK * LANES) {
      var block = 0f;
      for (var column = first; column < min(first + BLOCK * LANES, columns); column += LANES) {
        block += x[start + column];
      }
      sum += block;
    }
    mean = join(local, vec2f(sum, 0f)).x / count;
  }
  var sums = vec2f();
  for (var first = local.x; first < columns; first += BLOCK * LANES) {
    var block = vec2f();
    for (var column = first; column < min(first + BLOCK * LANES, columns); column += LANES) {
      let deviation = x[start + column] - mean;
      block += vec2f(deviation, deviation * deviation);
    }
    sums += block;
  }
  sums = join(local, sums) / count;
  var correction = 0f;
  @if(centred) { correction = sums.x; }
  let variance = max(sums.y - correction * correction, 0f);
  return Moments(mean, correction, 1f / sqrt(variance + epsilon));
}

fn load(index: u32) -> f32 {
  return x[index];
}

fn normalized(value: f32, row: Moments) -> f32 {
  return (value - row.mean - row.correction) * row.inverse;
}
