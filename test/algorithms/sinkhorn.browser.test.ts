/** Sinkhorn and its certificate against golden numbers, closed forms and bad input, on both devices. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { certifyTransport } from '../../src/algorithms/certificate';
import {
  describeSinkhorn,
  sinkhorn,
  type SinkhornOptions,
  type SinkhornResult,
  type SinkhornStep,
} from '../../src/algorithms/sinkhorn';
import { mapPoints } from '../../src/algorithms/transport-map';
import type { TransportProblem } from '../../src/algorithms/transport-problem';
import type { GroundCost } from '../../src/kernels/pairs';
import { Philox } from '../../src/kernels/random';
import golden from '../golden/ot-balanced.json';
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

type GoldenRecord = (typeof golden.problems)[number];

const groundCosts: Readonly<Record<string, GroundCost>> = {
  sqeuclidean: 'squared-euclidean',
  L1: 'manhattan',
  euclidean: 'euclidean',
};

function problemOf(record: GoldenRecord): TransportProblem {
  const weights = { rowWeights: record.a, columnWeights: record.b };
  if ('C' in record) return { matrix: record.C, rows: record.n, columns: record.m, ...weights };
  const cost = groundCosts[record.cost.split(' ')[0] ?? ''];
  if (cost === undefined) throw new Error(`${record.id} has an unknown cost`);
  return { x: record.x, y: record.y, dimension: record.dim, cost, ...weights };
}

/** Potentials are unique up to a constant: the golden ones have `sum b g = 0`. */
function gauged(result: SinkhornResult, record: GoldenRecord): { f: number[]; g: number[] } {
  const shift = record.b.reduce(
    (sum, weight, j) => (weight > 0 ? sum + weight * (result.columnPotential[j] ?? 0) : sum),
    0,
  );
  return {
    f: Array.from(result.rowPotential, (f) => f + shift),
    g: Array.from(result.columnPotential, (g) => g - shift),
  };
}

const number = (value: number | string): number => (value === '-inf' ? -Infinity : Number(value));

describe.each(golden.problems.map((record) => ({ id: record.id, record })))('golden record $id', ({ record }) => {
  const { expected, float32_loop_from_optimum: floor } = record;

  it('is reproduced in float64', async () => {
    using _scope = cpu.scope();
    const result = await solve(cpu, problemOf(record), {
      epsilon: record.eps,
      tolerance: 1e-11,
      maximumIterations: 30_000,
      checkEvery: 50,
    });
    expect(result.status).toBe('converged');
    expect(Math.abs(result.transportCost - expected.transport_cost)).toBeLessThanOrEqual(
      1e-9 * Math.max(1, Math.abs(expected.transport_cost)),
    );
    expect(Math.abs(result.entropicObjective - expected.entropic_objective)).toBeLessThanOrEqual(
      1e-9 * Math.max(1, Math.abs(expected.entropic_objective)),
    );
    const { f, g } = gauged(result, record);
    // Potentials move by epsilon times the logarithm of what the marginals are off by, amplified by how weakly blocks couple.
    for (const [actual, wanted] of [
      [f, expected.f],
      [g, expected.g],
    ] as const) {
      actual.forEach((value, i) => {
        const target = number(wanted[i] ?? NaN);
        if (target === -Infinity) expect(value).toBe(-Infinity);
        else expect(Math.abs(value - target)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(target)));
      });
    }
  });

  it('is reproduced in float32, and certified', async () => {
    using _scope = gpu.scope();
    const result = await solve(gpu, problemOf(record), {
      epsilon: record.eps,
      tolerance: 1e-6,
      maximumIterations: 5000,
      checkEvery: 50,
    });
    expect(['converged', 'precision-limited']).toContain(result.status);
    expect(result.marginalError).toBeLessThanOrEqual(Math.max(2e-6, 4 * floor.marginal_l1));
    const costTolerance = Math.max(1e-5, 4 * floor.transport_cost_rel);
    expect(Math.abs(result.transportCost - expected.transport_cost)).toBeLessThanOrEqual(
      costTolerance * Math.abs(expected.transport_cost),
    );
    expect(Math.abs(result.entropicObjective - expected.entropic_objective)).toBeLessThanOrEqual(
      1e-5 * Math.max(1, Math.abs(expected.entropic_objective)),
    );
    const { lower, upper } = await certifyTransport(result.problem, result.potentials, result.epsilon);
    expect(lower).toBeLessThanOrEqual(expected.emd_cost);
    expect(upper).toBeGreaterThanOrEqual(expected.emd_cost);
  });
});

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

describe('certificate', () => {
  it.each([3, 64, 401])('holds the exact cost of %i points on a line, on both devices', async (count) => {
    const problem = clouds(count, count, 1, count);
    if (!('y' in problem)) throw new Error('points expected');
    const [x, y] = [Array.from(problem.x).sort((a, b) => a - b), Array.from(problem.y).sort((a, b) => a - b)];
    const exact = x.reduce((sum, value, i) => sum + (value - (y[i] ?? NaN)) ** 2, 0) / count;
    for (const device of [gpu, cpu]) {
      for (const maximumIterations of [1, 200]) {
        using _scope = device.scope();
        const result = await solve(device, problem, { epsilon: 0.01, maximumIterations });
        const { lower, upper, roundedCost } = await certifyTransport(result.problem, result.potentials, result.epsilon);
        expect(lower).toBeLessThanOrEqual(exact);
        expect(upper).toBeGreaterThanOrEqual(exact);
        // Lemma 7 of Altschuler, Weed and Rigollet: rounding moves at most twice the marginal error.
        const allowed = 2 * result.marginalError * result.problem.largestCost;
        expect(roundedCost - result.transportCost).toBeLessThanOrEqual(allowed + 1e-5);
        expect(upper - lower).toBeLessThan(maximumIterations === 1 ? 1 : 0.02);
      }
    }
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

describe('bad input', () => {
  const points = { x: [0, 1], y: [0, 1, 2], dimension: 1 };
  it.each<[string, TransportProblem, RegExp]>([
    ['negative weights', { ...points, rowWeights: [-0.5, 1.5] }, /row weights hold -0.5 at index 0/],
    ['weights that do not sum to one', { ...points, rowWeights: [0.5, 0.6] }, /row weights sum to 1.1 instead of 1/],
    ['weights that are not numbers', { ...points, columnWeights: [NaN, 0.5, 0.5] }, /column weights hold NaN/],
    ['too few weights', { ...points, columnWeights: [0.5, 0.5] }, /2 column weights for 3 points/],
    ['points that are not numbers', { ...points, x: [0, Infinity] }, /x holds Infinity at index 1/],
    ['points of another dimension', { ...points, dimension: 2 }, /not a cloud of points of 2 coordinates/],
    ['a matrix of the wrong size', { matrix: [1, 2, 3], rows: 2, columns: 2 }, /needs 4 numbers, but there are 3/],
    ['a matrix with NaN', { matrix: [1, 2, NaN, 4], rows: 2, columns: 2 }, /matrix holds NaN at index 2/],
  ])('refuses %s', async (_, problem, message) => {
    const attempt = solve(gpu, problem, { epsilon: 0.1 });
    await expect(attempt).rejects.toThrow(InvalidInputError);
    await expect(attempt).rejects.toThrow(message);
  });

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
