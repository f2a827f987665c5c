/** Wasserstein dictionary learning: joint histograms as mixtures of product-form atoms, raced against plain factorizations. */
import { startingDictionary } from '../../algorithms/product-dictionary';
import { wassersteinDictionary, type DictionarySweep } from '../../algorithms/wasserstein-dictionary';
import { tableSamples } from '../../data/tables';
import { defineLab } from '../define';
import * as race from '../dictionary-race';
import { heatmap, image, line, table } from '../frames';
import * as joint from '../joint-histograms';
import { choice, data, integer, real, seed } from '../parameters';

const sources = { table: 'a table', planted: 'planted atoms, shifted' };

const planted = { source: 'planted', shift: 0.08, samples: 200 } as const;

export default defineLab({
  id: 'dictionary',
  title: 'Wasserstein dictionary',
  family: 'transport',
  summary:
    'Joint histograms of two quantities, one for each part of the year, as mixtures of a few atoms in which the quantities are independent. Closeness is the cost of moving mass, so a shift does little harm.',
  papers: ['kwon-lyu-2023', 'rolet-2016'],
  params: {
    source: choice({ label: 'histograms of', options: sources, default: 'table' }),
    table: data('matrix', {
      label: 'table',
      help: 'or a CSV of yours: a row for each observation',
      default: 'weather',
      samples: tableSamples('weather', 'penguins', 'cars', 'movies'),
    }),
    group: integer({ label: 'group by column', help: 'its range in equal parts', min: 1, max: 64, default: 1 }),
    groups: integer({ label: 'histograms', min: 2, max: 96, default: 12 }),
    first: integer({ label: 'column, downwards', min: 1, max: 64, default: 3 }),
    second: integer({ label: 'column, rightwards', min: 1, max: 64, default: 5 }),
    atoms: integer({ label: 'atoms', min: 1, max: 6, default: 3 }),
    epsilon: real({ label: 'epsilon', help: 'the side is 1', min: 2e-3, max: 0.5, scale: 'log', default: 0.02 }),
    proximal: real({ label: 'proximal weight', min: 0.1, max: 20, scale: 'log', default: 1 }),
    sweeps: integer({ label: 'sweeps', min: 1, max: 200, default: 8 }),
    tolerance: real({ label: 'block tolerance', help: 'L1', min: 1e-4, max: 0.3, scale: 'log', default: 5e-3 }),
    shift: real({ label: 'shift', help: 'deviation; the side is 1', min: 0, max: 0.3, default: 0 }),
    samples: integer({ label: 'most samples a histogram', min: 10, max: 5000, default: 5000 }),
    side: integer({ label: 'side of the grid', min: 4, max: 48, default: 12 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: 'Seattle by month, 12 × 12', params: {} },
    planted: { label: 'three planted atoms', params: { ...planted, groups: 24, sweeps: 16, epsilon: 0.01 } },
    standard: {
      label: 'Seattle by week, 16 × 16',
      params: { groups: 48, side: 16, atoms: 4, sweeps: 30, epsilon: 0.01 },
    },
    large: { label: '96 planted, 32 × 32', params: { ...planted, groups: 96, side: 32, sweeps: 40, epsilon: 0.005 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'atoms' },
  figures: {
    atoms: image({ title: 'Atoms of product form', slots: race.atomSlots, optional: ['planted'] }),
    histograms: image({
      title: 'Histograms and mixtures',
      slots: { data: 'learned from', clean: 'all of the data', wasserstein: 'Wasserstein mixtures' },
    }),
    objective: line({ title: 'Transport cost to the data', x: 'sweep', y: 'sum of W, entropic' }),
    stationarity: line({ title: 'Squared proximal gradient', x: 'sweep', y: 'least', xScale: 'log', yScale: 'log' }),
    codes: heatmap({ title: 'Codes', rows: 'histogram', columns: 'atom', value: 'share' }),
    numbers: table({
      title: 'Numbers',
      columns: { quantity: 'quantity', wasserstein: 'Wasserstein', kl: 'Kullback-Leibler', frobenius: 'Frobenius' },
    }),
  },
  kernels: ['logGaussianSums', 'histogramAscent', 'productAtoms', 'contractAtoms', 'projectOntoSimplex', 'matmul'],
  memory: { bytes: ({ groups, side }) => 400 * groups * side * side + 2 ** 20, lower: 'side' },

  async *run({ device, params, frame }) {
    const { atoms, epsilon, proximal, sweeps, tolerance, side } = params;
    const made = joint.jointHistograms(params);
    const problem = { histograms: made.histograms, height: side, width: side };
    const start = startingDictionary(problem, atoms, params.seed);
    const [given, clean] = [joint.some(made.histograms, 6), joint.some(made.clean, 6)];
    yield frame({ histograms: [joint.sheet('data', given, side), joint.sheet('clean', clean, side)] });
    const seen: DictionarySweep[] = [];
    const steps = wassersteinDictionary(device, problem, { epsilon, proximal, atoms, sweeps, tolerance, start });
    let next = await steps.next();
    for (; next.done !== true; next = await steps.next()) {
      seen.push(next.value);
      yield frame(race.sweepFrames(seen, made, params));
    }
    const last = next.value;
    const learned = [last.dictionary];
    for (const [loss, series] of race.rivals) {
      const rival = await race.runRival(device, made, start, loss, epsilon, 100);
      learned.push(rival.dictionary);
      yield frame(race.rivalFrames(rival, loss, series, side, sweeps));
    }
    const scores = await race.score(device, made, learned);
    const descent = race.descentOf(seen, proximal);
    yield frame({
      ...(made.planted.length > 0 && { atoms: joint.sheet('planted', made.planted, side) }),
      ...race.summaryFrames(scores, descent, last, device.info.label),
    });
    return { scores, descent };
  },

  claims: [
    {
      id: 'descends',
      paper: 'kwon-lyu-2023',
      says: 'Proximal block coordinate descent never raises the objective: largest rise in a sweep, over the whole fall.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 0',
      measure: ({ descent }) => descent.largestRise,
      holds: (rise) => rise <= 0,
    },
    {
      id: 'rate',
      paper: 'kwon-lyu-2023',
      says: 'The smallest squared proximal gradient of n sweeps is O(1/n): its largest ratio to 2 λ (fall of the objective) / n.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 1',
      measure: ({ descent }) => descent.rate,
      holds: (ratio) => ratio <= 1,
    },
    {
      id: 'inexact',
      paper: 'kwon-lyu-2023',
      says: 'Blocks solved ten times less exactly lead as far: what is missing of the objective’s fall.',
      preset: 'quick',
      expected: '<= 0.02',
      measure: async ({ descent: { objectives } }, run) => {
        const { descent } = await run({ tolerance: 0.05 });
        return (descent.objectives[1] - objectives[1]) / (objectives[0] - objectives[1]);
      },
      holds: (missing) => missing <= 0.02,
    },
    {
      id: 'planted',
      paper: 'rolet-2016',
      says: 'Shifted and sparsely sampled mixtures: its atoms are nearer to the planted ones than any plain factorization’s; ratio.',
      preset: 'large',
      quick: 'planted',
      expected: '< 1',
      measure: ({ scores: [own, ...others] }) => (own?.atoms ?? NaN) / Math.min(...others.map(({ atoms }) => atoms)),
      holds: (ratio) => ratio < 1,
    },
  ],
});
