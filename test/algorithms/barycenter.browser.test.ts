/** Barycenters against golden numbers and closed forms on both devices, and bad input. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { solveBarycenter } from '../../src/algorithms/barycenter';
import golden from '../golden/ot-barycenter.json';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? NaN)), 0);

describe.each(golden.problems.map((record) => ({ id: record.id, record })))('golden record $id', ({ record }) => {
  const histograms = Array.from({ length: record.K }, (_, k) => record.A.slice(k * record.n, (k + 1) * record.n));
  const problem = { histograms, width: record.n };
  const options = { epsilon: record.eps, weights: () => record.weights };

  it('is reproduced in float64', async () => {
    using _scope = cpu.scope();
    const result = await solveBarycenter(cpu, problem, {
      ...options,
      tolerance: 1e-12,
      maximumIterations: 20_000,
      checkEvery: 50,
    });
    expect(result.status).toBe('converged');
    expect(distance(result.barycenter, record.expected.barycenter)).toBeLessThanOrEqual(1e-9);
    expect(Math.abs(result.objective - record.expected.objective_value)).toBeLessThanOrEqual(1e-9);
  });

  it('is reproduced in float32', async () => {
    using _scope = gpu.scope();
    const result = await solveBarycenter(gpu, problem, {
      ...options,
      tolerance: 1e-5,
      maximumIterations: 2000,
      checkEvery: 50,
    });
    expect(result.status).toBe('converged');
    // Exponents reach 1 / epsilon, and each is off by a few roundings of its size.
    const tolerance = Math.max(1e-4, (16 * 2 ** -24) / record.eps);
    expect(distance(result.barycenter, record.expected.barycenter)).toBeLessThanOrEqual(tolerance);
    expect(Math.abs(result.objective - record.expected.objective_value)).toBeLessThanOrEqual(1e-5);
  });
});

/** A Gaussian on a grid of the unit square, normalised. */
function gaussian(size: number, mean: readonly [number, number], deviation: number): Float64Array {
  const values = Float64Array.from({ length: size * size }, (_, at) => {
    const [x, y] = [(at % size) / (size - 1), Math.floor(at / size) / (size - 1)];
    return Math.exp(-((x - mean[0]) ** 2 + (y - mean[1]) ** 2) / (2 * deviation ** 2));
  });
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => value / total);
}

function moments(
  values: Float64Array,
  size: number,
): { readonly mean: readonly [number, number]; readonly variance: number } {
  let [x, y, variance] = [0, 0, 0];
  values.forEach((mass, at) => {
    x += (mass * (at % size)) / (size - 1);
    y += (mass * Math.floor(at / size)) / (size - 1);
  });
  values.forEach((mass, at) => (variance += mass * ((at % size) / (size - 1) - x) ** 2));
  return { mean: [x, y], variance };
}

describe.each([['GPU', gpu] as const, ['reference device', cpu] as const])('on the %s', (_name, device) => {
  const size = 25;
  const histograms = [
    gaussian(size, [0.3, 0.4], 0.06),
    gaussian(size, [0.7, 0.4], 0.06),
    gaussian(size, [0.5, 0.7], 0.06),
  ];
  const weights = [0.2, 0.3, 0.5];

  it('puts the barycenter of Gaussians at the weighted mean of their means; debiasing takes the blur away', async () => {
    const epsilon = 0.004;
    const options = { epsilon, weights: () => weights, maximumIterations: 60 };
    using _scope = device.scope();
    const blurred = await solveBarycenter(device, { histograms, width: size, height: size }, options);
    const sharp = await solveBarycenter(
      device,
      { histograms, width: size, height: size },
      { ...options, debiased: true },
    );
    for (const { barycenter } of [blurred, sharp]) {
      const { mean } = moments(barycenter, size);
      expect(Math.abs(mean[0] - 0.52)).toBeLessThanOrEqual(2e-3);
      expect(Math.abs(mean[1] - 0.55)).toBeLessThanOrEqual(2e-3);
    }
    // Gaussians of variance s: the entropic barycenter has variance s + epsilon / 2 with this cost, the debiased one s.
    expect(Math.abs(moments(blurred.barycenter, size).variance - (0.06 ** 2 + epsilon / 2))).toBeLessThanOrEqual(2e-4);
    expect(Math.abs(moments(sharp.barycenter, size).variance - 0.06 ** 2)).toBeLessThanOrEqual(2e-4);
  });

  it('goes to a histogram that has all the weight, and keeps places without mass', async () => {
    const [line, other] = [
      [0, 0, 1, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0.5, 0.5, 0],
    ];
    using _scope = device.scope();
    const options = { epsilon: 0.01, debiased: true, maximumIterations: 200 };
    const { barycenter } = await solveBarycenter(
      device,
      { histograms: [line, other], width: 8 },
      { ...options, weights: () => [1, 0] },
    );
    expect(distance(barycenter, line)).toBeLessThanOrEqual(0.02);
  });
});

describe('bad input', () => {
  const good = {
    histograms: [
      [0.5, 0.5],
      [1, 0],
    ],
    width: 2,
  };
  it.each([
    ['no histograms', { histograms: [], width: 2 }, {}, /no histograms/],
    ['histograms of different sizes', { histograms: [[1], [0.5, 0.5]], width: 2 }, {}, /1 instead of 2/],
    ['a histogram without mass', { histograms: [[0, 0]], width: 2 }, {}, /all zero/],
    ['a histogram that does not sum to one', { histograms: [[1, 1]], width: 2 }, {}, /sum to 2/],
    ['too few weights', good, { weights: () => [1] }, /1 barycenter weights for 2/],
    ['negative weights', good, { weights: () => [2, -1] }, /-1 at index 1/],
    ['epsilon 0', good, { epsilon: 0 }, /epsilon/],
  ])('is refused: %s', async (_name, problem, patch, message) => {
    using _scope = cpu.scope();
    const error = await solveBarycenter(cpu, problem, { epsilon: 0.1, ...patch }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(String(error)).toMatch(message);
  });
});
