/** A cloud flows to another down the gradient of the Sinkhorn divergence, beside the flow of the biased cost, which collapses. */
import { divergenceFlow, type FlowStep } from '../../algorithms/sinkhorn-divergence';
import { sampleLabels } from '../../data/samples';
import { defineLab } from '../define';
import { flowRows, knownDivergences, type FlowEnds } from '../flow-report';
import { line, scatter, table } from '../frames';
import { choice, data, integer, real, seed, toggle } from '../parameters';
import { cloudOf, clouds, ownPoints, spreadOf } from '../point-shapes';

const accuracy = { tolerance: 1e-4, maximumIterations: 300, scaling: 0.5 };

export default defineLab({
  id: 'gradient-flow',
  title: 'Gradient flow of the Sinkhorn divergence',
  family: 'transport',
  summary:
    'A cloud of points descends to another. Down the entropic cost alone it collapses; the Sinkhorn divergence takes that bias off.',
  papers: ['feydy-2019', 'genevay-2018'],
  params: {
    source: choice({ label: 'from', options: clouds, default: 'discs' }),
    target: choice({ label: 'to', options: clouds, default: 'photograph' }),
    photograph: data('image', { label: 'photograph', default: 'allium-oreophilum', samples: sampleLabels }),
    sourcePoints: data('matrix', { label: 'from: points of your own', ...ownPoints }),
    targetPoints: data('matrix', { label: 'to: points of your own', ...ownPoints }),
    count: integer({ label: 'points', help: 'of each', min: 16, max: 16_384, scale: 'log', default: 1024 }),
    blur: real({ label: 'blur', help: 'epsilon = 2 blur²', min: 0.01, max: 1, scale: 'log', default: 0.1, live: true }),
    stepSize: real({ label: 'step size', min: 0.02, max: 1, default: 0.3, live: true }),
    steps: integer({ label: 'steps', min: 1, max: 500, default: 40 }),
    biased: toggle({ label: 'biased cost too', default: true }),
    check: toggle({ label: 'check', help: 'Solves two problems whose divergence is known.', default: false }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '256 points', params: { count: 256, steps: 16, stepSize: 0.4 } },
    standard: { label: '1,024 points', params: { count: 1024 } },
    large: { label: '16,384 points', params: { count: 16_384 } },
    airports: { label: 'Disks to airports', params: { targetPoints: 'airports', count: 2048, blur: 0.05 } },
    shapes: { label: 'Ring to spiral', params: { source: 'ring', target: 'spiral', blur: 0.05 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'clouds' },
  figures: {
    clouds: scatter({ title: 'Clouds', axes: ['x', 'y'], span: 'half' }),
    divergence: line({ title: 'Divergence to the target', x: 'step', y: 'divergence', yScale: 'log', span: 'half' }),
    spread: line({ title: 'Spread, relative to the target', x: 'step', y: 'spread', span: 'half', note: '1 is right' }),
    numbers: table({ title: 'Numbers', columns: { quantity: 'quantity', debiased: 'debiased', biased: 'biased' } }),
  },
  kernels: ['logSumExpOverPairs', 'updatePotential', 'marginalError', 'barycentricMap', 'planCosts'],
  memory: { bytes: ({ count }) => 1600 * count + 65_536 * (64 + 24 * Math.ceil(count / 4096)), lower: 'count' },

  async *run({ device, params, signal, frame, nextChange }) {
    const { steps } = params;
    const x = cloudOf(params.source, { ...params, points: params.sourcePoints }, 0);
    const y = cloudOf(params.target, { ...params, points: params.targetPoints }, 1);
    const wide = spreadOf(y);
    const epsilon = (): number => 2 * params.blur ** 2;
    const settings = () => ({ epsilon: epsilon(), stepSize: params.stepSize });
    const start = (isDebiased: boolean) =>
      divergenceFlow(device, { x, y, dimension: 2 }, settings, { ...accuracy, isDebiased });
    const flows = { debiased: start(true), ...(params.biased ? { biased: start(false) } : {}) };
    const [first, last]: [FlowEnds, FlowEnds] = [{}, {}];
    let [smallest, failed, done] = [Infinity, 0, 0];
    yield frame({ clouds: { series: 'target', points: Float32Array.from(y) } });

    for (;;) {
      for (const end = done + steps; done <= end && !signal.aborted; done++) {
        for (const [name, flow] of Object.entries(flows) as [keyof FlowEnds, typeof flows.debiased][]) {
          const step = (await flow.next()).value;
          first[name] ??= step;
          last[name] = step;
          smallest = Math.min(smallest, step.divergence);
          failed += step.status === 'converged' ? 0 : 1;
          yield frame({
            clouds: { series: name, points: Float32Array.from(step.x) },
            ...(step.divergence > 0 && { divergence: { series: name, x: step.step, y: step.divergence } }),
            spread: { series: name, x: step.step, y: spreadOf(step.x) / wide },
            status: { state: 'running', text: `step ${step.step} of ${end}`, step: step.step, steps: end },
          });
        }
      }
      const text = `${done - 1} steps, divergence ${last.debiased?.divergence.toExponential(2) ?? ''}`;
      const warning = `${failed} of the problems on the way did not reach marginals to 1e-4: raise the blur.`;
      const numbers = {
        rows: flowRows(last, wide),
        source: `${device.info.label}; cost |x − y|², entropy of P, epsilon = 2 blur²`,
      };
      yield frame({ numbers, status: { state: 'done', text, ...(failed > 0 && { warning }) } });
      if (!(await nextChange())) break;
    }

    const known = params.check ? await knownDivergences(device, x, epsilon()) : { self: NaN, shifted: NaN };
    const spread = (step?: FlowStep): number => (step ? spreadOf(step.x) / wide : NaN);
    const decrease = (last.debiased?.divergence ?? NaN) / (first.debiased?.divergence ?? NaN);
    return { ...known, smallest, decrease, debiased: spread(last.debiased), biased: spread(last.biased), failed };
  },

  claims: [
    {
      id: 'zero-for-equal',
      paper: 'feydy-2019',
      says: 'The divergence of a measure from itself is 0, where its entropic cost is not: their ratio.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 1e-5',
      measure: async (_, run) => (await run({ check: true, steps: 1, biased: false })).self,
      holds: (ratio) => ratio <= 1e-5,
    },
    {
      id: 'shifted-copy',
      paper: 'feydy-2019',
      says: 'A cloud and a copy shifted by t are exactly |t|² apart, whatever the blur: relative error.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 1e-5',
      measure: async (_, run) => (await run({ check: true, steps: 1, biased: false })).shifted,
      holds: (error) => error <= 1e-5,
    },
    {
      id: 'positive',
      paper: 'feydy-2019',
      says: 'The divergence of two clouds is positive all along both flows: the smallest value.',
      preset: 'standard',
      quick: 'quick',
      expected: '> 0',
      measure: ({ smallest }) => smallest,
      holds: (smallest) => smallest > 0,
    },
    {
      id: 'bias-collapses',
      paper: 'feydy-2019',
      says: 'Down the biased cost the cloud shrinks; down the divergence it fills the target: ratio of their spreads.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 0.9',
      measure: ({ biased, debiased }) => biased / debiased,
      holds: (ratio) => ratio <= 0.9,
    },
    {
      id: 'reaches-target',
      paper: 'genevay-2018',
      says: 'The flow down the divergence ends at the target: what is left of the divergence.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 0.01',
      measure: ({ decrease }) => decrease,
      holds: (decrease) => decrease <= 0.01,
    },
  ],
});
