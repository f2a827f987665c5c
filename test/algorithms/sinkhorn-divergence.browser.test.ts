/** Golden Sinkhorn divergences, exact costs on a line, the gradient and the flow, on both devices. */
import { describe, expect, it } from 'vitest';
import { certifyTransport } from '../../src/algorithms/certificate';
import { solveSinkhorn } from '../../src/algorithms/sinkhorn';
import {
  divergenceFlow,
  divergenceGradient,
  sinkhornDivergence,
  type FlowStep,
} from '../../src/algorithms/sinkhorn-divergence';
import type { PointProblem } from '../../src/algorithms/transport-problem';
import type { GroundCost } from '../../src/kernels/pairs';
import { Philox } from '../../src/kernels/random';
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

const relative = (actual: number, expected: number): number =>
  Math.abs(actual - expected) / Math.max(1, Math.abs(expected));

describe.each(divergences.divergences.map((record) => ({ id: record.id, record })))(
  'golden record $id',
  ({ record }) => {
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
  },
);

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
      for (const epsilon of device === cpu ? [0.03] : [0.1, 0.02]) {
        using _scope = device.scope();
        const options = {
          epsilon,
          epsilonUnit: 'largest-cost',
          acceleration: 'anderson',
          maximumIterations: 200,
        } as const;
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

/** Two clouds in the plane. */
function clouds(rows: number, columns: number): PointProblem {
  const random = new Philox(3);
  const numbers = (count: number): Float64Array => Float64Array.from({ length: count }, () => random.uniform());
  return { x: numbers(2 * rows), y: numbers(2 * columns).map((value) => value ** 2), dimension: 2 };
}

describe('the gradient', () => {
  it.each(['squared-euclidean', 'half-squared-euclidean'] as const)(
    'of %s is the slope of the divergence',
    async (cost) => {
      const problem: PointProblem = { ...clouds(12, 17), cost };
      const options = { epsilon: 0.1, tolerance: 1e-12, maximumIterations: 5000 };
      const gradient = divergenceGradient(await sinkhornDivergence(cpu, problem, { ...options, maps: true }), problem);
      for (const at of [0, 13]) {
        const h = 1e-5;
        const moved = async (by: number): Promise<number> => {
          const x = Float64Array.from(problem.x, (value, i) => (i === at ? value + by : value));
          return (await sinkhornDivergence(cpu, { ...problem, x }, options)).divergence;
        };
        // Central differences are off by about h^2, and by 1e-16 / h.
        expect(Math.abs(((await moved(h)) - (await moved(-h))) / (2 * h) - (gradient[at] ?? NaN))).toBeLessThan(1e-8);
      }
    },
  );

  it('is refused for a cost whose barycentric map is not its gradient', async () => {
    const problem: PointProblem = { ...clouds(3, 4), cost: 'manhattan' };
    await expect(sinkhornDivergence(cpu, problem, { epsilon: 0.1, maps: true })).rejects.toMatchObject({
      name: 'UnsupportedError',
    });
    const without = await sinkhornDivergence(cpu, problem, { epsilon: 0.1 });
    expect(() => divergenceGradient(without, problem)).toThrow(/needs the maps/);
  });
});

describe('closed forms', () => {
  it.each([
    ['float64', cpu, 1e-12, 1e-10],
    ['float32', gpu, 1e-6, 1e-5],
  ] as const)('a copy shifted by t is |t|^2 away, the cloud itself 0, in %s', async (_, device, tolerance, allowed) => {
    const { x } = clouds(90, 1);
    const options = { epsilon: 0.03, tolerance, maximumIterations: 5000 };
    const y = Float64Array.from(x, (value, at) => value + (at % 2 === 0 ? 0.3 : -0.2));
    const shifted = await sinkhornDivergence(device, { x, y, dimension: 2 }, options);
    expect(Math.abs(shifted.divergence - 0.13)).toBeLessThanOrEqual(0.13 * allowed);
    const itself = await sinkhornDivergence(device, { x, y: x, dimension: 2 }, options);
    expect(Math.abs(itself.divergence)).toBeLessThanOrEqual(0.13 * allowed);
  });
});

describe('the flow', () => {
  async function flow(isDebiased: boolean, settings = () => ({ epsilon: 0.05, stepSize: 0.4 })): Promise<FlowStep[]> {
    const steps: FlowStep[] = [];
    for await (const step of divergenceFlow(gpu, clouds(40, 60), settings, {
      isDebiased,
      tolerance: 1e-5,
      scaling: 0.5,
    })) {
      steps.push(step);
      if (steps.length === 12) break;
    }
    return steps;
  }
  const spread = ({ x }: FlowStep): number => {
    const mean = [0, 1].map((axis) =>
      x.reduce((sum, value, at) => (at % 2 === axis ? sum + (2 * value) / x.length : sum), 0),
    );
    return Math.sqrt(x.reduce((sum, value, at) => sum + (value - (mean[at % 2] ?? 0)) ** 2, 0));
  };

  it('goes down, further where the bias is taken off, which otherwise shrinks the cloud', async () => {
    const [debiased, biased] = [await flow(true), await flow(false)];
    for (const steps of [debiased, biased]) expect(steps.every(({ divergence }) => divergence > 0)).toBe(true);
    const values = debiased.map(({ divergence }) => divergence);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    const [end, collapsed] = [debiased.at(-1), biased.at(-1)];
    if (end === undefined || collapsed === undefined) throw new Error('steps are expected');
    expect(end.divergence).toBeLessThan(collapsed.divergence / 2);
    expect(spread(collapsed)).toBeLessThan(0.9 * spread(end));
  });

  it('takes up a new epsilon and step size at its next step', async () => {
    let asked = 0;
    const steps = await flow(true, () => ({ epsilon: asked++ < 6 ? 0.05 : 0.2, stepSize: asked === 12 ? 0 : 0.4 }));
    expect(steps.every(({ status }) => status === 'converged')).toBe(true);
    expect(steps[6]?.divergence).toBeLessThan(steps[5]?.divergence ?? NaN);
  });
});
