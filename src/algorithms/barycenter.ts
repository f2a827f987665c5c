/**
 * Entropic Wasserstein barycenters of histograms on a grid: iterative Bregman projections (Benamou et al. 2015) in the log
 * domain with separable Gaussian sums, so no cost matrix and no underflow; debiased on request (Janati et al. 2020).
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { normalizedWeights } from '../data/weights';
import { barycenterStep, logGaussianSums } from '../kernels/barycenter';
import { affine, combine } from '../kernels/elementwise';
import { marginalError } from '../kernels/transport';

/** Histograms on one grid. The cost between two places is their squared distance, in units where the longer side is 1. */
export interface BarycenterProblem {
  /** One array of `width * height` masses per histogram, each summing to one, row by row. */
  readonly histograms: readonly ArrayLike<number>[];
  readonly width: number;
  /** 1 for a histogram on a line. Default 1. */
  readonly height?: number;
}

/** How to solve. */
export interface BarycenterOptions {
  /** In `sum_k w_k min <P, C> + epsilon sum P log P`; the units of the cost. */
  readonly epsilon: number;
  /** Weights, not negative, summing to one. Asked for at every iteration, so they may change under the run. Default: all equal. */
  readonly weights?: () => readonly number[];
  /** Remove the blur of epsilon. Default false. */
  readonly debiased?: boolean;
  /** Stop when the marginals on the histograms' side are this close in L1, summed over all plans. Default 1e-5. */
  readonly tolerance?: number;
  /** Default 500. */
  readonly maximumIterations?: number;
  /** Default 10. */
  readonly checkEvery?: number;
  /** The potentials of an earlier result on the same histograms, to start from. */
  readonly start?: Float64Array;
}

/** Where the iteration stands. */
export interface BarycenterIteration {
  readonly iteration: number;
  /** L1 error of the marginals that are the histograms, summed over all plans. */
  readonly marginalError: number;
  /** The barycenter so far; it sums to one at the end. */
  readonly barycenter: Float64Array;
}

/** What came out. */
export interface BarycenterResult extends BarycenterIteration {
  readonly status: 'converged' | 'not-converged';
  /** `sum_k w_k (<a_k, f_k> + <barycenter, g_k>)`: the objective where it is not debiased. */
  readonly objective: number;
  /** The potentials over epsilon on the barycenter's side, histogram after histogram. */
  readonly potentials: Float64Array;
}

/** The logarithm of no mass: a finite number that every exponential takes to 0. */
const logOfNothing = -1e30;

/**
 * Iterates in the scope that is open. Throws `InvalidInputError` for histograms of different sizes, masses that are none and weights that do not sum to one.
 */
export async function* barycenter(
  device: Device,
  { histograms, width, height = 1 }: BarycenterProblem,
  options: BarycenterOptions,
): AsyncGenerator<BarycenterIteration, BarycenterResult> {
  const { epsilon, tolerance = 1e-5, maximumIterations = 500, checkEvery = 10, debiased = false } = options;
  const count = histograms.length;
  const size = width * height;
  if (!(epsilon > 0 && Number.isFinite(epsilon))) {
    throw new InvalidInputError('epsilon must be a positive number.', { field: 'epsilon' });
  }
  if (count === 0) throw new InvalidInputError('There are no histograms: give at least one.', { field: 'histograms' });
  const masses = histograms.flatMap((histogram, k) => {
    const name = `masses of histogram ${String(k + 1)}`;
    if (histogram.length !== size) {
      const message = `The ${name} are ${String(histogram.length)} instead of ${String(size)}: give all histograms the grid's size.`;
      throw new InvalidInputError(message, { field: 'histograms', index: k });
    }
    return Array.from(normalizedWeights(histogram, { name }));
  });
  const weightsNow = (): Float64Array =>
    normalizedWeights(checkedCount(options.weights?.() ?? new Array<number>(count).fill(1 / count), count), {
      name: 'barycenter weights',
    });

  const sharpness = 1 / (Math.max(width, height, 2) - 1) ** 2 / epsilon;
  const shape = [count, height, width];
  const weights = device.tensor(masses, shape);
  const logMasses = device.tensor(
    masses.map((mass) => (mass > 0 ? Math.log(mass) : logOfNothing)),
    shape,
  );
  const alpha = device.full(shape, 0);
  const beta = options.start === undefined ? device.full(shape, 0) : device.tensor(options.start, shape);
  const logBarycenter = device.full([1, height, width], 0);
  const prior = device.full([1, height, width], 0);
  const errors = device.full([1], 0);
  const sums = (x: Tensor): Tensor =>
    logGaussianSums(height > 1 ? logGaussianSums(x, 'columns', sharpness) : x, 'rows', sharpness);

  let state: BarycenterIteration = { iteration: 0, marginalError: Infinity, barycenter: new Float64Array(size) };
  let isDone = false;
  for (let iteration = 1; !isDone; iteration++) {
    using _scope = device.scope();
    const isCheck = iteration === 1 || iteration % checkEvery === 0 || iteration >= maximumIterations;
    const current = weightsNow();
    const rowSums = sums(beta);
    if (isCheck) marginalError(combine(alpha, rowSums, 'add'), weights, errors, 0);
    combine(logMasses, rowSums, 'subtract', { out: alpha });
    const logSums = sums(alpha);
    const placed = device.tensor(current, [count]);
    barycenterStep({ logSums, weights: placed, prior, potentials: beta, barycenter: logBarycenter });
    if (debiased) {
      // d satisfies d K d = barycenter; the square root keeps the iteration for it from swinging.
      const next = combine(combine(prior, logBarycenter, 'add'), sums(prior), 'subtract');
      affine(next, { scale: 0.5, out: prior });
    }
    if (!isCheck) {
      await device.flush();
      continue;
    }
    const error = (await errors.read())[0] ?? NaN;
    const values = Float64Array.from(await logBarycenter.read(), Math.exp);
    if (!values.every(Number.isFinite)) {
      const message = `The barycenter left the range of numbers at iteration ${String(iteration)}: raise epsilon.`;
      throw new DivergedError(message, { parameter: 'epsilon', iteration });
    }
    state = { iteration, marginalError: iteration === 1 ? Math.max(error, 2 * tolerance) : error, barycenter: values };
    yield state;
    isDone = state.marginalError <= tolerance || iteration >= maximumIterations;
  }
  return {
    ...state,
    status: state.marginalError <= tolerance ? 'converged' : 'not-converged',
    ...(await potentialsOf()),
  };

  async function potentialsOf(): Promise<Pick<BarycenterResult, 'objective' | 'potentials'>> {
    const [f, g] = [await alpha.read(), await beta.read()];
    const current = weightsNow();
    let total = 0;
    for (let at = 0; at < count * size; at++) {
      const mass = masses[at] ?? 0;
      const pair = (mass > 0 ? mass * (f[at] ?? NaN) : 0) + (state.barycenter[at % size] ?? NaN) * (g[at] ?? NaN);
      total += (current[Math.floor(at / size)] ?? NaN) * epsilon * pair;
    }
    return { objective: total, potentials: Float64Array.from(g) };
  }
}

function checkedCount(weights: readonly number[], count: number): readonly number[] {
  if (weights.length === count) return weights;
  const message = `There are ${String(weights.length)} barycenter weights for ${String(count)} histograms: give one each.`;
  throw new InvalidInputError(message, { field: 'weights' });
}

/** Runs to the end. Options and errors as for `barycenter`. */
export async function solveBarycenter(
  device: Device,
  problem: BarycenterProblem,
  options: BarycenterOptions,
): Promise<BarycenterResult> {
  const steps = barycenter(device, problem, options);
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value;
}
