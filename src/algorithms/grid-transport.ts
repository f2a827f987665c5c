/**
 * Entropic transport between many pairs of histograms on one grid at once, in the log domain with separable Gaussian sums.
 * The cost of p and q is `min <P, C> + epsilon sum P log P` over plans with marginals p and q, C the squared distance with
 * both sides of the grid 1 long. Potentials are kept over epsilon, on the side of q:
 * `W(p, q) = max_x epsilon (<x, q> - <p, log K e^x> + <p, log p>)` (Cuturi and Peyré 2016), K = exp(-C / epsilon).
 */
import { normalizedWeights } from '../data/weights';
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { logGaussianSums, type GridSize } from '../kernels/barycenter';
import { affine, combine, map } from '../kernels/elementwise';
import { reduceRows } from '../kernels/reduce';
import { marginalError } from '../kernels/transport';

/** A grid, and how much its transport is blurred. */
export interface TransportGrid extends GridSize {
  /** In the units of the cost: the sides of the grid are 1 long. */
  readonly epsilon: number;
}

/** Histograms on a device that mass is transported from. */
export interface SourceHistograms {
  readonly device: Device;
  readonly grid: TransportGrid;
  readonly count: number;
  /** Each sums to one: `[count, height * width]`. */
  readonly masses: Tensor;
  /** Their logarithms; a very low number where there is no mass. */
  readonly logMasses: Tensor;
  /** `<p, log p>` of each. */
  readonly negativeEntropies: readonly number[];
}

/** The logarithm of no mass: a finite number that every exponential takes to 0. */
const logOfNothing = -1e30;
/** Targets below this are taken for it, so that their potentials stay finite. */
const leastMass = 1e-30;

/**
 * Puts histograms onto a device, in the scope that is open. Throws `InvalidInputError` for none, for a wrong number of
 * masses, for masses that are negative, no numbers or all zero, for sums that are not one, and for an epsilon that is not positive.
 */
export function placeHistograms(
  device: Device,
  histograms: readonly ArrayLike<number>[],
  grid: TransportGrid,
): SourceHistograms {
  const places = grid.height * grid.width;
  if (!(grid.epsilon > 0 && Number.isFinite(grid.epsilon)))
    throw new InvalidInputError('epsilon must be a positive number.', { field: 'epsilon' });
  if (!(Number.isInteger(places) && grid.height >= 1 && grid.width >= 1))
    throw new InvalidInputError('A grid needs a whole number of rows and columns, one at least.', { field: 'grid' });
  if (histograms.length === 0)
    throw new InvalidInputError('There are no histograms: give at least one.', { field: 'histograms' });
  const masses = histograms.map((histogram, k) => {
    const name = `masses of histogram ${String(k + 1)}`;
    if (histogram.length === places) return normalizedWeights(histogram, { name });
    const message = `The ${name} are ${String(histogram.length)} instead of ${String(places)}: give all histograms the grid's size.`;
    throw new InvalidInputError(message, { field: 'histograms', index: k });
  });
  const shape = [masses.length, places];
  const flat = masses.flatMap((values) => Array.from(values));
  return {
    device,
    grid,
    count: masses.length,
    masses: device.tensor(flat, shape),
    logMasses: device.tensor(
      flat.map((mass) => (mass > 0 ? Math.log(mass) : logOfNothing)),
      shape,
    ),
    negativeEntropies: masses.map((values) =>
      values.reduce((sum, mass) => sum + (mass > 0 ? mass * Math.log(mass) : 0), 0),
    ),
  };
}

/** `log K e^x` for each histogram x of a matrix. */
function gaussianSums({ height, width, epsilon }: TransportGrid, x: Tensor): Tensor {
  const size = { height, width };
  const sharpness = (length: number): number => 1 / (Math.max(length, 2) - 1) ** 2 / epsilon;
  const down = height > 1 ? logGaussianSums(x, 'columns', sharpness(height), size) : x;
  return width > 1 ? logGaussianSums(down, 'rows', sharpness(width), size) : affine(down);
}

/** The log-sums of the plans of some potentials towards either side, without the potentials there. */
export interface GridLogSums {
  /** Towards the sources: `log K e^x`. */
  readonly sources: Tensor;
  /** Towards the targets, the sources' marginals being met: `log K^T (p / K e^x)`. */
  readonly targets: Tensor;
}

/** Both log-sums of potentials x, `[count, height * width]`; the plans' second marginals are `exp(x + targets)`. */
export function gridLogSums({ grid, logMasses }: SourceHistograms, potential: Tensor): GridLogSums {
  const sources = gaussianSums(grid, potential);
  return { sources, targets: gaussianSums(grid, combine(logMasses, sources, 'subtract')) };
}

/** `epsilon (<p, log p> - <p, log K e^x>)` of each pair: the dual value without its part of the targets. */
export async function sourceValues(sources: SourceHistograms, logSums: GridLogSums): Promise<number[]> {
  const { grid, masses, negativeEntropies } = sources;
  const sums = await reduceRows(combine(masses, logSums.sources, 'multiply'), 'sum').read();
  return negativeEntropies.map((entropy, i) => grid.epsilon * (entropy - (sums[i] ?? NaN)));
}

/** How far to iterate. */
export interface GridTransportOptions {
  /** Stop when the second marginals are this close in L1, on average. Default 1e-5. */
  readonly tolerance?: number;
  /** Default 200. */
  readonly maximumIterations?: number;
  /** Default 10. */
  readonly checkEvery?: number;
}

/** What Sinkhorn's iteration came to for each pair. */
export interface GridTransport {
  /** The dual value of each pair: never above its cost, and equal to it where the marginals are met. */
  readonly costs: readonly number[];
  /** L1 error of the second marginals, on average. */
  readonly marginalError: number;
  readonly iterations: number;
}

/** Sinkhorn's iteration for all pairs; `potential`, over epsilon on the side of the targets, is where it starts, and is changed. */
export async function matchTargets(
  sources: SourceHistograms,
  targets: Tensor,
  potential: Tensor,
  { tolerance = 1e-5, maximumIterations = 200, checkEvery = 10 }: GridTransportOptions = {},
): Promise<GridTransport> {
  const { device, count, grid } = sources;
  using _scope = device.scope();
  const logTargets = map(combine(targets, device.full(targets.shape, leastMass), 'maximum'), 'log');
  const errors = device.full([1], 0);
  for (let iteration = 0; ; iteration++) {
    using _inner = device.scope();
    const logSums = gridLogSums(sources, potential);
    if (iteration % checkEvery === 0 || iteration >= maximumIterations) {
      marginalError(combine(potential, logSums.targets, 'add'), targets, errors, 0);
      const error = ((await errors.read())[0] ?? NaN) / count;
      if (error <= tolerance || iteration >= maximumIterations) {
        const paired = await reduceRows(combine(potential, targets, 'multiply'), 'sum').read();
        const values = await sourceValues(sources, logSums);
        const costs = values.map((value, i) => value + grid.epsilon * (paired[i] ?? NaN));
        return { costs, marginalError: error, iterations: iteration };
      }
    }
    combine(logTargets, logSums.targets, 'subtract', { out: potential });
  }
}

/**
 * The Sinkhorn divergence `W(a, b) - W(a, a) / 2 - W(b, b) / 2` of each pair (Feydy et al. 2019): the cost without the bias
 * of epsilon, 0 where a = b. Errors as for `placeHistograms`.
 */
export async function gridDivergences(
  device: Device,
  first: readonly ArrayLike<number>[],
  second: readonly ArrayLike<number>[],
  grid: TransportGrid,
  options: GridTransportOptions = {},
): Promise<number[]> {
  if (first.length !== second.length)
    throw new InvalidInputError('A divergence needs as many histograms on either side.', { field: 'second' });
  using _scope = device.scope();
  const [a, b] = [placeHistograms(device, first, grid), placeHistograms(device, second, grid)];
  const cost = async (from: SourceHistograms, to: SourceHistograms): Promise<readonly number[]> =>
    (await matchTargets(from, to.masses, device.full(from.masses.shape, 0), options)).costs;
  const [between, ownFirst, ownSecond] = [await cost(a, b), await cost(a, a), await cost(b, b)];
  return between.map((value, i) => value - (ownFirst[i] ?? NaN) / 2 - (ownSecond[i] ?? NaN) / 2);
}
