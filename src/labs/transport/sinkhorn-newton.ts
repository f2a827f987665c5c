/** The race of P194: plain Sinkhorn against a few iterations of it and then Newton steps on the entries that matter. */
import { describeSinkhornNewton, sinkhornNewton } from '../../algorithms/sinkhorn-newton';
import { planOf } from '../color-transfer';
import { defineLab } from '../define';
import { heatmap, line, table } from '../frames';
import * as race from '../newton-race';
import { choice, integer, real, seed } from '../parameters';

export default defineLab({
  id: 'sinkhorn-newton',
  title: 'Sinkhorn with sparse Newton steps',
  family: 'transport',
  summary:
    'Sinkhorn’s last digits take thousands of iterations; Newton’s take a handful, on a plan of which only the few entries that matter are kept.',
  papers: ['sinkhorn-newton-sparse', 'cuturi-2013'],
  params: {
    problem: choice({ label: 'problem', options: race.raceProblems, default: 'assignment' }),
    size: integer({ label: 'points', help: 'digits: a square, up to 784', min: 16, max: 2048, default: 500 }),
    eta: real({ label: 'eta', help: '1 / epsilon', min: 10, max: 10_000, scale: 'log', default: 1200 }),
    rule: choice({ label: 'entries kept', options: race.rules, default: 'mass' }),
    kept: real({ label: 'kept per point', help: 'by count: lambda n', min: 1, max: 100, scale: 'log', default: 2 }),
    switching: choice({ label: 'Newton begins', options: race.switches, default: 'error' }),
    warmUp: integer({ label: 'warm-up', help: 'Sinkhorn iterations, by count', min: 1, max: 5000, default: 20 }),
    tolerance: real({ label: 'tolerance', help: 'marginals, L1', min: 1e-7, max: 0.01, scale: 'log', default: 1e-6 }),
    limit: integer({ label: 'most iterations', help: 'of plain Sinkhorn', min: 50, max: 100_000, default: 5000 }),
    seed: seed(0),
  },
  presets: {
    quick: { label: 'assignment, 100 points', params: { size: 100, eta: 300, switching: 'count', limit: 1500 } },
    'quick-digits': { label: 'digits, 12 × 12', params: { problem: 'digits-l2', size: 144, limit: 500 } },
    'quick-l1': { label: 'digits, L1, 10 × 10', params: { problem: 'digits-l1', size: 100, limit: 2000 } },
    assignment: { label: 'assignment, 500 points', params: { limit: 10_000 } },
    'digits-l2': { label: 'digits, squared L2', params: { problem: 'digits-l2', size: 784 } },
    'digits-l1': { label: 'digits, L1', params: { problem: 'digits-l1', size: 784, limit: 10_000 } },
    published: { label: 'as published: 20 + Newton on 2 n', params: { rule: 'count', switching: 'count' } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'error' },
  figures: {
    error: line({ title: 'Marginal error', x: 'iteration', y: 'L1 error', xScale: 'log', yScale: 'log', span: 'half' }),
    time: line({ title: 'The same, by the clock', x: 'seconds', y: 'L1 error', yScale: 'log', span: 'half' }),
    plan: heatmap({ title: 'Plan', rows: 'from', columns: 'to', value: 'relative mass', span: 'half' }),
    kept: heatmap({ title: 'Entries kept', rows: 'from', columns: 'to', value: 'kept', span: 'half' }),
    race: table({
      title: 'The race',
      columns: {
        method: 'method',
        sinkhorn: 'Sinkhorn iterations',
        newton: 'Newton steps',
        cg: 'CG steps',
        kept: 'entries kept',
        seconds: 'seconds',
        error: 'marginal error',
        published: 'published (second-hand)',
      },
    }),
  },
  kernels: ['scalePlan', 'massThreshold', 'rankThreshold', 'compressPlan', 'sparseProduct', 'conjugateGradientStep'],
  memory: { bytes: ({ problem, size }) => 44 * race.pointsOf(problem, size) ** 2 + 2 ** 20, lower: 'size' },

  async *run({ device, params, frame }) {
    const { problem, size, eta, tolerance, limit } = params;
    const placed = await race.prepareRace(device, await race.makeProblem(problem, size, params.seed));
    const steps = sinkhornNewton(device, placed, race.optionsOf(params));
    let next = await steps.next();
    for (; next.done !== true; next = await steps.next()) {
      const { phase, iteration, marginalError } = next.value;
      const text = `${phase}: step ${String(iteration)}, marginal error ${marginalError.toExponential(1)}`;
      yield frame({ ...race.linesOf(next.value), status: { state: 'running', text } });
    }
    const result = next.value;
    yield frame({
      plan: await planOf(result),
      ...(result.nonzeros > 0 ? { kept: await race.keptPicture(result.sparse) } : {}),
    });

    const plain = race.plainRun(device, placed, { epsilon: 1 / eta, tolerance, maximumIterations: limit });
    let lap = await plain.next();
    for (; lap.done !== true; lap = await plain.next()) {
      const { iteration, error, time } = lap.value;
      const text = `plain Sinkhorn: iteration ${String(iteration)}`;
      yield frame({ error, time, status: { state: 'running', text, step: iteration, steps: limit } });
    }
    yield frame({
      race: { rows: race.raceRows(problem, result, lap.value), source: device.info.label },
      status: describeSinkhornNewton(result),
    });
    return { ...result, plain: lap.value };
  },

  claims: [
    {
      id: 'assignment',
      paper: 'sinkhorn-newton-sparse',
      says: 'Random assignment: Newton steps after at most 20 Sinkhorn iterations, to 1e-6.',
      preset: 'assignment',
      quick: 'quick',
      expected: '<= 10',
      measure: (result) => race.newtonStepsWithin(result, 20),
      holds: (steps) => steps <= 10,
    },
    {
      id: 'race',
      paper: 'sinkhorn-newton-sparse',
      says: 'Plain Sinkhorn takes orders of magnitude more iterations: how many times as many (or more, where it was stopped).',
      preset: 'assignment',
      quick: 'quick',
      expected: '>= 10',
      measure: (result) => race.iterationRatio(result, result.plain),
      holds: (ratio) => ratio >= 10,
    },
    {
      id: 'kept',
      paper: 'sinkhorn-newton-sparse',
      says: 'How few entries can be kept: Newton steps with 2 n of them, over steps with 8 n. At 2 n convergence is only linear.',
      preset: 'published',
      quick: 'quick',
      expected: '>= 2',
      measure: async (_, run) => {
        const published = { rule: 'count', switching: 'count', limit: 50 } as const;
        const [few, more] = [await run({ ...published, kept: 2 }), await run({ ...published, kept: 8 })];
        return more.status === 'converged' ? few.newtonSteps / more.newtonSteps : NaN;
      },
      holds: (ratio) => ratio >= 2,
    },
    {
      id: 'digits-l2',
      paper: 'sinkhorn-newton-sparse',
      says: 'Digits under the squared L2 cost: Newton steps after at most 200 Sinkhorn iterations, to 1e-6.',
      preset: 'digits-l2',
      quick: 'quick-digits',
      expected: '<= 10',
      measure: (result) => race.newtonStepsWithin(result, 200),
      holds: (steps) => steps <= 10,
    },
    {
      id: 'digits-l1',
      paper: 'sinkhorn-newton-sparse',
      says: 'Digits under the L1 cost: Newton steps after at most 2,500 Sinkhorn iterations, to 1e-6.',
      preset: 'digits-l1',
      quick: 'quick-l1',
      expected: '<= 12',
      measure: (result) => race.newtonStepsWithin(result, 2500),
      holds: (steps) => steps <= 12,
    },
  ],
});
