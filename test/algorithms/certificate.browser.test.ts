/** Certified intervals against exact costs: the plain ones hold them, polished ones meet them, on both devices. */
import { describe, expect, it } from 'vitest';
import { certifyTransport } from '../../src/algorithms/certificate';
import { solveSinkhorn } from '../../src/algorithms/sinkhorn';
import { placeProblem, type PointProblem, type TransportProblem } from '../../src/algorithms/transport-problem';
import { Philox } from '../../src/kernels/random';
import balanced from '../golden/ot-balanced.json';
import closedForms from '../golden/ot-closed-forms.json';
import slow from '../golden/ot-slow.json';
import { openReference, openTestDevice } from '../support/device';
import { float32Exact, goldenMatrix, goldenPoints } from '../support/golden-transport';

const gpu = await openTestDevice();
const cpu = openReference();
const devices = [
  { name: 'GPU', device: gpu },
  { name: 'reference device', device: cpu },
];

/** Points on a line, the targets squared; sorting gives the exact cost of as many with equal weights. */
function line(count: number, seed: number): PointProblem & { readonly exact: number } {
  const random = new Philox(seed);
  const numbers = (): Float32Array => Float32Array.from({ length: count }, () => random.uniform());
  const [x, y] = [numbers(), numbers().map((value) => value ** 2)];
  const sorted = y.toSorted((p, q) => p - q);
  const exact = x.toSorted((p, q) => p - q).reduce((sum, value, i) => sum + (value - (sorted[i] ?? NaN)) ** 2, 0);
  return { x, y, dimension: 1, exact: exact / count };
}

describe.each(devices)('on the $name', ({ device }) => {
  it.each([3, 64, 131])('a plain certificate holds the exact cost of %i points on a line', async (count) => {
    const { exact, ...problem } = line(count, count);
    for (const maximumIterations of [1, 200]) {
      using _scope = device.scope();
      const result = await solveSinkhorn(device, problem, { epsilon: 0.01, maximumIterations });
      const certificate = await certifyTransport(result.problem, result.potentials, result.epsilon);
      const { lower, upper, roundedCost } = certificate;
      expect(lower).toBeLessThanOrEqual(exact);
      expect(upper).toBeGreaterThanOrEqual(exact);
      expect(certificate.polish).toBeUndefined();
      // Lemma 7 of Altschuler, Weed and Rigollet: rounding moves at most twice the marginal error.
      const allowed = 2 * result.marginalError * result.problem.largestCost;
      expect(roundedCost - result.transportCost).toBeLessThanOrEqual(allowed + 1e-5);
      expect(upper - lower).toBeLessThan(maximumIterations === 1 ? 1 : 0.02);
    }
  });

  const weighted = (a: readonly number[], b: readonly number[]) => ({
    rowWeights: float32Exact(a),
    columnWeights: float32Exact(b),
  });
  const exactCosts: { readonly id: string; readonly problem: TransportProblem; readonly exact: number }[] = [
    ...balanced.clouds.map((cloud) => {
      // The golden distances were rounded to float32: as a matrix they are what the exact cost belongs to.
      const points = cloud.cost === 'euclidean' ? undefined : goldenPoints(cloud);
      const cost = points ?? { matrix: goldenMatrix(cloud), rows: cloud.n, columns: cloud.m };
      return { id: cloud.name, problem: { ...cost, ...weighted(cloud.a, cloud.b) }, exact: cloud.emd_cost };
    }),
    ...slow.problems.map(({ id, C, n, m, a, b, expected }) => ({
      id,
      problem: { matrix: C, rows: n, columns: m, rowWeights: a, columnWeights: b },
      exact: expected.emd_cost,
    })),
  ];

  it.each(exactCosts)('at epsilon 1e-4 the polished bounds meet the exact cost of $id', async ({ problem, exact }) => {
    using _scope = device.scope();
    const options = { epsilon: 1e-4, scaling: 0.8, maximumIterations: 60, checkEvery: 20 };
    const { problem: placed, potentials, epsilon } = await solveSinkhorn(device, problem, options);
    const { lower, upper, polish } = await certifyTransport(placed, potentials, epsilon, { polish: 100 });
    expect(polish?.isExact).toBe(true);
    expect(lower).toBeLessThanOrEqual(exact);
    expect(upper).toBeGreaterThanOrEqual(exact);
    // The bar is six digits; what is left is the rounding of float64.
    expect(upper - lower).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(exact)));
  });

  it.each(closedForms.exact_1d)('the polished bounds hold both exact costs of $id', async (record) => {
    for (const [cost, exact] of [
      ['manhattan', record.w1],
      ['squared-euclidean', record.w2_squared],
    ] as const) {
      using _scope = device.scope();
      const points = { x: float32Exact(record.x), y: float32Exact(record.y), dimension: 1, cost };
      const problem = { ...points, ...weighted(record.a, record.b) };
      // A thousand points with weights of their own on a line are the longest chains there are: a few passes must do.
      const isLarge = record.a.length > 256;
      const options = { epsilon: 1e-3, epsilonUnit: 'largest-cost', scaling: 0.5, checkEvery: 20 } as const;
      const result = await solveSinkhorn(device, problem, { ...options, maximumIterations: isLarge ? 2 : 40 });
      const { lower, upper, polish } = await certifyTransport(result.problem, result.potentials, result.epsilon, {
        polish: isLarge ? 20 : Infinity,
      });
      expect(polish?.isExact).toBe(!isLarge);
      expect(lower).toBeLessThanOrEqual(exact);
      expect(upper).toBeGreaterThanOrEqual(exact);
      if (!isLarge) expect(upper - lower).toBeLessThanOrEqual(1e-10);
    }
  });

  it('more passes never lower the lower end, and few of them leave the upper end alone', async () => {
    const random = new Philox(9);
    const numbers = (count: number): Float64Array => Float64Array.from({ length: count }, () => random.uniform());
    const masses = (count: number): Float64Array => {
      const values = numbers(count);
      const total = values.reduce((sum, value) => sum + value, 0);
      return values.map((value) => value / total);
    };
    const problem = {
      x: numbers(160),
      y: numbers(90),
      dimension: 2,
      rowWeights: masses(80),
      columnWeights: masses(45),
    };
    using _scope = device.scope();
    const result = await solveSinkhorn(device, problem, { epsilon: 0.05, maximumIterations: 20 });
    const certify = (polish: number) => certifyTransport(result.problem, result.potentials, result.epsilon, { polish });
    const plain = await certify(0);
    const polished = [await certify(1), await certify(8), await certify(12), await certify(Infinity)];
    expect(polished.map((certificate) => certificate.polish?.isExact)).toEqual([false, false, false, true]);
    const values = polished.map(({ lower, lowerMargin }) => lower + lowerMargin);
    values.forEach((value, k) => expect(value).toBeGreaterThanOrEqual((values[k - 1] ?? plain.lower) - 1e-15));
    expect(values[3]).toBeGreaterThan((values[0] ?? NaN) + 1e-6);
    expect(polished[0]?.upper).toBe(plain.upper);
    expect(polished[3]?.upper).toBeLessThan(plain.upper);
    expect((polished[3]?.upper ?? NaN) - (polished[3]?.lower ?? NaN)).toBeLessThanOrEqual(1e-12);
  });

  it('refuses a polish that is no number of passes, and more pairs than the host should store', async () => {
    using _scope = device.scope();
    const { exact: _exact, ...problem } = line(3, 3);
    const placed = await placeProblem(device, problem);
    const potentials = { rows: device.full([3], 0), columns: device.full([3], 0) };
    for (const polish of [NaN, -1]) {
      const attempt = certifyTransport(placed, potentials, 1, { polish });
      await expect(attempt).rejects.toMatchObject({ name: 'InvalidInputError', details: { field: 'polish' } });
    }
    const large = {
      ...placed,
      rows: { ...placed.rows, count: 2 ** 13 },
      columns: { ...placed.columns, count: 2 ** 12 },
    };
    await expect(certifyTransport(large, potentials, 1, { polish: 1 })).rejects.toThrow(/at most 2\^24/);
  });
});
