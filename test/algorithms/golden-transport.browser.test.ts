/** More golden transport problems on both devices: accelerated and absorbed where that is how one would solve them. */
import { describe, expect, it } from 'vitest';
import { certifyTransport } from '../../src/algorithms/certificate';
import { solveSinkhorn, type SinkhornOptions } from '../../src/algorithms/sinkhorn';
import type { TransportProblem } from '../../src/algorithms/transport-problem';
import type { GroundCost } from '../../src/kernels/pairs';
import balanced from '../golden/ot-balanced-more.json';
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

const relative = (actual: number, expected: number): number =>
  Math.abs(actual - expected) / Math.max(1, Math.abs(expected));

const forms = ['log', 'absorbed'] as const;

describe.each(balanced.problems.map((record, at) => ({ id: record.id, record, form: forms[at % 2] ?? 'log' })))(
  'golden record $id',
  ({ record, form }) => {
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

    it(`is reproduced in float32 in the ${form} form, and certified`, async () => {
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
  },
);
