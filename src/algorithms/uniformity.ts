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
 * Measures the rows of `[n, d]`, each scaled to length one first. Throws `InvalidInputError` for fewer than two points, more than
 * 4,096, or a row that is zero or not finite.
 */
export async function uniformityMetrics(points: Tensor): Promise<UniformityMetrics> {
  const { device } = points;
  const [count, dimension] = matrixShape(points, 'representations');
  if (count < 2 || count > mostPoints) {
    throw new InvalidInputError(`Uniformity is measured on 2 to ${String(mostPoints)} points, not ${String(count)}.`, {
      field: 'representations',
    });
  }
  using _scope = device.scope();
  const ones = device.full([count, 1], 1);
  const acrossRow = device.full([1, dimension], 1);
  const lengths = map(reduceRows(map(points, 'square'), 'sum'), 'sqrt');
  for (const length of await lengths.read()) {
    if (!(length > 0 && Number.isFinite(length))) {
      throw new InvalidInputError('A representation has no direction: leave out rows that are zero or not finite.', {
        field: 'representations',
      });
    }
  }
  const column = device.tensor(await lengths.read(), [count, 1]);
  const unit = combine(points, matmul(column, acrossRow), 'divide');

  const sums = await reduceColumns(unit, 'sum').read();
  const mean = Array.from(sums, (sum) => sum / count);
  const centred = axpy(-1, matmul(ones, device.tensor(mean, [1, dimension])), unit);
  const covariance = affine(matmul(centred, centred, { transposeA: true }), { scale: 1 / count });
  const { trace, residual, iterations } = await matrixRoot(covariance);
  const variance = await traceOf(covariance, identityMatrix(device, dimension));
  const square =
    mean.reduce((sum, value) => sum + value * value, 0) + 1 + variance - (2 / Math.sqrt(dimension)) * trace;

  // |x - y|^2 = 2 - 2 x y on the sphere. The diagonal adds exp(0) a point, which is taken off the sum.
  const exponents = affine(matmul(unit, unit, { transposeB: true }), { scale: 4, offset: -4 });
  const [logSum = NaN] = await reduceAll(exponents, 'logSumExp').read();
  const potential = Math.log(Math.max(Number.MIN_VALUE, Math.exp(logSum) - count) / (count * (count - 1)));
  return {
    wasserstein: Math.sqrt(Math.max(0, square)),
    potential,
    residual,
    iterations,
    covariance: Float64Array.from(await covariance.read()),
  };
}
