/** Sinkhorn and its certificate against golden numbers, closed forms and bad input, on both devices. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { certifyTransport } from '../../src/algorithms/certificate';
import { sinkhorn, type SinkhornOptions, type SinkhornResult, type SinkhornStep } from '../../src/algorithms/sinkhorn';
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
  if (record.C !== undefined) return { matrix: record.C, rows: record.n, columns: record.m, ...weights };
  const cost = groundCosts[record.cost.split(' ')[0] ?? ''];
  if (record.x === undefined || cost === undefined) throw new Error(`${record.id} holds neither a matrix nor points`);
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
