/** Unbalanced transport against golden numbers, closed forms, the case that a library gets silently wrong, and bad input. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { solveSinkhorn } from '../../src/algorithms/sinkhorn';
import { solveUnbalanced, type UnbalancedOptions, type UnbalancedProblem } from '../../src/algorithms/unbalanced';
import golden from '../golden/ot-unbalanced.json';
import { openReference, openTestDevice } from '../support/device';
import { cloudOf, float32Exact, goldenMatrix, goldenPoints, type GoldenCloud } from '../support/golden-transport';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();
const devices = { GPU: gpu, 'reference device': cpu };

type GoldenRecord = (typeof golden.records)[number];

const cloudFor = (record: GoldenRecord): GoldenCloud => cloudOf<GoldenCloud>(golden.clouds, record.cloud);

function problemOf(record: GoldenRecord): UnbalancedProblem {
  const cloud = cloudFor(record);
  const masses = { rowMasses: float32Exact(cloud.a), columnMasses: float32Exact(cloud.b) };
  return { ...masses, ...(goldenPoints(cloud) ?? { matrix: goldenMatrix(cloud) }) };
}

const optionsOf = (record: GoldenRecord): UnbalancedOptions => ({
  epsilon: record.eps,
  reference: record.reference === 'ab' ? 'product' : 'ones',
  penalty: 'kullback-leibler',
  rho: { rows: record.rho_a, columns: record.rho_b },
});

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? NaN)), 0);

describe.each(golden.records.map((record) => ({ id: record.id, record })))('golden record $id', ({ record }) => {
  const { expected } = record;

  it('is reproduced in float64', async () => {
    using _scope = cpu.scope();
    const result = await solveUnbalanced(cpu, problemOf(record), { ...optionsOf(record), tolerance: 1e-13 });
    expect(result.status).toBe('converged');
    const near = (actual: number, wanted: number): void =>
      expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(wanted)));
    near(result.transportCost, expected.transport_cost);
    near(result.mass, expected.mass);
    near(result.planDivergence, expected.kl_plan);
    near(result.rowDivergence, expected.kl_a);
    near(result.columnDivergence, expected.kl_b);
    near(result.objective, expected.objective);
    expect(distance(result.rowMarginal, expected.row_marginal)).toBeLessThanOrEqual(1e-9);
    expect(distance(result.columnMarginal, expected.col_marginal)).toBeLessThanOrEqual(1e-9);
    result.rowPotential.forEach((f, i) => near(f, expected.f[i] ?? NaN));
    result.columnPotential.forEach((g, j) => near(g, expected.g[j] ?? NaN));
  });

  it('is reproduced in float32', async () => {
    using _scope = gpu.scope();
    const result = await solveUnbalanced(gpu, problemOf(record), { ...optionsOf(record), tolerance: 1e-6 });
    expect(['converged', 'precision-limited']).toContain(result.status);
    // Every entry of the plan carries the rounding of the potentials in its exponent (a few roundings of u, either way).
    const potentials =
      largest(expected.f) +
      largest(expected.g) -
      record.eps * Math.log(Math.min(...cloudFor(record).a, ...cloudFor(record).b));
    const tolerance = Math.max(1e-5, (8 * 2 ** -24 * potentials) / record.eps);
    expect(Math.abs(result.transportCost / expected.transport_cost - 1)).toBeLessThanOrEqual(tolerance);
    expect(Math.abs(result.mass / expected.mass - 1)).toBeLessThanOrEqual(tolerance);
    expect(distance(result.rowMarginal, expected.row_marginal)).toBeLessThanOrEqual(tolerance * expected.mass);
    expect(Math.abs(result.objective - expected.objective)).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(expected.objective)),
    );
  });
});

describe.each(Object.entries(devices))('on the %s', (_name, device) => {
  it('finds the mass where a library’s stabilised form returns 1e-6 or 2e25', async () => {
    // Two Gaussians on 100 places with tails of 1e-50; cost over its maximum; epsilon 0.01, rho 1, reference a b^T.
    const gaussian = (mean: number, deviation: number): number[] => {
      const values = Array.from({ length: 100 }, (_, i) => Math.exp(-((i - mean) ** 2) / (2 * deviation ** 2)));
      const total = values.reduce((sum, value) => sum + value, 0);
      return values.map((value) => value / total);
    };
    const problem: UnbalancedProblem = {
      rowMasses: gaussian(20, 5),
      columnMasses: gaussian(60, 10).map((value) => 1.5 * value),
      matrix: Float64Array.from({ length: 10_000 }, (_, at) => ((Math.floor(at / 100) - (at % 100)) / 99) ** 2),
    };
    const options = { epsilon: 0.01, penalty: 'kullback-leibler', rho: 1, tolerance: 1e-6 } as const;
    using _scope = device.scope();
    const product = await solveUnbalanced(device, problem, { ...options, reference: 'product' });
    expect(product.status).toBe('converged');
    expect(Math.abs(product.mass - 1.1276678572)).toBeLessThanOrEqual(1e-5);
    const ones = await solveUnbalanced(device, problem, { ...options, reference: 'ones' });
    expect(ones.status).toBe('converged');
    expect(Math.abs(ones.mass - product.mass)).toBeGreaterThan(0.01);
  });

  it('is the minimum over one number for a single point, with either penalty', async () => {
    for (const penalty of ['kullback-leibler', 'total-variation'] as const) {
      for (const [cost, rho] of [
        [0.3, 0.5],
        [0.3, 0.05],
        [0.01, 2],
      ] as const) {
        const [a, b, epsilon] = [1, 1.5, 0.1];
        const log = (p: number, q: number): number => p * Math.log(p / q) - p + q;
        const paid = (p: number, q: number): number => (penalty === 'total-variation' ? Math.abs(p - q) : log(p, q));
        const objective = (p: number): number => p * cost + epsilon * log(p, a * b) + rho * (paid(p, a) + paid(p, b));
        let [low, high] = [1e-9, 3];
        for (let step = 0; step < 200; step++) {
          const [left, right] = [low + (high - low) / 3, high - (high - low) / 3];
          if (objective(left) < objective(right)) high = right;
          else low = left;
        }
        using _scope = device.scope();
        const result = await solveUnbalanced(
          device,
          { rowMasses: [a], columnMasses: [b], matrix: [cost] },
          { epsilon, rho, penalty, reference: 'product', tolerance: 1e-6 },
        );
        expect(Math.abs(result.mass - low)).toBeLessThanOrEqual(1e-5);
        expect(Math.abs(result.objective - objective(low))).toBeLessThanOrEqual(1e-5);
      }
    }
  });

  it('equals balanced transport for an infinite rho, and leaves mass where it is for a small one', async () => {
    const [x, y] = [float32s(40, 1), float32s(36, 2)];
    const problem = {
      x,
      y,
      dimension: 2,
      rowMasses: new Array(20).fill(1 / 20),
      columnMasses: new Array(18).fill(1 / 18),
    };
    using _scope = device.scope();
    const balanced = await solveSinkhorn(device, { x, y, dimension: 2 }, { epsilon: 0.1, tolerance: 1e-6 });
    for (const penalty of ['kullback-leibler', 'total-variation'] as const) {
      const options = { epsilon: 0.1, penalty, reference: 'product', tolerance: 1e-6 } as const;
      const result = await solveUnbalanced(device, problem, { ...options, rho: Infinity });
      expect(Math.abs(result.transportCost / balanced.transportCost - 1)).toBeLessThanOrEqual(1e-5);
      expect(Math.abs(result.mass - 1)).toBeLessThanOrEqual(1e-5);
    }
    // Moving a unit over a cost above 2 rho is dearer than giving it up; epsilon leaves exp(-(C - 2 rho) / epsilon) of it.
    const far = { x: [0], y: [1], dimension: 1, rowMasses: [1], columnMasses: [1] };
    const kept = await solveUnbalanced(device, far, {
      epsilon: 0.02,
      penalty: 'total-variation',
      rho: 0.25,
      reference: 'product',
    });
    expect(kept.mass).toBeLessThanOrEqual(1.0001 * Math.exp(-0.5 / 0.02));
  });

  it('leaves out points without mass', async () => {
    const options = { epsilon: 0.1, penalty: 'kullback-leibler', rho: 1, reference: 'product' } as const;
    using _scope = device.scope();
    const result = await solveUnbalanced(
      device,
      { x: [0, 5, 1], y: [0, 1], dimension: 1, rowMasses: [1, 0, 1], columnMasses: [1, 2] },
      options,
    );
    const without = await solveUnbalanced(
      device,
      { x: [0, 1], y: [0, 1], dimension: 1, rowMasses: [1, 1], columnMasses: [1, 2] },
      options,
    );
    expect(result.rowMarginal[1]).toBe(0);
    expect(result.rowPotential[1]).toBe(-Infinity);
    expect(Math.abs(result.mass - without.mass)).toBeLessThanOrEqual(1e-5);
  });
});

describe('bad input', () => {
  const good = { rowMasses: [1, 2], columnMasses: [1, 1], matrix: [0, 1, 1, 0] };
  const options = { epsilon: 0.1, penalty: 'kullback-leibler', rho: 1, reference: 'product' } as const;
  it.each([
    ['negative masses', { ...good, rowMasses: [-1, 2] }, options, /-1 at index 0/],
    ['masses that are NaN', { ...good, columnMasses: [NaN, 2] }, options, /NaN at index 0/],
    ['no mass at all', { ...good, rowMasses: [0, 0] }, options, /all zero/],
    ['no points', { rowMasses: [], columnMasses: [], matrix: [] }, options, /all zero/],
    ['a cost matrix of another size', { ...good, matrix: [1, 2] }, options, /2 numbers instead of 2 x 2/],
    ['a cost that is NaN', { ...good, matrix: [0, NaN, 1, 0] }, options, /NaN/],
    ['points of 1e30', { rowMasses: [1], columnMasses: [1], x: [1e30], y: [0], dimension: 1 }, options, /1e\+?30|NaN/],
    ['epsilon 0', good, { ...options, epsilon: 0 }, /epsilon/],
    ['rho 0', good, { ...options, rho: 0 }, /rho/],
    ['an infinite rho for masses that differ', good, { ...options, rho: Infinity }, /same mass/],
  ])('is refused: %s', async (_name, problem, settings, message) => {
    using _scope = cpu.scope();
    const error = await solveUnbalanced(cpu, problem, settings).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(String(error)).toMatch(message);
  });
});
