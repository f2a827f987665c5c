/** Batches of small problems: each is solved as if it were alone, on both devices. */
import { describe, expect, it } from 'vitest';
import { solveSinkhorn } from '../../src/algorithms/sinkhorn';
import { solveBatch } from '../../src/algorithms/sinkhorn-batch';
import type { TransportProblem } from '../../src/algorithms/transport-problem';
import { Philox } from '../../src/kernels/random';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

/** Problems of many sizes: matrices, points, one with zero weights, one of a single point, one with a large common offset. */
function mixed(): TransportProblem[] {
  const random = new Philox(11);
  const numbers = (count: number, offset = 0): Float64Array =>
    Float64Array.from({ length: count }, () => Math.fround(offset + random.uniform()));
  return [
    { matrix: numbers(12 * 7), rows: 12, columns: 7 },
    { matrix: numbers(65 * 70, 100), rows: 65, columns: 70 },
    { x: numbers(2 * 20), y: numbers(2 * 31), dimension: 2 },
    { x: numbers(3 * 9), y: numbers(3 * 9), dimension: 3, cost: 'manhattan' },
    { x: [0.5], y: [2], dimension: 1, cost: 'half-squared-euclidean' },
    { matrix: numbers(4 * 4), rows: 4, columns: 4, rowWeights: [0.5, 0, 0.25, 0.25], columnWeights: [0, 0.5, 0.5, 0] },
  ];
}

it.each([
  ['the GPU', gpu, 2e-6, 1e-5],
  ['the reference device', cpu, 1e-11, 1e-9],
] as const)('gives each problem its own answer on %s', async (_, device, tolerance, allowed) => {
  using _scope = device.scope();
  const results = await solveBatch(device, mixed(), { epsilon: 0.05, tolerance, maximumIterations: 3000 });
  for (const [b, problem] of mixed().entries()) {
    const alone = await solveSinkhorn(cpu, problem, { epsilon: 0.05, tolerance: 1e-11, maximumIterations: 5000 });
    const result = results[b];
    expect(result?.status).toBe('converged');
    expect(result?.marginalError).toBeLessThanOrEqual(tolerance);
    const off = (actual = NaN, expected: number): number =>
      Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
    expect(off(result?.transportCost, alone.transportCost)).toBeLessThanOrEqual(allowed);
    expect(off(result?.entropicObjective, alone.entropicObjective)).toBeLessThanOrEqual(allowed);
    expect(result?.rowPotential.length).toBe(alone.rowPotential.length);
    alone.rowPotential.forEach((value, i) => {
      if (value === -Infinity) expect(result?.rowPotential[i]).toBe(-Infinity);
    });
  }
});

it('solves two hundred problems at once, all alike', async () => {
  const [first] = mixed();
  if (first === undefined) throw new Error('a problem is expected');
  using _scope = gpu.scope();
  const results = await solveBatch(gpu, new Array<TransportProblem>(200).fill(first), { epsilon: 0.1 });
  expect(results.length).toBe(200);
  expect(new Set(results.map(({ transportCost }) => transportCost)).size).toBe(1);
});

it('takes epsilon relative to the largest cost of each problem', async () => {
  const problems: TransportProblem[] = [
    { matrix: [0, 2, 2, 0], rows: 2, columns: 2 },
    { matrix: [0, 8, 8, 0], rows: 2, columns: 2 },
  ];
  using _scope = gpu.scope();
  const results = await solveBatch(gpu, problems, { epsilon: 0.5, epsilonUnit: 'largest-cost' });
  expect(results.map(({ epsilon }) => epsilon)).toEqual([1, 4]);
});

describe('bad input', () => {
  it('is refused, and no problems are no problem', async () => {
    expect(await solveBatch(gpu, [], { epsilon: 1 })).toEqual([]);
    await expect(solveBatch(gpu, mixed(), { epsilon: 0 })).rejects.toMatchObject({ details: { field: 'epsilon' } });
    const large: TransportProblem = { matrix: new Float64Array(513), rows: 513, columns: 1 };
    await expect(solveBatch(gpu, [large], { epsilon: 1 })).rejects.toThrow(/at most 512 fit/);
    const broken: TransportProblem = { matrix: [NaN], rows: 1, columns: 1 };
    await expect(solveBatch(gpu, [broken], { epsilon: 1 })).rejects.toThrow(/matrix holds NaN/);
  });
});
