// log of a sum of exponentials, kept as (largest term, sum relative to it) so that nothing overflows or underflows.
import package::common::exp::exponential;
import package::common::log::logarithm;

/// Stands for minus infinity, which WGSL does not promise to keep.
const LOWEST = -3.0e38f;

/// The value is exp(maximum) * sum. A sum over nothing is `LogSum(LOWEST, 0)`.
struct LogSum {
  maximum: f32,
  sum: f32,
}

/// Adds two sums; the order of a and b does not change the result.
fn merge(a: LogSum, b: LogSum) -> LogSum {
  let maximum = max(a.maximum, b.maximum);
  return LogSum(
    maximum,
    a.sum * exponential(a.maximum - maximum) + b.sum * exponential(b.maximum - maximum),
  );
}

/// The logarithm of a sum, `LOWEST` for a sum over nothing.
fn log_of(a: LogSum) -> f32 {
  if (a.sum <= 0f) {
    return LOWEST;
  }
  return a.maximum + logarithm(a.sum);
}
