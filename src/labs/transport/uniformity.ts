/** Two metrics of uniformity on the sphere while representations collapse: one does not see dimensions die. */
import { mostPoints } from '../../algorithms/uniformity';
import * as spheres from '../collapse';
import { defineLab } from '../define';
import { line, scatter, table } from '../frames';
import { choice, data, integer, real, seed } from '../parameters';
import { cloudOf, raceDown, raceFrames, regainedSooner } from '../uniformity-race';

const levels = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
const asked = { change: 'with', expects: 'should be', wasserstein: 'Wasserstein', potential: 'potential' };

export default defineLab({
  id: 'uniformity',
  title: 'Uniformity by Wasserstein distance',
  family: 'transport',
  summary:
    'How evenly do representations cover the sphere? The distance to an isotropic Gaussian, through a matrix root on the GPU, beside the average pairwise potential, as they collapse and as they follow the gradient of either back.',
  papers: ['uniformity-2024', 'wang-isola-2020'],
  params: {
    representations: data('matrix', { label: 'own representations', help: 'A row a point.', default: null }),
    kind: choice({ label: 'collapse of', options: spheres.collapseLabels, default: 'dimensions' }),
    level: real({ label: 'collapse', min: 0, max: 0.95, default: 0.5, live: true }),
    points: integer({ label: 'points', min: 64, max: mostPoints / 2, scale: 'log', default: 1024 }),
    dimension: integer({ label: 'dimension', min: 4, max: 512, scale: 'log', default: 128 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '256 points in 32 dimensions', params: { points: 256, dimension: 32 } },
    standard: { label: '1,024 points in 128 dimensions', params: {} },
    large: { label: '2,048 points in 512 dimensions', params: { points: 2048, dimension: 512 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'metrics' },
  figures: {
    metrics: line({ title: 'As they collapse', x: 'collapse', y: 'share of the way to one point', span: 'half' }),
    cloud: scatter({ title: 'Two coordinates and the last', axes: ['first', 'second', 'last'], span: 'half' }),
    rank: line({ title: 'Descent from a collapse', x: 'step', y: 'effective rank', span: 'half' }),
    descent: line({ title: 'Both metrics on the way', x: 'step', y: 'share of the way to one point', span: 'half' }),
    descending: scatter({ title: 'Points on the way', axes: ['first', 'second', 'last'], span: 'half' }),
    spectrum: table({ title: 'Here', columns: { quantity: 'quantity', value: 'value' }, span: 'half' }),
    properties: table({ title: 'What is asked of a metric, and how it changes', span: 'half', columns: asked }),
  },
  kernels: ['matmul', 'reduceAll', 'reduceRows', 'reduceColumns', 'combine', 'axpy'],
  memory: {
    bytes: ({ points, dimension }) => 4 * (16 * points * points + 24 * points * dimension + 96 * dimension * dimension),
    lower: 'points',
  },

  async *run({ device, params, frame, nextChange }) {
    const points = spheres.makeRepresentations(params.representations, params.points, params.dimension, params.seed);
    const measure = async (level: number) => {
      using _scope = device.scope();
      const shown = spheres.collapse(points, params.kind, level);
      return { shown, ...(await spheres.measureUniformity(device, shown)) };
    };
    const sweep: { readonly level: number; readonly wasserstein: number; readonly potential: number }[] = [];
    for (const level of levels) {
      const { wasserstein, potential } = await measure(level);
      sweep.push({ level, wasserstein, potential });
      yield frame({
        metrics: [
          { series: 'Wasserstein', x: level, y: wasserstein / Math.SQRT2 },
          { series: 'pairwise potential', x: level, y: 1 + potential / 4 },
        ],
        status: { state: 'running', text: `collapse ${level}`, step: sweep.length, steps: levels.length },
      });
    }

    const look = async () => {
      const { shown, ...metrics } = await measure(params.level);
      const rows = spheres.numbersOf(metrics, shown.dimension);
      return {
        spectrum: { rows, source: device.info.label },
        cloud: cloudOf('representations', shown.values, shown.dimension),
      };
    };
    yield frame(await look());

    const changes = await spheres.tryProperties(device, points);
    yield frame({ properties: { rows: spheres.propertyRows(changes) } });

    const descents = raceDown(device, points, params.kind, params.level);
    let next = await descents.next();
    for (; next.done !== true; next = await descents.next()) {
      const { step, steps } = next.value;
      yield frame({
        ...raceFrames(next.value, points.dimension),
        status: { state: 'running', text: `step ${step} of the descents`, step, steps },
      });
    }
    const race = next.value;
    yield frame({
      status: {
        state: 'done',
        text: `${points.count} points in ${points.dimension} dimensions, ${levels.length} levels of collapse`,
      },
    });
    while (await nextChange()) yield frame(await look());
    return { sweep, changes, race };
  },

  claims: [
    {
      id: 'sees-dimensional-collapse',
      paper: 'uniformity-2024',
      says: 'When half the dimensions collapse, the distance moves many times as far along its range as the pairwise potential.',
      preset: 'standard',
      quick: 'quick',
      expected: '>= 5',
      measure: ({ sweep }) => {
        const [whole, half] = [sweep.find(({ level }) => level === 0), sweep.find(({ level }) => level === 0.5)];
        if (whole === undefined || half === undefined) return Number.NaN;
        return (half.wasserstein - whole.wasserstein) / Math.SQRT2 / Math.abs((half.potential - whole.potential) / 4);
      },
      holds: (ratio) => ratio >= 5,
    },
    {
      id: 'distance-has-all-five',
      paper: 'uniformity-2024',
      says: 'The distance has all five properties: order, scale and copies of points do not matter, copied and empty features do.',
      preset: 'standard',
      quick: 'quick',
      expected: '5',
      measure: ({ changes }) => changes.filter(({ property, wasserstein: w }) => spheres.satisfies(property, w)).length,
      holds: (count) => count === 5,
    },
    {
      id: 'potential-has-two',
      paper: 'uniformity-2024',
      says: 'The pairwise potential has two of the five: it moves when points are copied, and not when features are copied or empty.',
      preset: 'standard',
      quick: 'quick',
      expected: '2',
      measure: ({ changes }) => changes.filter(({ property, potential: p }) => spheres.satisfies(property, p)).length,
      holds: (count) => count === 2,
    },
    {
      id: 'descent-restores-dimensions',
      paper: 'uniformity-2024',
      says: 'As a loss, the distance brings collapsed dimensions back sooner: effective rank regained, over that of the pairwise potential after as many steps of the same length.',
      preset: 'standard',
      quick: 'quick',
      expected: '> 1',
      measure: ({ race }) => regainedSooner(race),
      holds: (ratio) => ratio > 1,
    },
  ],
});
