/** More golden transport problems on both devices: accelerated and absorbed where that is how one would solve them. */
import { describe, expect, it } from 'vitest';
import { certifyTransport } from '../../src/algorithms/certificate';
import { solveSinkhorn, type SinkhornOptions } from '../../src/algorithms/sinkhorn';
import { sinkhornDivergence } from '../../src/algorithms/sinkhorn-divergence';
import type { PointProblem, TransportProblem } from '../../src/algorithms/transport-problem';
import type { GroundCost } from '../../src/kernels/pairs';
import balanced from '../golden/ot-balanced-more.json';
import divergences from '../golden/ot-divergence.json';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

const groundCosts: Readonly<Record<string, GroundCost>> = {
  sqeuclidean: 'squared-euclidean',
  L1: 'manhattan',
  euclidean: 'euclidean',
};

function costOf(words: string): GroundCost {
  const cost = groundCosts[words.split(' ')[0] ?? ''];
  if (cost === undefined) throw new Error(`unknown cost ${words}`);
  return cost;
}

function problemOf(record: (typeof balanced.problems)[number]): TransportProblem {
  const weights = { rowWeights: record.a, columnWeights: record.b };
  if ('C' in record) return { matrix: record.C, rows: record.n, columns: record.m, ...weights };
  return { x: record.x, y: record.y, dimension: record.dim, cost: costOf(record.cost), ...weights };
}

const relative = (actual: number, expected: number): number => Math.abs(actual - expected) / Math.max(1, Math.abs(expected));

describe.each(balanced.problems.map((record) => ({ id: record.id, record })))('golden record $id', ({ record }) => {
  const { expected, float32_loop_from_optimum: floor } = record;
  const common = { epsilon: record.eps, acceleration: 'anderson', checkEvery: 5 } as const;

  it('is reproduced in float64', async () => {
    using _scope = cpu.scope();
    const options: SinkhornOptions = { ...common, tolerance: 1e-11, maximumIterations: 20_000 };
    const result = await solveSinkhorn(cpu, problemOf(record), options);
    expect(result.status).toBe('converged');
    expect(relative(result.transportCost, expected.transport_cost)).toBeLessThanOrEqual(1e-9);
    expect(relative(result.entropicObjective, expected.entropic_objective)).toBeLessThanOrEqual(1e-9);
    expect(relative(result.productObjective, expected.objective_kl_ab)).toBeLessThanOrEqual(1e-9);
  });

  it.each(['log', 'absorbed'] as const)('is reproduced in float32 in the %s form, and certified', async (form) => {
    using _scope = gpu.scope();
    const result = await solveSinkhorn(gpu, problemOf(record), { ...common, form, maximumIterations: 3000 });
    expect(['converged', 'precision-limited']).toContain(result.status);
    expect(result.marginalError).toBeLessThanOrEqual(Math.max(2e-6, 4 * floor.marginal_l1));
    expect(Math.abs(result.transportCost - expected.transport_cost)).toBeLessThanOrEqual(
      Math.max(1e-5, 4 * floor.transport_cost_rel) * Math.abs(expected.transport_cost),
    );
    expect(relative(result.entropicObjective, expected.entropic_objective)).toBeLessThanOrEqual(1e-5);
    const { lower, upper } = await certifyTransport(result.problem, result.potentials, result.epsilon);
    expect(lower).toBeLessThanOrEqual(expected.emd_cost);
    expect(upper).toBeGreaterThanOrEqual(expected.emd_cost);
  });
});

describe.each(divergences.divergences.map((record) => ({ id: record.id, record })))('golden record $id', ({ record }) => {
  const { x, y, a, b, eps, expected } = record;
  const problem: PointProblem = {
    x,
    y,
    dimension: record.dim,
    cost: costOf(record.cost),
    rowWeights: a,
    columnWeights: b,
  };

  it.each([
    ['float64', cpu, 1e-11, 1e-9],
    ['float32', gpu, 1e-6, 1e-5],
  ] as const)('is reproduced in %s', async (_, device, tolerance, allowed) => {
    const options = { epsilon: eps, tolerance, maximumIterations: 20_000 };
    const result = await sinkhornDivergence(device, problem, options);
    expect(relative(result.divergence, expected.divergence)).toBeLessThanOrEqual(allowed);
    expect(relative(result.transportDivergence, expected.divergence_transport_only)).toBeLessThanOrEqual(allowed);
    expect(relative(result.transportCost, expected.transport_ab)).toBeLessThanOrEqual(allowed);
    expect(relative(result.source.transportCost, expected.transport_aa)).toBeLessThanOrEqual(allowed);
    expect(relative(result.target.transportCost, expected.transport_bb)).toBeLessThanOrEqual(allowed);
  });
});

describe.each(divergences.exact1d.map((record) => ({ id: record.id, record })))('golden record $id', ({ record }) => {
  it.each([
    ['manhattan', record.expected.w1],
    ['euclidean', record.expected.w1],
    ['squared-euclidean', record.expected.w2_squared],
  ] as const)('lies in the certified interval for the %s cost, which shrinks with epsilon', async (cost, exact) => {
    const problem: PointProblem = {
      x: record.x,
      y: record.y,
      dimension: 1,
      cost,
      rowWeights: record.a,
      columnWeights: record.b,
    };
    for (const device of [cpu, gpu]) {
      const gaps: number[] = [];
      for (const epsilon of device === cpu ? [0.03] : [0.1, 0.01, 0.001]) {
        using _scope = device.scope();
        const options = { epsilon, epsilonUnit: 'largest-cost', scaling: 0.7, maximumIterations: 60 } as const;
        const result = await solveSinkhorn(device, problem, options);
        const { lower, upper } = await certifyTransport(result.problem, result.potentials, result.epsilon);
        expect(lower).toBeLessThanOrEqual(exact);
        expect(upper).toBeGreaterThanOrEqual(exact);
        gaps.push(upper - lower);
      }
      expect(gaps).toEqual(gaps.toSorted((p, q) => q - p));
    }
  });
});
