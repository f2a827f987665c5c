/** What people give that makes no sense, or hardly any: every solver names it, or solves it, on both devices. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { solveMultimarginal } from '../../src/algorithms/multimarginal';
import { solveSinkhorn } from '../../src/algorithms/sinkhorn';
import { solveBatch } from '../../src/algorithms/sinkhorn-batch';
import { sinkhornDivergence } from '../../src/algorithms/sinkhorn-divergence';
import { solveSinkhornNewton } from '../../src/algorithms/sinkhorn-newton';
import type { PointProblem, TransportProblem } from '../../src/algorithms/transport-problem';
import { solveUnbalanced, type UnbalancedOptions, type UnbalancedProblem } from '../../src/algorithms/unbalanced';
import { Philox } from '../../src/kernels/random';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

interface Outcome {
  readonly status: string;
  readonly transportCost: number;
}

/** Everything that takes a balanced problem with points or a matrix. */
const solvers: Readonly<
  Record<string, (device: Device, problem: TransportProblem, epsilon: number) => Promise<Outcome>>
> = {
  'Sinkhorn in the log domain': (device, problem, epsilon) => solveSinkhorn(device, problem, { epsilon }),
  'Sinkhorn absorbed': (device, problem, epsilon) => solveSinkhorn(device, problem, { epsilon, form: 'absorbed' }),
  'Sinkhorn with Newton steps': (device, problem, epsilon) => solveSinkhornNewton(device, problem, { epsilon }),
  'a batch': async (device, problem, epsilon) => {
    const [first] = await solveBatch(device, [problem], { epsilon });
    if (first === undefined) throw new Error('a result is expected');
    return first;
  },
};

const points: PointProblem = { x: [0, 1], y: [0, 1, 2], dimension: 1 };
const square = { matrix: [0, 1, 1, 0], rows: 2, columns: 2 };

const badProblems: readonly (readonly [name: string, problem: TransportProblem, message: RegExp])[] = [
  ['no points', { x: [], y: [0], dimension: 1 }, /x holds 0 numbers, which is not a cloud/],
  ['points of another dimension', { ...points, dimension: 2 }, /y holds 3 numbers, .* of 2 coordinates/],
  ['points of no dimension', { ...points, dimension: 0 }, /not a cloud of points of 0 coordinates/],
  ['coordinates of 1e30', { ...points, x: [0, 1e30] }, /x holds 1e\+30 at index 1: .* at most 1e15/],
  ['coordinates that are infinite', { ...points, x: [0, Infinity] }, /x holds Infinity at index 1/],
  ['coordinates that are NaN', { ...points, y: [0, NaN, 1] }, /y holds NaN at index 1/],
  ['no matrix', { matrix: [], rows: 0, columns: 0 }, /at least one row and one column, but has 0 x 0/],
  ['a fraction of a row', { matrix: [1, 2, 3], rows: 1.5, columns: 2 }, /at least one row .* has 1\.5 x 2/],
  ['a matrix of the wrong size', { matrix: [1, 2, 3], rows: 2, columns: 2 }, /needs 4 numbers, but there are 3/],
  ['a cost that is NaN', { ...square, matrix: [0, 1, NaN, 0] }, /matrix holds NaN at index 2/],
  ['a cost of 1e30', { ...square, matrix: [0, 1e30, 1, 0] }, /matrix holds 1e\+30 at index 1: .* at most 1e15/],
  ['too few weights', { ...points, columnWeights: [0.5, 0.5] }, /2 column weights for 3 points/],
  ['negative weights', { ...points, rowWeights: [-0.5, 1.5] }, /row weights hold -0.5 at index 0/],
  ['weights that are NaN', { ...points, columnWeights: [NaN, 0.5, 0.5] }, /column weights hold NaN at index 0/],
  ['weights that are all zero', { ...square, columnWeights: [0, 0] }, /column weights are all zero/],
  ['weights that do not sum to one', { ...square, rowWeights: [0.5, 0.6] }, /row weights sum to 1.1 instead of 1/],
];

const devices = [
  { name: 'GPU', device: gpu, allowed: 1e-5 },
  { name: 'reference device', device: cpu, allowed: 1e-6 },
];

/** Weights of three points, the last two in one place, and of the two places. */
const duplicated = { x: [0, 1, 1], y: [0.25, 3], dimension: 1, rowWeights: [0.5, 0.2, 0.3] };
const merged = { ...duplicated, x: [0, 1], rowWeights: [0.5, 0.5] };

describe.each(devices)('on the $name', ({ device, allowed }) => {
  describe.each(Object.entries(solvers).map(([name, solve]) => ({ name, solve })))('$name', ({ solve }) => {
    it.each(badProblems)('refuses %s', async (_name, problem, message) => {
      using _scope = device.scope();
      const attempt = solve(device, problem, 0.1);
      await expect(attempt).rejects.toThrow(InvalidInputError);
      await expect(attempt).rejects.toThrow(message);
    });

    it.each([0, -1, NaN, Infinity])('refuses epsilon %d', async (epsilon) => {
      using _scope = device.scope();
      const attempt = solve(device, points, epsilon);
      await expect(attempt).rejects.toMatchObject({ name: 'InvalidInputError', details: { field: 'epsilon' } });
    });

    it('does not call converged what an epsilon below all rounding made of the plan', async () => {
      using _scope = device.scope();
      const { status, transportCost } = await solve(device, points, 1e-30);
      // The two points are moved along the line in order.
      if (status === 'converged') expect(Math.abs(transportCost - 0.5)).toBeLessThanOrEqual(allowed);
      else expect(['precision-limited', 'not-converged']).toContain(status);
    });

    it('solves one point, points that are all equal, and a problem that is not square', async () => {
      using _scope = device.scope();
      const one = await solve(device, { x: [1, 2], y: [4, 6], dimension: 2 }, 0.1);
      expect(one.status).toBe('converged');
      expect(Math.abs(one.transportCost - 25)).toBeLessThanOrEqual(25 * allowed);
      const equal = await solve(device, { x: [7, 7, 7], y: [7, 7], dimension: 1 }, 0.1);
      expect(equal.status).toBe('converged');
      // Sums in float32 stay above the smallest normal number.
      expect(equal.transportCost).toBeLessThanOrEqual(1e-37);
      const same = await solve(device, { matrix: new Float64Array(15), rows: 3, columns: 5 }, 0.1);
      expect(same.status).toBe('converged');
      expect(same.transportCost).toBeLessThanOrEqual(1e-37);
      // With a single column the plan is the row weights, whatever epsilon is.
      const column = { matrix: [1, 2, 4], rows: 3, columns: 1, rowWeights: [0.5, 0.25, 0.25] };
      const tall = await solve(device, column, 0.1);
      expect(Math.abs(tall.transportCost - 2)).toBeLessThanOrEqual(2 * allowed);
    });

    it('takes duplicated points for one of their weight, and leaves points without weight out', async () => {
      using _scope = device.scope();
      const [twice, once] = [await solve(device, duplicated, 0.5), await solve(device, merged, 0.5)];
      expect([twice.status, once.status]).toEqual(['converged', 'converged']);
      expect(Math.abs(twice.transportCost / once.transportCost - 1)).toBeLessThanOrEqual(allowed);
      const with1 = { ...merged, x: [0, 1e6, 1], rowWeights: [0.5, 0, 0.5] };
      const without = await solve(device, with1, 0.5);
      expect(Math.abs(without.transportCost / once.transportCost - 1)).toBeLessThanOrEqual(allowed);
    });

    it('loses no digits to what all costs or coordinates have in common', async () => {
      const random = new Philox(4);
      const matrix = Float64Array.from({ length: 15 * 12 }, () => Math.fround(random.uniform()));
      const problem = { matrix, rows: 15, columns: 12 };
      using _scope = device.scope();
      const plain = await solve(device, problem, 0.05);
      for (const offset of [1e3, -1e6]) {
        const shifted = await solve(device, { ...problem, matrix: matrix.map((value) => value + offset) }, 0.05);
        // The sum with the offset has been rounded once, in float64.
        expect(Math.abs(shifted.transportCost - offset - plain.transportCost)).toBeLessThanOrEqual(
          2 * allowed * plain.transportCost,
        );
      }
      const cloud = { x: [0, 0.25, 1], y: [0.5, 0.125], dimension: 1 };
      const near = await solve(device, cloud, 0.1);
      const move = (values: readonly number[], by: number): number[] => values.map((value) => value + by);
      const far = await solve(device, { ...cloud, x: move(cloud.x, 1e5), y: move(cloud.y, 1e5) }, 0.1);
      expect(Math.abs(far.transportCost / near.transportCost - 1)).toBeLessThanOrEqual(allowed);
    });
  });

  it('a Sinkhorn divergence refuses what its problems refuse, and is 0 where all points are equal', async () => {
    using _scope = device.scope();
    for (const [, problem, message] of badProblems) {
      if ('matrix' in problem) continue;
      const attempt = sinkhornDivergence(device, problem, { epsilon: 0.1 });
      await expect(attempt).rejects.toThrow(InvalidInputError);
      await expect(attempt).rejects.toThrow(message);
    }
    const { divergence } = await sinkhornDivergence(device, { x: [7, 7, 7], y: [7], dimension: 1 }, { epsilon: 0.1 });
    expect(Math.abs(divergence)).toBeLessThanOrEqual(1e-6);
  });

  const unbalanced: UnbalancedOptions = { epsilon: 0.1, penalty: 'kullback-leibler', rho: 1, reference: 'product' };
  const masses = { rowMasses: [1, 2], columnMasses: [1, 1, 1] };
  it.each<[string, UnbalancedProblem, RegExp]>([
    ['coordinates of 1e30', { ...masses, ...points, x: [0, 1e30] }, /x holds 1e\+30 at index 1/],
    ['coordinates that are NaN', { ...masses, ...points, x: [0, NaN] }, /NaN/],
    ['a cost that is NaN', { ...masses, matrix: [0, 1, 1, 0, 1, NaN] }, /matrix holds NaN/],
    ['a matrix of the wrong size', { ...masses, matrix: [0, 1] }, /2 numbers instead of 2 x 3/],
    ['points of another dimension', { ...masses, ...points, dimension: 2 }, /one mass per point/],
    ['masses that are all zero', { ...masses, ...points, rowMasses: [0, 0] }, /row masses are all zero/],
    ['negative masses', { ...masses, ...points, columnMasses: [1, 1, -1] }, /column masses hold -1 at index 2/],
  ])('unbalanced transport refuses %s', async (_name, problem, message) => {
    using _scope = device.scope();
    const attempt = solveUnbalanced(device, problem, unbalanced);
    await expect(attempt).rejects.toThrow(InvalidInputError);
    await expect(attempt).rejects.toThrow(message);
  });

  it('unbalanced transport of points that are all equal costs nothing', async () => {
    using _scope = device.scope();
    const problem = { x: [7, 7], y: [7, 7, 7], dimension: 1, ...masses };
    const result = await solveUnbalanced(device, problem, unbalanced);
    expect(result.status).toBe('converged');
    expect(result.transportCost).toBe(0);
    expect(result.mass).toBeGreaterThan(0);
  });

  it('multimarginal transport of a cost that is the same everywhere costs that', async () => {
    using _scope = device.scope();
    const marginals = [[0.5, 0.5], [1], [0.25, 0.75]];
    for (const value of [0, 3]) {
      const result = await solveMultimarginal(
        device,
        { cost: [value, value, value, value], marginals },
        { epsilon: 0.1 },
      );
      expect(result.status).toBe('converged');
      expect(Math.abs(result.transportCost - value)).toBeLessThanOrEqual(value * allowed);
    }
    const attempt = solveMultimarginal(device, { cost: [0, 1e30], marginals: [[1], [0.5, 0.5]] }, { epsilon: 0.1 });
    await expect(attempt).rejects.toThrow(/holds 1e\+30 at index 1/);
  });
});
