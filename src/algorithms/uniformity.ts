/**
 * Two ways to say how evenly representations cover the sphere: the log of the average pairwise Gaussian potential (Wang and
 * Isola 2020), and the quadratic Wasserstein distance between the Gaussian with their mean and covariance and N(0, I / d)
 * (Fang, Li, Sun, Wang, ICLR 2024), which is what the coordinates of uniform points on the sphere look like.
 */
import { InvalidInputError } from '../device/errors';
import { matrixShape, type Tensor } from '../device/tensor';
import { affine, axpy, combine, map } from '../kernels/elementwise';
import { matmul } from '../kernels/matmul';
import { reduceAll, reduceColumns, reduceRows } from '../kernels/reduce';
import { identityMatrix, matrixRoot, traceOf } from './matrix-root';

/** Both metrics of one set of representations. For both, smaller is more uniform. */
export interface UniformityMetrics {
  /** sqrt(|m|^2 + 1 + tr S - (2 / sqrt d) tr S^1/2): 0 for uniform points in the limit, sqrt 2 when all are the same. */
  readonly wasserstein: number;
  /** log mean exp(-2 |x - y|^2) over pairs of different points: about -4 for uniform points, 0 when all are the same. */
  readonly potential: number;
  /** |R R - S| / |S| of the covariance's root. */
  readonly residual: number;
  /** Steps of Newton and Schulz. */
  readonly iterations: number;
  /** Covariance of the unit vectors, `[d, d]`. */
  readonly covariance: Float64Array;
}

/** The most points that pairs are formed of: their matrix is stored. */
export const mostPoints = 4096;

/**
 * The rows of `[n, d]`, each scaled to length one. Throws `InvalidInputError` for fewer than two points, more than 4,096, or a row
 * that is zero or not finite.
 */
export async function unitRows(points: Tensor): Promise<Tensor> {
  const { device } = points;
  const [count, dimension] = matrixShape(points, 'representations');
  if (count < 2 || count > mostPoints) {
    throw new InvalidInputError(`Uniformity is measured on 2 to ${String(mostPoints)} points, not ${String(count)}.`, {
      field: 'representations',
    });
  }
  using scope = device.scope();
  const lengths = await map(reduceRows(map(points, 'square'), 'sum'), 'sqrt').read();
  for (const length of lengths) {
    if (!(length > 0 && Number.isFinite(length))) {
      throw new InvalidInputError('A representation has no direction: leave out rows that are zero or not finite.', {
        field: 'representations',
      });
    }
  }
  const column = device.tensor(lengths, [count, 1]);
  return scope.keep(combine(points, matmul(column, device.full([1, dimension], 1)), 'divide'));
}

/** Mean and covariance of unit vectors. */
export interface UnitMoments {
  /** `[d]`, on the host. */
  readonly mean: readonly number[];
  /** The points less their mean, `[n, d]`. */
  readonly centred: Tensor;
  /** `[d, d]`. */
  readonly covariance: Tensor;
}

/** The moments of unit vectors `[n, d]`, in the scope that is open. */
export async function unitMoments(unit: Tensor): Promise<UnitMoments> {
  const { device } = unit;
  const [count, dimension] = matrixShape(unit, 'representations');
  const sums = await reduceColumns(unit, 'sum').read();
  const mean = Array.from(sums, (sum) => sum / count);
  const spread = matmul(device.full([count, 1], 1), device.tensor(mean, [1, dimension]));
  const centred = axpy(-1, spread, unit);
  return { mean, centred, covariance: affine(matmul(centred, centred, { transposeA: true }), { scale: 1 / count }) };
}

/** -2 |x - y|^2 for all pairs of unit vectors, `[n, n]`. */
export const potentialExponents = (unit: Tensor): Tensor =>
  affine(matmul(unit, unit, { transposeB: true }), { scale: 4, offset: -4 });

/** The squared distance, from the moments and the trace of the covariance's root. */
export function distanceSquared(mean: readonly number[], variance: number, rootTrace: number): number {
  const norm = mean.reduce((sum, value) => sum + value * value, 0);
  return Math.max(0, norm + 1 + variance - (2 / Math.sqrt(mean.length)) * rootTrace);
}

/** Measures the rows of `[n, d]`, each scaled to length one first. Errors as for `unitRows`. */
export async function uniformityMetrics(points: Tensor): Promise<UniformityMetrics> {
  const { device } = points;
  using _scope = device.scope();
  const unit = await unitRows(points);
  const [count, dimension] = matrixShape(unit, 'representations');
  const { mean, covariance } = await unitMoments(unit);
  const { trace, residual, iterations } = await matrixRoot(covariance);
  const variance = await traceOf(covariance, identityMatrix(device, dimension));
  // The diagonal adds exp(0) a point, which is taken off the sum.
  const [logSum = NaN] = await reduceAll(potentialExponents(unit), 'logSumExp').read();
  const potential = Math.log(Math.max(Number.MIN_VALUE, Math.exp(logSum) - count) / (count * (count - 1)));
  return {
    wasserstein: Math.sqrt(distanceSquared(mean, variance, trace)),
    potential,
    residual,
    iterations,
    covariance: Float64Array.from(await covariance.read()),
  };
}
