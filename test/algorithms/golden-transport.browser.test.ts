/** Every golden record of balanced transport on both devices: accelerated, in either form, with potentials and certificates. */
import { describe, expect, it } from 'vitest';
import { certifyTransport } from '../../src/algorithms/certificate';
import { solveSinkhorn, type SinkhornOptions, type SinkhornResult } from '../../src/algorithms/sinkhorn';
import type { TransportProblem } from '../../src/algorithms/transport-problem';
import golden from '../golden/ot-balanced.json';
import { openReference, openTestDevice } from '../support/device';
import { cloudOf, float32Exact, goldenMatrix, goldenPoints } from '../support/golden-transport';

const gpu = await openTestDevice();
const cpu = openReference();

type GoldenRecord = (typeof golden.records)[number];
const cloudFor = (record: GoldenRecord): (typeof golden.clouds)[number] => cloudOf(golden.clouds, record.cloud);

function problemOf(record: GoldenRecord): TransportProblem {
  const cloud = cloudFor(record);
  const weights = { rowWeights: float32Exact(cloud.a), columnWeights: float32Exact(cloud.b) };
  const points = goldenPoints(cloud);
  if (points !== undefined) return { ...points, ...weights };
  return { matrix: goldenMatrix(cloud), rows: cloud.n, columns: cloud.m, ...weights };
}

const relative = (actual: number, expected: number): number =>
  Math.abs(actual - expected) / Math.max(1, Math.abs(expected));

/** Potentials are unique up to a constant: the golden ones have `sum b g = 0`. */
function gauged({ rowPotential, columnPotential }: SinkhornResult, record: GoldenRecord): { f: number[]; g: number[] } {
  const { b } = cloudFor(record);
  const shift = b.reduce((sum, weight, j) => (weight > 0 ? sum + weight * (columnPotential[j] ?? 0) : sum), 0);
  return { f: Array.from(rowPotential, (f) => f + shift), g: Array.from(columnPotential, (g) => g - shift) };
}

function expectPotential(actual: readonly number[], wanted: readonly (number | string)[], tolerance: number): void {
  actual.forEach((value, i) => {
    const target = wanted[i] === '-inf' ? -Infinity : Number(wanted[i]);
    if (target === -Infinity) expect(value).toBe(-Infinity);
    else expect(Math.abs(value - target)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(target)));
  });
}

const forms = ['log', 'absorbed'] as const;

describe.each(golden.records.map((record, at) => ({ id: record.id, record, form: forms[at % 2] ?? 'log' })))(
  'golden record $id',
  ({ record, form }) => {
    const { expected } = record;
    const common = { epsilon: record.eps, acceleration: 'anderson', checkEvery: 5 } as const;

    it('is reproduced in float64', async () => {
      using _scope = cpu.scope();
      const options: SinkhornOptions = { ...common, tolerance: 1e-11, maximumIterations: 20_000 };
      const result = await solveSinkhorn(cpu, problemOf(record), options);
      expect(result.status).toBe('converged');
      expect(relative(result.transportCost, expected.transport_cost)).toBeLessThanOrEqual(1e-9);
      expect(relative(result.entropicObjective, expected.entropic_objective)).toBeLessThanOrEqual(1e-9);
      expect(relative(result.productObjective, expected.objective_kl_ab)).toBeLessThanOrEqual(1e-9);
      // They move by epsilon times the logarithm of what the marginals are off by, amplified by how weakly blocks couple.
      const { f, g } = gauged(result, record);
      expectPotential(f, expected.f, 1e-6);
      expectPotential(g, expected.g, 1e-6);
    });

    it(`is reproduced in float32 in the ${form} form, and certified`, async () => {
      using _scope = gpu.scope();
      const result = await solveSinkhorn(gpu, problemOf(record), { ...common, form, maximumIterations: 3000 });
      expect(['converged', 'precision-limited']).toContain(result.status);
      expect(result.marginalError).toBeLessThanOrEqual(Math.max(2e-6, 4 * record.marginal_l1_floor));
      expect(Math.abs(result.transportCost - expected.transport_cost)).toBeLessThanOrEqual(
        Math.max(1e-5, 4 * record.transport_cost_floor) * Math.abs(expected.transport_cost),
      );
      expect(relative(result.entropicObjective, expected.entropic_objective)).toBeLessThanOrEqual(1e-5);
      const { lower, upper } = await certifyTransport(result.problem, result.potentials, result.epsilon);
      expect(lower).toBeLessThanOrEqual(cloudFor(record).emd_cost);
      expect(upper).toBeGreaterThanOrEqual(cloudFor(record).emd_cost);
    });
  },
);
