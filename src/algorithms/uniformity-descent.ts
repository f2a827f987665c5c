/**
 * Points on the sphere that follow the gradient of a metric of uniformity, as representations do in training. For unit vectors
 * x_i with mean m and covariance S the squared distance to N(0, I / d) is 2 - (2 / sqrt d) tr S^1/2, and the derivative of
 * tr S^1/2 is S^-1/2 / 2: every point is pulled along S^-1/2 (x_i - m), in which a nearly empty direction counts as much as a
 * full one. The pairwise potential pulls along the sum of exp(-2 |x_i - x_j|^2) (x_i - x_j), which has no such factor.
 */
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { matrixShape, type Tensor } from '../device/tensor';
import { affine, axpy, combine, map } from '../kernels/elementwise';
import { matmul } from '../kernels/matmul';
import { reduceAll } from '../kernels/reduce';
import { identityMatrix, inverseMatrixRoot, traceOf } from './matrix-root';
import { distanceSquared, potentialExponents, unitMoments, unitRows } from './uniformity';

/** Which metric goes down. */
export type UniformityLoss = 'wasserstein' | 'potential';

/** Both metrics of unit vectors, the gradient of one of them, and how many directions are in use. */
export interface UniformityGradient {
  readonly wasserstein: number;
  readonly potential: number;
  /** (tr S)^2 / tr S^2 of the covariance: d where all directions are used alike, 1 for a line. */
  readonly effectiveRank: number;
  /** By the coordinates of the points, along the sphere, `[n, d]`. */
  readonly gradient: Tensor;
}

/** What is added to every eigenvalue of the covariance, in units of 1 / d, the eigenvalue of uniform points. */
const defaultRidge = 1e-4;

/** The gradient at unit vectors `[n, d]`, in the scope that is open. `ridge` keeps the inverse root of a singular covariance finite. */
export async function uniformityGradient(
  unit: Tensor,
  loss: UniformityLoss,
  ridge = defaultRidge,
): Promise<UniformityGradient> {
  const { device } = unit;
  const [count, dimension] = matrixShape(unit, 'representations');
  using scope = device.scope();
  const { mean, centred, covariance } = await unitMoments(unit);
  const identity = identityMatrix(device, dimension);
  const smallest = ridge / dimension;
  const { inverse } = await inverseMatrixRoot(axpy(smallest, identity, covariance), smallest);
  const variance = await traceOf(covariance, identity);
  const squares = await traceOf(covariance, covariance);
  const wasserstein = Math.sqrt(distanceSquared(mean, variance, await traceOf(covariance, inverse)));
  const weights = map(potentialExponents(unit), 'exp');
  const [sum = NaN] = await reduceAll(weights, 'sum').read();
  const pairs = Math.max(Number.MIN_VALUE, sum - count);
  // What lies along the point itself is taken off below, and with it the terms in x_i of both gradients.
  const raw =
    loss === 'wasserstein'
      ? affine(matmul(centred, inverse), {
          scale: -1 / (count * Math.sqrt(dimension) * Math.max(wasserstein, 1e-6)),
        })
      : affine(matmul(weights, unit), { scale: 8 / pairs });
  const along = matmul(combine(raw, unit, 'multiply'), device.full([dimension, dimension], 1));
  return {
    wasserstein,
    potential: Math.log(pairs / (count * (count - 1))),
    effectiveRank: squares > 0 ? variance ** 2 / squares : 0,
    gradient: scope.keep(axpy(-1, combine(along, unit, 'multiply'), raw)),
  };
}

/** Where a descent stands. */
export interface UniformityStep extends Omit<UniformityGradient, 'gradient'> {
  /** 0 is before the first step. */
  readonly step: number;
  /** The unit vectors, one after the other. */
  readonly points: ArrayLike<number>;
}

/** How to descend. */
export interface UniformityDescentOptions {
  readonly steps: number;
  /** Root mean square length of the first step, in radians; later ones are shorter, down to nothing. Default 0.08. */
  readonly stepLength?: number;
  readonly ridge?: number;
}

/**
 * Descends from the rows of `[n, d]`, scaled to length one. All steps of one number are equally long whatever the metric, so that
 * only their directions differ. Errors as for `unitRows`.
 */
export async function* uniformityDescent(
  device: Device,
  points: { readonly values: ArrayLike<number>; readonly count: number; readonly dimension: number },
  loss: UniformityLoss,
  { steps, stepLength = 0.08, ridge }: UniformityDescentOptions,
): AsyncGenerator<UniformityStep, void> {
  if (!Number.isInteger(steps) || steps < 1 || !(stepLength > 0))
    throw new InvalidInputError('A descent takes one step or more, of positive length.', { field: 'steps' });
  let values: ArrayLike<number> = points.values;
  for (let step = 0; step <= steps; step++) {
    const length = stepLength * (1 - step / steps);
    const { next, ...reached } = await stepDown(device, { ...points, values }, loss, length, ridge);
    values = next;
    // No scope is open here: another descent may go on beside this one.
    yield { step, ...reached };
  }
}

async function stepDown(
  device: Device,
  {
    values,
    count,
    dimension,
  }: { readonly values: ArrayLike<number>; readonly count: number; readonly dimension: number },
  loss: UniformityLoss,
  length: number,
  ridge?: number,
): Promise<Omit<UniformityStep, 'step'> & { readonly next: ArrayLike<number> }> {
  using _scope = device.scope();
  const unit = await unitRows(device.tensor(values, [count, dimension]));
  const { gradient, ...metrics } = await uniformityGradient(unit, loss, ridge);
  const [total = 0] = await reduceAll(map(gradient, 'square'), 'sum').read();
  const scale = total > 0 ? length / Math.sqrt(total / count) : 0;
  return { ...metrics, points: await unit.read(), next: await axpy(-scale, gradient, unit).read() };
}
