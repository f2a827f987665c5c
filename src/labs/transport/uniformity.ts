/** Two metrics of uniformity on the sphere while representations collapse: one does not see dimensions die. */
import { symmetricEigen } from '../../algorithms/symmetric-eigen';
import { mostPoints } from '../../algorithms/uniformity';
import * as spheres from '../collapse';
import { defineLab } from '../define';
import { line, scatter, table } from '../frames';
import { choice, data, integer, real, seed } from '../parameters';

const levels = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
const asked = { change: 'with', expects: 'should be', wasserstein: 'Wasserstein', potential: 'potential' };
/** Eigenvalues are found on the CPU, so only of covariances of this size or less. */
const largestSpectrum = 128;

export default defineLab({
  id: 'uniformity',
  title: 'Uniformity by Wasserstein distance',
  family: 'transport',
  summary:
    'How evenly do representations cover the sphere? The distance to an isotropic Gaussian, through a matrix root on the GPU, beside the average pairwise potential, as they collapse.',
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
    cloud: scatter({ title: 'Three coordinates', axes: ['x', 'y', 'z'], span: 'half' }),
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
      const { shown, wasserstein, potential, covariance, residual, iterations } = await measure(params.level);
      const { count, dimension } = shown;
      const at = (i: number, k: number): number => (k < dimension ? (shown.values[i * dimension + k] ?? NaN) : 0);
      const spectrum = dimension > largestSpectrum ? undefined : symmetricEigen(covariance, dimension).values;
      const rows = [
        { quantity: 'Wasserstein distance, 0 to 1.41', value: wasserstein },
        { quantity: 'log of the mean potential, −4 to 0', value: potential },
        {
          quantity: 'rank of the covariance',
          value: spectrum?.filter((value) => value > 1e-6).length ?? `up to ${largestSpectrum} dimensions only`,
        },
        { quantity: 'steps of Newton and Schulz', value: iterations },
        { quantity: 'residual of the root, relative', value: residual },
      ];
      const cloud = Float32Array.from({ length: 3 * count }, (_, index) => at(Math.floor(index / 3), index % 3));
      return { spectrum: { rows, source: device.info.label }, cloud: { series: 'representations', points: cloud } };
    };
    yield frame(await look());

    const changes = await spheres.tryProperties(device, points);
    const words = (property: (typeof changes)[number]['property'], change: number): string =>
      `${change.toExponential(1)}, ${spheres.satisfies(property, change) ? 'as asked' : 'not so'}`;
    yield frame({
      properties: {
        rows: changes.map(({ property, wasserstein, potential }) => ({
          change: spheres.properties[property].label,
          expects: spheres.properties[property].expects,
          wasserstein: words(property, wasserstein),
          potential: words(property, potential),
        })),
      },
      status: {
        state: 'done',
        text: `${points.count} points in ${points.dimension} dimensions, ${levels.length} levels of collapse`,
      },
    });
    while (await nextChange()) yield frame(await look());
    return { sweep, changes };
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
      measure: ({ changes }) =>
        changes.filter(({ property, wasserstein }) => spheres.satisfies(property, wasserstein)).length,
      holds: (count) => count === 5,
    },
    {
      id: 'potential-has-two',
      paper: 'uniformity-2024',
      says: 'The pairwise potential has two of the five: it moves when points are copied, and not when features are copied or empty.',
      preset: 'standard',
      quick: 'quick',
      expected: '2',
      measure: ({ changes }) =>
        changes.filter(({ property, potential }) => spheres.satisfies(property, potential)).length,
      holds: (count) => count === 2,
    },
  ],
});
