/** Adversarial classification of three classes as transport with three marginals: robust regions, the adversary's moves, a certificate. */
import { robustClassification, solveRobustClassification } from '../../algorithms/adversarial-classification';
import { takingTurns } from '../../algorithms/taking-turns';
import { defineLab } from '../define';
import { image, interval, line, scatter, table } from '../frames';
import { columnParameter, ownClasses } from '../own-classes';
import { choice, data, integer, real, seed } from '../parameters';
import * as parts from '../robust-classes';

const epsilonHelp = 'merging two points saves 1';

export default defineLab({
  id: 'multimarginal',
  title: 'Adversarial classification',
  family: 'transport',
  summary:
    'An adversary may move every point by a budget. Which classifier loses least? A transport plan with one marginal per class is the adversary, its dual the classifier.',
  papers: ['multimarginal-adversarial'],
  params: {
    budget: real({ label: 'budget', help: 'how far a point may be moved', min: 0, max: 1, default: 0.15 }),
    layout: choice({ label: 'classes', options: parts.layouts, default: 'blobs' }),
    table: data('matrix', ownClasses),
    xColumn: columnParameter('x', 1),
    yColumn: columnParameter('y', 2),
    points: integer({ label: 'points', help: 'of each class, at most', min: 2, max: 128, default: 16 }),
    epsilon: real({ label: 'epsilon', help: epsilonHelp, min: 2e-3, max: 1, scale: 'log', default: 0.01 }),
    iterations: integer({ label: 'most iterations', min: 10, max: 20_000, default: 1000 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '16 points a class', params: {} },
    standard: { label: '48 points a class', params: { points: 48, budget: 0.1 } },
    penguins: { label: 'penguins, 32 of a species', params: { table: 'penguins', points: 32, budget: 0.25 } },
    large: { label: '96 points a class, spiral', params: { points: 96, layout: 'arms', budget: 0.08 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'regions' },
  figures: {
    regions: image({ title: 'Robust classifier', slots: { regions: 'regions and points' }, span: 'third' }),
    points: scatter({ title: 'Classes', axes: ['x', 'y'] }),
    moved: scatter({ title: 'After the adversary', axes: ['x', 'y'], note: 'colours of the true classes' }),
    accuracy: interval({
      title: 'Robust accuracy',
      value: 'share right under attack',
      note: 'the best possible lies in the interval',
    }),
    error: line({ title: 'Marginal error', x: 'iteration', y: 'L1, three marginals', yScale: 'log', span: 'half' }),
    sweep: line({ title: 'Robust accuracy', x: 'budget', y: 'share', span: 'half' }),
    numbers: table({ title: 'Numbers', columns: { quantity: 'quantity', value: 'value' } }),
  },
  kernels: ['logSumExpOverTensor', 'tensorPlanCosts', 'tensorStep', 'marginalError'],
  // The tensor on the device in float32, and on the host its entries, costs, plan and groups.
  memory: { bytes: ({ points }) => 250 * (points + 1) ** 3 + 2 ** 20, lower: 'points' },

  async *run({ device, params, frame }) {
    const { budget, points, epsilon, iterations } = params;
    const labelled = parts.classesOf(params, points);
    const { classes } = labelled;
    yield frame({ points: parts.cloudsOf(labelled) });
    const options = { epsilon, maximumIterations: iterations, tolerance: 1e-4, scaling: 0.8, checkEvery: 20 };
    const steps = robustClassification(device, { classes, budget }, options);
    let next = await steps.next();
    for (; next.done !== true; next = await steps.next()) {
      const { iteration: step, marginalError } = next.value;
      const text = `iteration ${String(step)}, marginal error ${marginalError.toExponential(1)}`;
      yield frame({
        error: { series: 'three marginals', x: step, y: Math.max(marginalError, 1e-9) },
        status: { state: 'running', text, step, steps: iterations },
      });
    }
    const result = next.value;
    const turn = takingTurns(device.signal);
    const attacked = await parts.attackedAccuracy(result, labelled, budget, turn);
    const { lower, upper, transport } = result;
    yield frame({
      regions: await parts.regionsPicture(result, labelled, turn),
      moved: parts.movedOf(result, labelled),
      accuracy: { lower, upper, value: Math.min(attacked, 1) },
      numbers: parts.numbersOf(result, labelled, attacked, device.info.label),
    });
    const { classes: smaller } = parts.classesOf(params, Math.min(points, 12));
    for (const other of [0, 0.05, 0.1, 0.2, 0.3, 0.5]) {
      using _scope = device.scope();
      const bounds = await solveRobustClassification(device, { classes: smaller, budget: other }, options);
      yield frame({ sweep: parts.sweepOf(other, bounds) });
    }
    const text = `robust accuracy between ${lower.toFixed(3)} and ${upper.toFixed(3)}, ${transport.status} in ${String(transport.iteration)} iterations`;
    yield frame({ status: { state: transport.status, text } });

    const difference = await parts.differenceToSinkhorn(device, params.seed);
    return { lower, upper, attacked, difference, largestClass: parts.largestShare(classes) };
  },

  claims: [
    {
      id: 'duality',
      paper: 'multimarginal-adversarial',
      says: 'The plan is the best adversary and its dual the best classifier: the gap between what they prove.',
      preset: 'standard',
      quick: 'quick',
      expected: '0 to 0.05',
      measure: ({ lower, upper }) => upper - lower,
      holds: (gap) => gap >= -1e-6 && gap <= 0.05,
    },
    {
      id: 'robust',
      paper: 'multimarginal-adversarial',
      says: 'The dual’s classifier is robust: its accuracy under a brute-force attack, less what the dual certifies.',
      preset: 'standard',
      quick: 'quick',
      expected: '>= 0, up to 1e-6',
      measure: ({ attacked, lower }) => attacked - lower,
      holds: (margin) => margin >= -1e-6,
    },
    {
      id: 'real-data',
      paper: 'multimarginal-adversarial',
      says: 'It holds of real data too: penguins of three species by their beaks, the gap (none if an attack got below it).',
      preset: 'penguins',
      quick: 'quick',
      expected: '0 to 0.05',
      measure: async (_, run) => {
        const { lower, upper, attacked } = await run({ table: 'penguins', budget: 0.25 });
        return attacked < lower - 1e-6 ? NaN : upper - lower;
      },
      holds: (gap) => gap >= -1e-6 && gap <= 0.05,
    },
    {
      id: 'everything-merged',
      paper: 'multimarginal-adversarial',
      says: 'With a budget that reaches everywhere, only the share of the largest class is left: off by, at most.',
      preset: 'quick',
      expected: '<= 0.05',
      measure: async (_, run) => {
        const { lower, upper, largestClass } = await run({ budget: 1, layout: 'rings', points: 6 });
        return Math.max(Math.abs(upper - largestClass), Math.abs(lower - largestClass));
      },
      holds: (error) => error <= 0.05,
    },
    {
      id: 'two-marginals',
      paper: 'multimarginal-adversarial',
      says: 'With two marginals the scaling is ordinary Sinkhorn: relative difference of the costs.',
      preset: 'quick',
      expected: '<= 1e-5',
      measure: ({ difference }) => difference,
      holds: (difference) => difference <= 1e-5,
    },
  ],
});
