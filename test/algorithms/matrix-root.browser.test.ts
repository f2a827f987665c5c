/** Matrix roots and distances between Gaussians against eigenvalues and golden numbers, on both devices. */
import { describe, expect, it } from 'vitest';
import { DivergedError, InvalidInputError } from '../../src/device/errors';
import { gaussianDistanceSquared, matrixRoot } from '../../src/algorithms/matrix-root';
import { symmetricEigen, symmetricFunction, symmetricRoot } from '../../src/algorithms/symmetric-eigen';
import { uniformityMetrics } from '../../src/algorithms/uniformity';
import golden from '../golden/ot-bridge.json';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

/** B B^T / n of an n x rank matrix, whose eigenvalues below rank are zero. */
function gram(n: number, rank: number, seed: number): Float32Array<ArrayBuffer> {
  const b = float32s(n * rank, seed);
  return Float32Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += (b[i * rank + k] ?? 0) * (b[j * rank + k] ?? 0);
    return sum / rank;
  });
}

describe.each([
  { name: 'GPU', device: gpu, unit: 2 ** -24 },
  { name: 'reference device', device: cpu, unit: 2 ** -53 },
])('on the $name', ({ device, unit }) => {
  it.each([
    { n: 1, rank: 1 },
    { n: 5, rank: 7 },
    { n: 33, rank: 80 },
    { n: 40, rank: 8 },
  ])('finds the root of a matrix of $n rows and rank $rank', async ({ n, rank }) => {
    using _scope = device.scope();
    const matrix = gram(n, rank, 3);
    const { root, trace, residual } = await matrixRoot(device.tensor(matrix, [n, n]));
    const expected = symmetricRoot(matrix, n);
    // A singular matrix rounded to float32 has eigenvalues below zero, of which no device finds the root.
    expect(residual).toBeLessThanOrEqual(4 * n * (rank < n ? 2 ** -24 : unit));
    // An eigenvalue that is off by u |A| moves its root by at most sqrt(u |A|); float32 made the singular ones, too.
    const norm = Math.sqrt(matrix.reduce((sum, value) => sum + value ** 2, 0));
    const tolerance = rank > n ? 64 * n * unit * 40 : 4 * Math.sqrt(2 ** -24 * norm);
    (await root.read()).forEach((value, i) => {
      expect(Math.abs(value - (expected[i] ?? NaN))).toBeLessThanOrEqual(tolerance);
    });
    const truth = symmetricEigen(matrix, n).values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
    expect(Math.abs(trace - truth)).toBeLessThanOrEqual(n * tolerance);
  });

  it.each(golden.gaussian_bures)('measures $id', async (record) => {
    using _scope = device.scope();
    const { dim, m0, m1, S0, S1, expected } = record;
    const first = { mean: m0, covariance: device.tensor(S0, [dim, dim]) };
    const made = await gaussianDistanceSquared(first, { mean: m1, covariance: device.tensor(S1, [dim, dim]) });
    // In float32 the traces, up to 80 here, are good to a few rounding units times the condition number's root.
    const scale = S0.concat(S1).reduce((sum, value) => sum + Math.abs(value), 0);
    expect(Math.abs(made - expected.w2_squared)).toBeLessThanOrEqual(
      64 * Math.max(unit, 2 ** -50) * Math.max(1, scale),
    );
  });

  it('measures uniformity like the formulas in float64', async () => {
    using _scope = device.scope();
    const [count, d] = [128, 6];
    const points = float32s(count * d, 9, -1, 1.5);
    const made = await uniformityMetrics(device.tensor(points, [count, d]));
    const unitPoints = Float64Array.from(points, (value, at) => {
      const row = points.slice(Math.floor(at / d) * d, (Math.floor(at / d) + 1) * d);
      return value / Math.hypot(...row);
    });
    const mean = Float64Array.from(
      { length: d },
      (_, k) => unitPoints.reduce((sum, value, at) => (at % d === k ? sum + value : sum), 0) / count,
    );
    const covariance = new Float64Array(d * d);
    let kernel = 0;
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < d * d; j++) {
        const [a, b] = [Math.floor(j / d), j % d];
        covariance[j] =
          (covariance[j] ?? 0) +
          (((unitPoints[i * d + a] ?? 0) - (mean[a] ?? 0)) * ((unitPoints[i * d + b] ?? 0) - (mean[b] ?? 0))) / count;
      }
      for (let j = 0; j < i; j++) {
        let square = 0;
        for (let k = 0; k < d; k++) square += ((unitPoints[i * d + k] ?? 0) - (unitPoints[j * d + k] ?? 0)) ** 2;
        kernel += Math.exp(-2 * square);
      }
    }
    const traceOf = (matrix: Float64Array): number =>
      matrix.reduce((sum, value, at) => (at % (d + 1) === 0 ? sum + value : sum), 0);
    const root = symmetricRoot(covariance, d);
    const norm = mean.reduce((sum, value) => sum + value ** 2, 0);
    const distance = Math.sqrt(norm + 1 + traceOf(covariance) - (2 / Math.sqrt(d)) * traceOf(root));
    const potential = Math.log((2 * kernel) / (count * (count - 1)));
    expect(Math.abs(made.wasserstein - distance)).toBeLessThanOrEqual(1e-5);
    expect(Math.abs(made.potential - potential)).toBeLessThanOrEqual(1e-5);
  });

  it('refuses what has no real root', async () => {
    using _scope = device.scope();
    await expect(matrixRoot(device.tensor([1, 0, 0, -1], [2, 2]))).rejects.toThrow(DivergedError);
    await expect(matrixRoot(device.tensor([1, 2], [1, 2]))).rejects.toThrow(InvalidInputError);
    expect((await matrixRoot(device.full([3, 3], 0))).trace).toBe(0);
  });
});

it('finds eigenvalues and functions of them', () => {
  const values = Array.from(symmetricEigen([2, 1, 1, 2], 2).values).sort((a, b) => a - b);
  expect(values[0]).toBeCloseTo(1, 12);
  expect(values[1]).toBeCloseTo(3, 12);
  const exponential = symmetricFunction([0, 1, 1, 0], 2, Math.exp);
  [Math.cosh(1), Math.sinh(1), Math.sinh(1), Math.cosh(1)].forEach((value, i) => {
    expect(exponential[i]).toBeCloseTo(value, 12);
  });
  expect(() => symmetricEigen([1, 2, 3, 4], 2)).toThrow(InvalidInputError);
  expect(() => symmetricEigen([NaN], 1)).toThrow(InvalidInputError);
});
