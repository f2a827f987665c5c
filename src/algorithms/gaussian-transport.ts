/**
 * Transport between two Gaussians in closed form, entropic (Janati, Muzellec, Peyre, Cuturi 2020, with epsilon = 2 sigma^2) or
 * exact, on the host in float64. The cost is |x - y|^2, without the factor 1/2 that `gaussianBridge` has.
 */
import { InvalidInputError } from '../device/errors';
import { multiply } from '../kernels/mixture-reference';
import type { GaussianPair } from './gaussian-bridge';
import { symmetricEigen, symmetricFunction, symmetricRoot } from './symmetric-eigen';

/** The best plan between N(m0, S0) and N(m1, S1), which is a Gaussian itself. Matrices are row-major. */
export interface GaussianTransport {
  /** `min E |x - y|^2 + epsilon KL(plan | N0 x N1)`; W2^2 where epsilon is 0. */
  readonly value: number;
  /** E |x - y|^2 under the plan. */
  readonly transportCost: number;
  /** KL(plan | N0 x N1); infinite where epsilon is 0. */
  readonly divergence: number;
  /** A in `E[y | x] = m1 + A (x - m0)`: the transport map where epsilon is 0. */
  readonly conditionalMean: Float64Array;
  /** Cov(y | x), the same for all x. */
  readonly conditionalCovariance: Float64Array;
  /** Cov(x, y). */
  readonly crossCovariance: Float64Array;
}

/**
 * A = S0^-1/2 ((S0^1/2 S1 S0^1/2 + (epsilon / 4)^2)^1/2 - epsilon / 4) S0^-1/2. Throws `InvalidInputError` for covariances that
 * are not positive definite or of another size than the means, or a negative epsilon.
 */
export function gaussianTransport(pair: GaussianPair): GaussianTransport {
  const { sourceMean, sourceCovariance, targetMean, targetCovariance, epsilon } = pair;
  const d = sourceMean.length;
  if (!(epsilon >= 0 && Number.isFinite(epsilon)))
    throw new InvalidInputError('epsilon must be 0 or a positive number.', { field: 'epsilon' });
  if (targetMean.length !== d)
    throw new InvalidInputError('The two Gaussians must have one dimension.', { field: 'targetMean' });
  const logDeterminantOf = (matrix: ArrayLike<number>): number =>
    symmetricEigen(matrix, d).values.reduce((sum, value) => sum + Math.log(value), 0);
  for (const [field, covariance] of Object.entries({ sourceCovariance, targetCovariance })) {
    if (symmetricEigen(covariance, d).values.some((value) => !(value > 0)))
      throw new InvalidInputError(`${field} must be positive definite.`, { field });
  }
  const root = symmetricRoot(sourceCovariance, d);
  const inverseRoot = symmetricFunction(sourceCovariance, d, (value) => 1 / Math.sqrt(value));
  const inner = symmetrized(multiply(multiply(root, targetCovariance), root), d);
  const quarter = epsilon / 4;
  const shrunk = symmetricFunction(inner, d, (value) => value / (Math.sqrt(value + quarter ** 2) + quarter));
  const conditionalMean = symmetrized(multiply(multiply(inverseRoot, shrunk), inverseRoot), d);
  const conditionalCovariance = conditionalMean.map((value) => (epsilon / 2) * value);
  const crossCovariance = multiply(Float64Array.from(sourceCovariance), conditionalMean);
  let transportCost = 0;
  for (let k = 0; k < d; k++) {
    const variances = (sourceCovariance[k * (d + 1)] ?? NaN) + (targetCovariance[k * (d + 1)] ?? NaN);
    const shift = (sourceMean[k] ?? NaN) - (targetMean[k] ?? NaN);
    transportCost += shift ** 2 + variances - 2 * (crossCovariance[k * (d + 1)] ?? NaN);
  }
  const divergence =
    epsilon > 0 ? (logDeterminantOf(targetCovariance) - logDeterminantOf(conditionalCovariance)) / 2 : Infinity;
  const value = epsilon > 0 ? transportCost + epsilon * divergence : transportCost;
  return { value, transportCost, divergence, conditionalMean, conditionalCovariance, crossCovariance };
}

/** What rounding made a little unsymmetric. */
function symmetrized(matrix: Float64Array, d: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(matrix, (value, at) => (value + (matrix[(at % d) * d + Math.floor(at / d)] ?? NaN)) / 2);
}
