/** Multimarginal transport against golden numbers, against ordinary Sinkhorn for two marginals, and bad input. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { multimarginalPlan, solveMultimarginal, type MultimarginalProblem } from '../../src/algorithms/multimarginal';
import { solveSinkhorn } from '../../src/algorithms/sinkhorn';
import golden from '../golden/ot-multimarginal.json';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

function problemOf({ x, y, z, a, b, c, dim }: (typeof golden.problems)[number]): MultimarginalProblem {
  const squared = (p: number[], i: number, q: number[], j: number): number =>
    Array.from({ length: dim }, (_, k) => ((p[i * dim + k] ?? NaN) - (q[j * dim + k] ?? NaN)) ** 2).reduce(
      (s, d) => s + d,
      0,
    );
  const cost = a.flatMap((_a, i) =>
    b.flatMap((_b, j) => c.map((_c, k) => squared(x, i, y, j) + squared(x, i, z, k) + squared(y, j, z, k))),
  );
  return { cost, marginals: [a, b, c] };
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? NaN)), 0);

describe.each(golden.problems.map((record) => ({ id: record.id, record })))('golden record $id', ({ record }) => {
  const { expected, eps } = record;
  const problem = problemOf(record);

  it('is reproduced in float64', async () => {
    using _scope = cpu.scope();
    const result = await solveMultimarginal(cpu, problem, {
      epsilon: eps,
      tolerance: 1e-12,
      maximumIterations: 20_000,
      checkEvery: 50,
    });
    expect(result.status).toBe('converged');
    expect(Math.abs(result.transportCost - expected.transport_cost)).toBeLessThanOrEqual(1e-9);
    expect(Math.abs(result.entropicObjective - expected.entropic_objective)).toBeLessThanOrEqual(1e-9);
    // Potentials are unique up to constants that sum to zero: the golden ones have <b, g> = <c, h> = 0.
    const mean = (weights: readonly number[], values: Float64Array = new Float64Array()): number =>
      weights.reduce((sum, weight, i) => sum + weight * (values[i] ?? NaN), 0);
    const [f, g, h] = result.potentials;
    const shifts = [-mean(record.b, g) - mean(record.c, h), mean(record.b, g), mean(record.c, h)];
    [f, g, h].forEach((values, axis) => {
      const wanted = [expected.f, expected.g, expected.h][axis] ?? [];
      values?.forEach((value, i) =>
        expect(Math.abs(value - (shifts[axis] ?? NaN) - (wanted[i] ?? NaN))).toBeLessThanOrEqual(1e-7),
      );
    });
    const plan = multimarginalPlan(problem, result.potentials, eps);
    const [, m, l] = record.shape as [number, number, number];
    const pairs = [
      new Float64Array(expected.pair_12.length),
      new Float64Array(expected.pair_13.length),
      new Float64Array(expected.pair_23.length),
    ] as const;
    plan.forEach((mass, at) => {
      const [i, j, k] = [Math.floor(at / (m * l)), Math.floor(at / l) % m, at % l];
      [i * m + j, i * l + k, j * l + k].forEach((place, which) => {
        const pair = pairs[which as 0 | 1 | 2];
        pair[place] = (pair[place] ?? 0) + mass;
      });
    });
    expect(distance(pairs[0], expected.pair_12)).toBeLessThanOrEqual(1e-9);
    expect(distance(pairs[1], expected.pair_13)).toBeLessThanOrEqual(1e-9);
    expect(distance(pairs[2], expected.pair_23)).toBeLessThanOrEqual(1e-9);
  });

  it('is reproduced in float32', async () => {
    using _scope = gpu.scope();
    const result = await solveMultimarginal(gpu, problem, { epsilon: eps, tolerance: 2e-6, checkEvery: 20 });
    expect(['converged', 'precision-limited']).toContain(result.status);
    expect(result.marginalError).toBeLessThanOrEqual(6e-6);
    expect(Math.abs(result.transportCost / expected.transport_cost - 1)).toBeLessThanOrEqual(1e-5);
    expect(Math.abs(result.entropicObjective - expected.entropic_objective)).toBeLessThanOrEqual(1e-5);
  });
});

describe.each([['GPU', gpu] as const, ['reference device', cpu] as const])('on the %s', (_name, device) => {
  it('equals ordinary Sinkhorn for two marginals', async () => {
    const [rows, columns] = [37, 23];
    const matrix = float32s(rows * columns, 5, 0, 1);
    using _scope = device.scope();
    const ordinary = await solveSinkhorn(device, { matrix, rows, columns }, { epsilon: 0.05 });
    const marginals = [new Array<number>(rows).fill(1 / rows), new Array<number>(columns).fill(1 / columns)];
    const result = await solveMultimarginal(device, { cost: matrix, marginals }, { epsilon: 0.05 });
    expect(result.status).toBe(ordinary.status);
    expect(Math.abs(result.transportCost / ordinary.transportCost - 1)).toBeLessThanOrEqual(1e-5);
    expect(Math.abs(result.entropicObjective - ordinary.entropicObjective)).toBeLessThanOrEqual(1e-5);
  });

  it('takes four marginals, leaves out places without mass, and loses no digits to an offset', async () => {
    const sizes = [5, 4, 6, 3];
    const marginals = sizes.map((size, axis) => {
      const values = Array.from(float32s(size, axis + 1, 0.1, 1));
      if (axis === 2) values[1] = 0;
      const total = values.reduce((sum, value) => sum + value, 0);
      return values.map((value) => value / total);
    });
    const cost = float32s(360, 9, 0, 1);
    using _scope = device.scope();
    const options = { epsilon: 0.1, scaling: 0.5 };
    const plain = await solveMultimarginal(device, { cost, marginals }, options);
    const shifted = await solveMultimarginal(
      device,
      { cost: Float64Array.from(cost, (value) => value + 1000), marginals },
      options,
    );
    expect(plain.marginalError).toBeLessThanOrEqual(2e-6);
    expect(plain.potentials[2]?.[1]).toBe(-Infinity);
    expect(Math.abs(shifted.transportCost - 1000 - plain.transportCost)).toBeLessThanOrEqual(1e-3 * 1e-2);
    const plan = multimarginalPlan({ cost, marginals }, plain.potentials, 0.1);
    const first = new Float64Array(5);
    plan.forEach((mass, at) => (first[Math.floor(at / 72)] = (first[Math.floor(at / 72)] ?? 0) + mass));
    expect(distance(first, marginals[0] ?? [])).toBeLessThanOrEqual(1e-5);
  });
});

describe('bad input', () => {
  const good = {
    cost: [0, 1, 1, 0],
    marginals: [
      [0.5, 0.5],
      [0.5, 0.5],
    ],
  };
  it.each([
    ['one marginal', { cost: [0], marginals: [[1]] }, 0.1, /at least two/],
    ['a cost tensor of another size', { ...good, cost: [1] }, 0.1, /1 numbers instead of 4/],
    ['a cost that is NaN', { ...good, cost: [0, NaN, 0, 0] }, 0.1, /NaN at index 1/],
    [
      'weights that do not sum to one',
      {
        ...good,
        marginals: [
          [1, 1],
          [0.5, 0.5],
        ],
      },
      0.1,
      /marginal 1 sum to 2/,
    ],
    [
      'negative weights',
      {
        ...good,
        marginals: [
          [0.5, 0.5],
          [-1, 2],
        ],
      },
      0.1,
      /marginal 2 hold -1/,
    ],
    ['epsilon 0', good, 0, /epsilon/],
  ])('is refused: %s', async (_name, problem, epsilon, message) => {
    using _scope = cpu.scope();
    const error = await solveMultimarginal(cpu, problem, { epsilon }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(String(error)).toMatch(message);
  });
});
