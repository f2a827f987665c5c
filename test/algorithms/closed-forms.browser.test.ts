/** Transport on a line and between Gaussians: closed forms against golden numbers, and Sinkhorn against them on both devices. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { gaussianTransport } from '../../src/algorithms/gaussian-transport';
import { lineTransport } from '../../src/algorithms/line-transport';
import { solveSinkhorn } from '../../src/algorithms/sinkhorn';
import bridges from '../golden/ot-bridge.json';
import golden from '../golden/ot-closed-forms.json';
import { openReference, openTestDevice } from '../support/device';
import { float32Exact } from '../support/golden-transport';

const gpu = await openTestDevice();
const cpu = openReference();

const relative = (actual: number, expected: number): number =>
  Math.abs(actual - expected) / Math.max(1, Math.abs(expected));

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => expect(relative(actual[i] ?? NaN, value)).toBeLessThanOrEqual(1e-9));
}

describe('on a line', () => {
  it.each(golden.exact_1d)('has both exact costs of $id', ({ x, y, a, b, w1, w2_squared }) => {
    const places = { x: float32Exact(x), y: float32Exact(y) };
    const problem = { ...places, rowWeights: float32Exact(a), columnWeights: float32Exact(b) };
    expect(relative(lineTransport(problem, 1), w1)).toBeLessThanOrEqual(1e-12);
    expect(relative(lineTransport(problem, 2), w2_squared)).toBeLessThanOrEqual(1e-12);
  });

  it('moves everything to a single point, and nothing where both sides are one', () => {
    expect(lineTransport({ x: [0, 3], y: [1], rowWeights: [0.25, 0.75] }, 2)).toBeCloseTo(0.25 + 0.75 * 4, 14);
    expect(lineTransport({ x: [2, 0, 1], y: [1, 2, 0] }, 1)).toBe(0);
  });

  it.each([
    ['a power below 1', { x: [0], y: [1] }, 0.5, /power must be a number of at least 1/],
    ['no points', { x: [], y: [1] }, 1, /row weights are empty/],
    ['places that are not numbers', { x: [0], y: [1, NaN] }, 1, /y holds NaN at index 1/],
    ['too few weights', { x: [0, 1], y: [1], rowWeights: [1] }, 1, /1 row weights for 2 points/],
    ['weights that do not sum to one', { x: [0], y: [1], rowWeights: [2] }, 1, /sum to 2 instead of 1/],
  ])('refuses %s', (_name, problem, power, message) => {
    expect(() => lineTransport(problem, power)).toThrow(InvalidInputError);
    expect(() => lineTransport(problem, power)).toThrow(message);
  });
});

interface GaussianRecord {
  readonly m0: readonly number[];
  readonly m1: readonly number[];
  readonly S0: readonly number[];
  readonly S1: readonly number[];
}

const pairOf = ({ m0, m1, S0, S1 }: GaussianRecord, epsilon: number) => ({
  sourceMean: m0,
  sourceCovariance: S0,
  targetMean: m1,
  targetCovariance: S1,
  epsilon,
});

describe('between Gaussians', () => {
  it.each(golden.gaussian_entropic)('has every number of $id', (record) => {
    const { expected } = record;
    const made = gaussianTransport(pairOf(record, record.eps));
    expect(relative(made.value, expected.value_kl)).toBeLessThanOrEqual(1e-9);
    expect(relative(made.transportCost, expected.transport_cost)).toBeLessThanOrEqual(1e-9);
    expect(relative(made.divergence, expected.kl)).toBeLessThanOrEqual(1e-9);
    expectClose(made.crossCovariance, expected.cross_covariance);
    expectClose(made.conditionalMean, expected.conditional_mean_matrix);
    expectClose(made.conditionalCovariance, expected.conditional_covariance);
  });

  it.each(bridges.gaussian_bures)('has the distance and the map of $id', (record) => {
    const made = gaussianTransport(pairOf(record, 0));
    expect(relative(made.value, record.expected.w2_squared)).toBeLessThanOrEqual(1e-9);
    expectClose(made.conditionalMean, record.expected.map);
    expect(made.divergence).toBe(Infinity);
  });

  it.each([
    { name: 'GPU', device: gpu, allowed: 1e-5 },
    { name: 'reference device', device: cpu, allowed: 1e-7 },
  ])('is what Sinkhorn finds on a fine grid, on the $name', async ({ device, allowed }) => {
    for (const { m0, m1, S0, S1, eps, dim, expected } of golden.gaussian_entropic) {
      if (dim > 1) continue;
      // The trapezoidal rule is exact to many digits for a Gaussian that falls off within the grid.
      const [count, reach] = [160, 6];
      const side = ([mean = NaN]: readonly number[], [variance = NaN]: readonly number[]) => {
        const steps = Array.from({ length: count }, (_, i) => (2 * reach * i) / (count - 1) - reach);
        const weights = steps.map((step) => Math.exp(-(step ** 2) / 2));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        return {
          points: steps.map((step) => mean + Math.sqrt(variance) * step),
          weights: weights.map((weight) => weight / total),
        };
      };
      const [source, target] = [side(m0, S0), side(m1, S1)];
      using _scope = device.scope();
      const result = await solveSinkhorn(
        device,
        {
          x: source.points,
          y: target.points,
          dimension: 1,
          rowWeights: source.weights,
          columnWeights: target.weights,
        },
        { epsilon: eps, tolerance: device === cpu ? 1e-9 : 1e-6, acceleration: 'anderson' },
      );
      expect(['converged', 'precision-limited']).toContain(result.status);
      expect(relative(result.productObjective, expected.value_kl)).toBeLessThanOrEqual(allowed);
      expect(relative(result.transportCost, expected.transport_cost)).toBeLessThanOrEqual(allowed);
    }
  });

  const good = { m0: [0, 0], m1: [1, 1], S0: [1, 0, 0, 1], S1: [1, 0, 0, 1] };
  it.each([
    [
      'a covariance that is not positive definite',
      { ...good, S1: [1, 2, 2, 1] },
      1,
      /targetCovariance must be positive/,
    ],
    ['an epsilon below 0', good, -1, /epsilon must be 0 or a positive number/],
    ['means of two dimensions', { ...good, m1: [1] }, 1, /one dimension/],
    ['a covariance of another size', { ...good, S0: [1] }, 1, /matrix|size/],
  ])('refuses %s', (_name, record, epsilon, message) => {
    expect(() => gaussianTransport(pairOf(record, epsilon))).toThrow(InvalidInputError);
    expect(() => gaussianTransport(pairOf(record, epsilon))).toThrow(message);
  });
});
