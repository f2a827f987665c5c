/** How Sinkhorn runs end, what it does with epsilon, its map of new points, and bad input, on both devices. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/device';
import {
  describeSinkhorn,
  sinkhorn,
  type SinkhornOptions,
  type SinkhornResult,
  type SinkhornStep,
} from '../../src/algorithms/sinkhorn';
import { mapPoints } from '../../src/algorithms/transport-map';
import type { TransportProblem } from '../../src/algorithms/transport-problem';
import { Philox } from '../../src/kernels/random';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

async function solve(
  device: Device,
  problem: TransportProblem,
  options: SinkhornOptions,
): Promise<SinkhornResult & { readonly steps: readonly SinkhornStep[] }> {
  const steps: SinkhornStep[] = [];
  const run = sinkhorn(device, problem, options);
  for (;;) {
    const next = await run.next();
    if (next.done === true) return { ...next.value, steps };
    steps.push(next.value);
  }
}

/** Two clouds of points in the unit cube, the same for the same seed. */
function clouds(
  rows: number,
  columns: number,
  dimension: number,
  seed = 1,
): TransportProblem & { readonly x: Float32Array } {
  const random = new Philox(seed);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random.uniform());
  return { x: numbers(rows * dimension), y: numbers(columns * dimension).map((value) => value ** 2), dimension };
}

describe('how a run ends', () => {
  it('says converged when both marginals are within the tolerance', async () => {
    using _scope = gpu.scope();
    const { status, marginalError, steps, iterations } = await solve(gpu, clouds(61, 130, 3), {
      epsilon: 0.05,
      tolerance: 1e-5,
    });
    expect(status).toBe('converged');
    expect(marginalError).toBeLessThanOrEqual(1e-5);
    expect(steps.flatMap(({ rowErrors }) => rowErrors).length).toBe(iterations);
    expect(steps.at(-1)?.iteration).toBe(iterations);
  });

  it('says not-converged when the iterations run out', async () => {
    using _scope = gpu.scope();
    const { status, iterations } = await solve(gpu, clouds(61, 130, 3), {
      epsilon: 0.002,
      tolerance: 1e-4,
      maximumIterations: 7,
    });
    expect(status).toBe('not-converged');
    expect(iterations).toBe(7);
  });

  it('says precision-limited where float32 cannot hold epsilon, and names one that works', async () => {
    using _scope = gpu.scope();
    const problem = clouds(61, 130, 3);
    const options = { tolerance: 1e-6, maximumIterations: 400, scaling: 0.5 };
    const limited = await solve(gpu, problem, { ...options, epsilon: 1e-8 });
    expect(limited.status).toBe('precision-limited');
    const { smallestEpsilon = NaN } = limited;
    expect(limited.iterations).toBeLessThan(100);
    expect(smallestEpsilon).toBeGreaterThan(1e-8);
    expect(smallestEpsilon).toBeLessThan(0.05);
    expect(describeSinkhorn(limited).warning).toMatch(/smallest that works is about/);
    const better = await solve(gpu, problem, { ...options, epsilon: smallestEpsilon, maximumIterations: 5000 });
    expect(better.status).toBe('converged');
  });

  it('gives a cost that decreases with epsilon, the same with epsilon scaling', async () => {
    using _scope = gpu.scope();
    const problem = clouds(64, 64, 2);
    const costs: number[] = [];
    for (const epsilon of [0.1, 0.03, 0.01]) {
      const plain = await solve(gpu, problem, { epsilon });
      const scaled = await solve(gpu, problem, { epsilon, scaling: 0.5 });
      expect(Math.abs(plain.transportCost - scaled.transportCost)).toBeLessThanOrEqual(1e-5 * plain.transportCost);
      costs.push(plain.transportCost);
    }
    expect(costs).toEqual(costs.toSorted((a, b) => b - a));
  });

  it('takes epsilon relative to the largest cost', async () => {
    using _scope = gpu.scope();
    const { epsilon, problem } = await solve(
      gpu,
      { x: [0, 1], y: [3, 5], dimension: 1 },
      { epsilon: 0.1, epsilonUnit: 'largest-cost' },
    );
    expect(problem.largestCost).toBeCloseTo(25, 5);
    expect(epsilon).toBeCloseTo(2.5, 6);
  });
});

describe('the map of new points', () => {
  it('takes the points of the problem to the means under the plan, on both devices', async () => {
    const problem = clouds(70, 133, 3);
    const maps: Float64Array[] = [];
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const result = await solve(device, problem, { epsilon: 0.05 });
      maps.push(await mapPoints(result.problem, result.potentials, result.epsilon, problem.x));
    }
    const [actual, expected] = maps;
    // Both stop at 1e-6; the weights of a row sum to 1/70, so a row may be off by 70e-6 relative.
    actual?.forEach((value, i) => expect(Math.abs(value - (expected?.[i] ?? NaN))).toBeLessThan(2e-4));
    expect(actual?.length).toBe(210);
  });
});

describe('bad options', () => {
  const points = { x: [0, 1], y: [0, 1, 2], dimension: 1 };
  it.each<[string, SinkhornOptions]>([
    ['epsilon', { epsilon: 0 }],
    ['epsilon', { epsilon: NaN }],
    ['tolerance', { epsilon: 1, tolerance: 0 }],
    ['maximumIterations', { epsilon: 1, maximumIterations: 0 }],
    ['checkEvery', { epsilon: 1, checkEvery: 0.5 }],
    ['scaling', { epsilon: 1, scaling: 1 }],
  ])('refuses a bad %s', async (field, options) => {
    await expect(solve(gpu, points, options)).rejects.toMatchObject({ name: 'InvalidInputError', details: { field } });
  });
});
