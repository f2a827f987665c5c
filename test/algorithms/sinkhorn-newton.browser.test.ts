/** Sinkhorn with sparse Newton steps against golden numbers that plain Sinkhorn does not reach, on both devices. */
import { describe, expect, it } from 'vitest';
import { certifyTransport } from '../../src/algorithms/certificate';
import { readPlanCosts, solveSinkhorn } from '../../src/algorithms/sinkhorn';
import {
  describeSinkhornNewton,
  sinkhornNewton,
  solveSinkhornNewton,
  type SinkhornNewtonOptions,
  type SinkhornNewtonStep,
} from '../../src/algorithms/sinkhorn-newton';
import type { TransportProblem } from '../../src/algorithms/transport-problem';
import { Philox } from '../../src/kernels/random';
import golden from '../golden/ot-slow.json';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

function assignment(count: number, seed: number): TransportProblem {
  const random = new Philox(seed, 0);
  return { matrix: Float32Array.from({ length: count ** 2 }, () => random.uniform()), rows: count, columns: count };
}

/** Two clouds on a grid under the L1 cost: ties everywhere, hard for Newton steps that start too early. */
function grids(side: number): TransportProblem {
  const random = new Philox(5, 0);
  const weights = () => {
    const masses = Array.from({ length: side * side }, () => 0.05 + random.uniform() ** 4);
    const total = masses.reduce((sum, mass) => sum + mass, 0);
    return masses.map((mass) => mass / total);
  };
  const x = Array.from({ length: 2 * side * side }, (_, at) =>
    at % 2 === 0 ? ((at >> 1) % side) / (2 * side) : Math.floor((at >> 1) / side) / (2 * side),
  );
  return { x, y: x, dimension: 2, cost: 'manhattan', rowWeights: weights(), columnWeights: weights() };
}

describe.each(golden.problems.map((record) => ({ id: record.id, record })))('golden record $id', ({ record }) => {
  const { n, m, a, b, C, eps, expected } = record;
  const problem = { matrix: C, rows: n, columns: m, rowWeights: a, columnWeights: b };

  it('is reproduced in float64', async () => {
    using _scope = cpu.scope();
    const result = await solveSinkhornNewton(cpu, problem, { epsilon: eps, tolerance: 1e-12 });
    expect(result.status).toBe('converged');
    expect(Math.abs(result.transportCost / expected.transport_cost - 1)).toBeLessThanOrEqual(1e-9);
    expect(Math.abs(result.entropicObjective - expected.entropic_objective)).toBeLessThanOrEqual(1e-9);
  });

  it('is reproduced in float32, with a certificate', async () => {
    using _scope = gpu.scope();
    const result = await solveSinkhornNewton(gpu, problem, { epsilon: eps, tolerance: 1e-6 });
    expect(result.status).toBe('converged');
    expect(result.marginalError).toBeLessThanOrEqual(1e-6);
    expect(result.sinkhornIterations).toBeLessThanOrEqual(200);
    expect(result.newtonSteps).toBeLessThanOrEqual(12);
    // The stored plan itself, added up in float64.
    const plan = await result.plan.read();
    const rowSums = new Float64Array(n);
    const columnSums = new Float64Array(m);
    plan.forEach((mass, at) => {
      rowSums[Math.floor(at / m)] = (rowSums[Math.floor(at / m)] ?? 0) + mass;
      columnSums[at % m] = (columnSums[at % m] ?? 0) + mass;
    });
    const distance = (sums: Float64Array, weights: readonly number[]) =>
      sums.reduce((sum, value, i) => sum + Math.abs(value - (weights[i] ?? NaN)), 0);
    expect(distance(rowSums, a) + distance(columnSums, b)).toBeLessThanOrEqual(2e-6);
    expect(Math.abs(result.transportCost / expected.transport_cost - 1)).toBeLessThanOrEqual(1e-5);
    expect(Math.abs(result.entropicObjective - expected.entropic_objective)).toBeLessThanOrEqual(1e-5);
    const { lower, upper } = await certifyTransport(result.problem, result.potentials, result.epsilon);
    expect(lower).toBeLessThanOrEqual(expected.emd_cost);
    expect(upper).toBeGreaterThanOrEqual(expected.emd_cost);
  });
});

describe('the race at 500 points and eta = 1200, in float64', () => {
  it.each([0, 1, 2])('takes at most 20 + 10 steps on a random assignment with seed %i', async (seed) => {
    using _scope = cpu.scope();
    const result = await solveSinkhornNewton(cpu, assignment(500, seed), { epsilon: 1 / 1200 });
    expect(result.status).toBe('converged');
    expect(result.sinkhornIterations).toBeLessThanOrEqual(20);
    expect(result.newtonSteps).toBeLessThanOrEqual(10);
    expect(result.gradientSteps).toBeGreaterThan(result.newtonSteps);
    expect(result.nonzeros).toBeLessThan(20 * 500);
  });

  it('converges only linearly where 2 n entries are kept as published', async () => {
    using _scope = cpu.scope();
    const options = { epsilon: 1 / 1200, tolerance: 1e-8, warmUp: { iterations: 20 }, maximumNewtonSteps: 12 };
    const problem = assignment(500, 0);
    const few = await solveSinkhornNewton(cpu, problem, {
      ...options,
      sparsification: { by: 'count', lambda: 2 / 500 },
    });
    const more = await solveSinkhornNewton(cpu, problem, {
      ...options,
      sparsification: { by: 'count', lambda: 8 / 500 },
    });
    expect(few.status).toBe('not-converged');
    expect(few.nonzeros).toBe(1000);
    expect(more.status).toBe('converged');
    expect(more.newtonSteps).toBeLessThanOrEqual(10);
    expect(more.sinkhornIterations).toBe(20);
  });
});

describe('how a run goes', () => {
  it('takes the same steps on both devices down to 1e-5', async () => {
    const counts: number[][] = [];
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const { sinkhornIterations, newtonSteps } = await solveSinkhornNewton(device, assignment(61, 3), {
        epsilon: 1 / 300,
        tolerance: 1e-5,
      });
      counts.push([sinkhornIterations, newtonSteps]);
    }
    expect(counts[0]).toEqual(counts[1]);
  });

  it('yields every iteration’s error once, and never goes back in time', async () => {
    using _scope = cpu.scope();
    const steps: SinkhornNewtonStep[] = [];
    const run = sinkhornNewton(cpu, assignment(40, 1), { epsilon: 1 / 300 });
    let next = await run.next();
    for (; next.done !== true; next = await run.next()) steps.push(next.value);
    const { sinkhornIterations, newtonSteps } = next.value;
    expect(steps.flatMap(({ errors }) => errors)).toHaveLength(sinkhornIterations + newtonSteps);
    expect(steps.at(-1)?.iteration).toBe(sinkhornIterations + newtonSteps);
    expect(steps.at(-1)?.newton?.nonzeros).toBe(next.value.nonzeros);
    const times = steps.map(({ elapsedMs }) => elapsedMs);
    expect(times).toEqual(times.toSorted((first, second) => first - second));
  });

  it('moves nearly separate blocks of the L1 cost, in few iterations', async () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const result = await solveSinkhornNewton(device, grids(7), { epsilon: 1 / 1200 });
      expect(result.status).toBe('converged');
      expect(result.stalls).toBe(0);
      expect(result.newtonSteps).toBeLessThanOrEqual(12);
      expect(result.sinkhornIterations + result.correctionIterations).toBeLessThanOrEqual(2500);
    }
  });

  it('keeps the plan that of its potentials in float32, however far steps go', async () => {
    using _scope = gpu.scope();
    // Entries that underflow at first carry mass in the end.
    const result = await solveSinkhornNewton(gpu, grids(7), {
      epsilon: 1 / 1200,
      warmUp: { iterations: 20 },
      maximumNewtonSteps: 200,
    });
    expect(result.status).toBe('converged');
    const { sums } = await readPlanCosts(result.problem, result.potentials, result.epsilon);
    const distance = sums.reduce((sum, value, i) => sum + Math.abs(value - (result.problem.rows.weights[i] ?? NaN)), 0);
    // Exponents of up to 1200 are put together anew from potentials and costs that are rounded.
    expect(distance).toBeLessThan(4 * 1200 * 2 ** -24);
  });

  it('falls back to Sinkhorn where Newton stalls, and says so', async () => {
    using _scope = cpu.scope();
    const problem = grids(5);
    const options = { epsilon: 1 / 400, tolerance: 1e-7 };
    // One conjugate gradient step does not solve a system.
    const stalled = await solveSinkhornNewton(cpu, problem, {
      ...options,
      warmUp: { iterations: 3 },
      maximumGradientSteps: 1,
      maximumNewtonSteps: 1000,
      maximumIterations: 20_000,
    });
    expect(stalled.status).toBe('converged');
    expect(stalled.stalls).toBeGreaterThan(0);
    expect(stalled.fallbackIterations).toBeGreaterThanOrEqual(50);
    expect(describeSinkhornNewton(stalled).warning).toMatch(
      /^Newton stalled .* more Sinkhorn iterations were taken instead\.$/,
    );
    const truth = await solveSinkhorn(cpu, problem, { ...options, maximumIterations: 20_000, checkEvery: 50 });
    expect(truth.status).toBe('converged');
    expect(Math.abs(stalled.transportCost / truth.transportCost - 1)).toBeLessThan(1e-6);
  });

  it('says precision-limited where float32 is what limits, and not-converged where steps run out', async () => {
    using _scope = gpu.scope();
    const limited = await solveSinkhornNewton(gpu, assignment(31, 3), { epsilon: 1 / 300, tolerance: 1e-12 });
    expect(limited.status).toBe('precision-limited');
    expect(limited.marginalError).toBeLessThan(1e-6);
    expect(describeSinkhornNewton(limited).text).toMatch(/^precision-limited: marginal error/);
    const short = await solveSinkhornNewton(gpu, assignment(61, 3), { epsilon: 1 / 300, maximumNewtonSteps: 1 });
    expect(short.status).toBe('not-converged');
    expect(describeSinkhornNewton(short).text).toMatch(/^did not converge: marginal error .* \+ 1 Newton steps/);
  });

  it('takes rectangular problems, and a single point', async () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const random = new Philox(9, 0);
      const matrix = Float32Array.from({ length: 7 * 31 }, () => random.uniform());
      const rectangle = { matrix, rows: 7, columns: 31 };
      const result = await solveSinkhornNewton(device, rectangle, { epsilon: 0.01, tolerance: 1e-5 });
      expect(result.status).toBe('converged');
      const truth = await solveSinkhorn(device, rectangle, {
        epsilon: 0.01,
        tolerance: 1e-5,
        maximumIterations: 20_000,
      });
      expect(Math.abs(result.transportCost / truth.transportCost - 1)).toBeLessThan(1e-3);
      const point = await solveSinkhornNewton(device, { matrix: [0.5], rows: 1, columns: 1 }, { epsilon: 0.01 });
      expect(point.status).toBe('converged');
      expect(point.transportCost).toBeCloseTo(0.5, 6);
    }
  });
});

describe('bad input', () => {
  const problem = assignment(4, 0);
  it.each<[string, SinkhornNewtonOptions]>([
    ['epsilon', { epsilon: 0 }],
    ['tolerance', { epsilon: 1, tolerance: -1 }],
    ['warmUp.error', { epsilon: 1, warmUp: { error: 0 } }],
    ['warmUp.iterations', { epsilon: 1, warmUp: { iterations: 0.5 } }],
    ['fraction', { epsilon: 1, sparsification: { by: 'mass', fraction: 1 } }],
    ['lambda', { epsilon: 1, sparsification: { by: 'count', lambda: 0 } }],
    ['maximumNewtonSteps', { epsilon: 1, maximumNewtonSteps: -1 }],
    ['maximumGradientSteps', { epsilon: 1, maximumGradientSteps: 0 }],
  ])('refuses a bad %s', async (field, options) => {
    await expect(solveSinkhornNewton(cpu, problem, options)).rejects.toMatchObject({
      name: 'InvalidInputError',
      details: { field },
    });
  });

  it('refuses a cost with NaN', async () => {
    const attempt = solveSinkhornNewton(gpu, { matrix: [1, NaN, 2, 3], rows: 2, columns: 2 }, { epsilon: 1 });
    await expect(attempt).rejects.toThrow(/matrix holds NaN at index 1/);
  });
});
