/** The Schroedinger bridge between two Gaussians in closed form, in float64: one component of a light bridge is exact there. */
import { InvalidInputError } from '../device/errors';
import { multiply } from '../kernels/mixture-reference';
import { symmetricEigen, symmetricFunction, symmetricRoot } from './symmetric-eigen';

/** Two Gaussians and the variance of the reference process: cost |x - y|^2 / 2 with weight epsilon on the entropy. */
export interface GaussianPair {
  readonly sourceMean: ArrayLike<number>;
  readonly sourceCovariance: ArrayLike<number>;
  readonly targetMean: ArrayLike<number>;
  readonly targetCovariance: ArrayLike<number>;
  readonly epsilon: number;
}

/** x1 given x0 is N(r + S x0, epsilon S). */
export interface GaussianBridge {
  /** r, `[d]`. */
  readonly center: Float64Array;
  /** S, `[d, d]`. */
  readonly matrix: Float64Array;
  /** E log c(x0) - E log v(x1), the least that the loss of a light bridge can be. */
  readonly loss: number;
}

/**
 * S = S0^-1/2 ((S0^1/2 S1 S0^1/2 + epsilon^2 / 4)^1/2 - epsilon / 2) S0^-1/2 and r = m1 - S m0. Throws `InvalidInputError` for a
 * source covariance that is not positive definite, or epsilon that is not positive.
 */
export function gaussianBridge(pair: GaussianPair): GaussianBridge {
  const { sourceMean, sourceCovariance, targetMean, targetCovariance, epsilon } = pair;
  const d = sourceMean.length;
  if (!(epsilon > 0)) throw new InvalidInputError('epsilon must be a positive number.', { field: 'epsilon' });
  if (symmetricEigen(sourceCovariance, d).values.some((value) => !(value > 0)))
    throw new InvalidInputError('The source covariance must be positive definite.', { field: 'sourceCovariance' });
  const root = symmetricRoot(sourceCovariance, d);
  const inverseRoot = symmetricFunction(sourceCovariance, d, (value) => 1 / Math.sqrt(value));
  const inner = symmetrized(multiply(multiply(root, targetCovariance), root));
  const shifted = symmetricFunction(inner, d, (value) => Math.sqrt(value + epsilon ** 2 / 4) - epsilon / 2);
  const matrix = symmetrized(multiply(multiply(inverseRoot, shifted), inverseRoot));
  const mapped = multiply(matrix, sourceMean);
  const center = Float64Array.from({ length: d }, (_, i) => (targetMean[i] ?? NaN) - (mapped[i] ?? NaN));

  // E log c = (tr S (S0 + m0 m0') + 2 r' m0) / 2 epsilon; -E log v = (d log 2 pi epsilon + log det S + tr S^-1 (S1 + (m1 - r)(m1 - r)') / epsilon) / 2.
  const moment = (covariance: ArrayLike<number>, mean: ArrayLike<number>): Float64Array =>
    Float64Array.from(covariance, (value, at) => value + (mean[Math.floor(at / d)] ?? NaN) * (mean[at % d] ?? NaN));
  const { values } = symmetricEigen(matrix, d);
  const inverse = symmetricFunction(matrix, d, (value) => 1 / value);
  const logNormalizer =
    (dot(matrix, moment(sourceCovariance, sourceMean)) + 2 * dot(center, sourceMean)) / (2 * epsilon);
  const logDeterminant = values.reduce((sum, value) => sum + Math.log(value), 0);
  const quadratic = dot(inverse, moment(targetCovariance, mapped)) / epsilon;
  const loss = logNormalizer + 0.5 * (d * Math.log(2 * Math.PI * epsilon) + logDeterminant + quadratic);
  return { center, matrix, loss };
}

function symmetrized(matrix: Float64Array): Float64Array<ArrayBuffer> {
  const d = Math.sqrt(matrix.length);
  return Float64Array.from(matrix, (value, at) => (value + (matrix[(at % d) * d + Math.floor(at / d)] ?? NaN)) / 2);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? NaN) * (b[i] ?? NaN);
  return sum;
}
