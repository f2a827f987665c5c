/** Wasserstein barycenters: three pictures of mass and everything between them, by weights picked on a triangle. */
import { barycenter } from '../../algorithms/barycenter';
import { sampleLabels } from '../../data/samples';
import * as parts from '../barycenter-pictures';
import { defineLab } from '../define';
import { image, line, table } from '../frames';
import { massPicture, massSheet, shapeLabels, shapeMass } from '../mass-pictures';
import { choice, data, integer, real, toggle } from '../parameters';

const sources = { shapes: 'shapes', digits: 'handwritten digits', photographs: 'photographs, as ink' };

const ownPoints = { help: 'In place of that picture: x, y.', default: null, paint: massSheet } as const;

export default defineLab({
  id: 'barycenter',
  title: 'Wasserstein barycenters',
  family: 'transport',
  summary:
    'The mean of pictures when distance is the cost of moving their mass. Click the triangle: its corners are the pictures, its inside is between them.',
  papers: ['benamou-2015', 'janati-2020'],
  params: {
    sources: choice({ label: 'pictures', options: sources, default: 'shapes' }),
    first: choice({ label: 'top shape', options: shapeLabels, default: 'heart' }),
    second: choice({ label: 'left shape', options: shapeLabels, default: 'ring' }),
    third: choice({ label: 'right shape', options: shapeLabels, default: 'disks' }),
    top: data('image', { label: 'top photograph', default: 'allium-oreophilum', samples: sampleLabels }),
    left: data('image', { label: 'left photograph', default: 'airplane-from-above', samples: sampleLabels }),
    right: data('image', { label: 'right photograph', default: 'black-canyon', samples: sampleLabels }),
    topPoints: data('matrix', { label: 'top, painted', ...ownPoints }),
    leftPoints: data('matrix', { label: 'left, painted', ...ownPoints }),
    rightPoints: data('matrix', { label: 'right, painted', ...ownPoints }),
    size: integer({ label: 'side', help: 'digits have 28', min: 8, max: 256, default: 32, unit: 'px' }),
    epsilon: real({ label: 'epsilon', help: 'the side is 1', min: 2e-4, max: 0.1, scale: 'log', default: 0.002 }),
    debiased: toggle({ label: 'debiased', help: 'Takes the blur of epsilon away.', default: true }),
    iterations: integer({ label: 'iterations', help: 'after each change', min: 1, max: 5000, default: 400 }),
    tolerance: real({ label: 'tolerance', help: 'marginals, L1', min: 1e-5, max: 1, scale: 'log', default: 0.02 }),
    check: toggle({ label: 'float64 too', default: false }),
    pickX: integer({ label: 'weight x', min: 0, max: parts.triangleSize - 1, default: 64, live: true, hidden: true }),
    pickY: integer({ label: 'weight y', min: 0, max: parts.triangleSize - 1, default: 78, live: true, hidden: true }),
  },
  presets: {
    quick: { label: '32 × 32', params: {} },
    standard: { label: '64 × 64', params: { size: 64, epsilon: 0.001, iterations: 1000 } },
    digits: { label: 'a 3 and two 8s, 28 × 28', params: { sources: 'digits', epsilon: 0.001 } },
    photographs: { label: 'photographs of 128 pixels', params: { sources: 'photographs', size: 128, epsilon: 0.001 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'pictures' },
  figures: {
    triangle: image({
      title: 'Weights',
      slots: { triangle: 'click to choose' },
      pick: { x: 'pickX', y: 'pickY' },
      span: 'third',
    }),
    result: image({ title: 'Barycenter', slots: { barycenter: 'barycenter' }, span: 'third' }),
    error: line({ title: 'Marginal error', x: 'iteration', y: 'L1, all plans', yScale: 'log' }),
    pictures: image({ title: 'Pictures', slots: { first: 'top', second: 'left', third: 'right', mean: 'their mean' } }),
    numbers: table({ title: 'Numbers', columns: { quantity: 'quantity', value: 'value' } }),
  },
  kernels: ['logGaussianSums', 'barycenterStep', 'combine', 'marginalError'],
  memory: { bytes: ({ size }) => 160 * Math.max(size, 28) ** 2 + 2 ** 20, lower: 'size' },

  async *run({ device, params, frame, nextChange }) {
    const { epsilon, debiased, iterations, tolerance, first, second, third, top, left, right } = params;
    const chosen = await {
      shapes: () => [first, second, third].map((shape) => shapeMass(shape, params.size)),
      digits: parts.digitTriple,
      photographs: () => parts.inkTriple([top, left, right], params.size),
    }[params.sources]();
    const grids = parts.withPainted(chosen, [params.topPoints, params.leftPoints, params.rightPoints]);
    const size = grids[0]?.width ?? params.size;
    yield frame({ pictures: grids.map((grid, k) => massPicture(['first', 'second', 'third'][k] ?? 'mean', grid)) });

    const weights = (): number[] => parts.weightsAt(params.pickX, params.pickY);
    const problem = { histograms: grids.map(({ masses }) => masses), width: size, height: size };
    const options = { epsilon, debiased, weights, tolerance, maximumIterations: iterations, checkEvery: 10 };
    let start: { readonly start?: Float64Array } = {};
    for (let done = 0; ;) {
      using _scope = device.scope();
      const mean = parts.pixelMean(grids, weights());
      yield frame({ triangle: parts.trianglePicture(params.pickX, params.pickY), pictures: massPicture('mean', mean) });
      const steps = barycenter(device, problem, { ...options, ...start });
      let next = await steps.next();
      for (; next.done !== true; next = await steps.next()) {
        const { iteration: step, marginalError, barycenter: masses } = next.value;
        yield frame({
          result: massPicture('barycenter', { ...mean, masses }),
          error: { series: debiased ? 'debiased' : 'entropic', x: done + step, y: Math.max(marginalError, 1e-9) },
          status: { state: 'running', text: `iteration ${String(step)}`, step, steps: iterations },
        });
      }
      const { summary, ...frames } = parts.summarizeBarycenter(device, next.value, grids, mean);
      const difference = params.check ? await parts.differenceToFloat64(device, problem, options, next.value) : NaN;
      yield frame(frames);
      if (!(await nextChange())) return { ...summary, difference };
      start = { start: next.value.potentials };
      done += next.value.iteration;
    }
  },

  claims: [
    {
      id: 'mean-place',
      paper: 'benamou-2015',
      says: 'The barycenter’s mean place is the weighted mean of the pictures’, to half a pixel of the grid it lives on.',
      preset: 'photographs',
      quick: 'quick',
      expected: '<= 0.5',
      unit: 'px',
      measure: ({ meanError }) => meanError,
      holds: (error) => error <= 0.5,
    },
    {
      id: 'corner',
      paper: 'janati-2020',
      says: 'Debiased, a picture with all the weight is its own barycenter; the entropic one is blurred: ratio of L1 errors.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 0.25',
      measure: async (_, run) => {
        const corner = { pickX: 64, pickY: 0 };
        return (await run(corner)).fromFirst / (await run({ ...corner, debiased: false })).fromFirst;
      },
      holds: (ratio) => ratio <= 0.25,
    },
    {
      id: 'between',
      paper: 'benamou-2015',
      says: 'Mass moves instead of fading: the barycenter is less spread out than the mean of the pixels.',
      preset: 'standard',
      quick: 'quick',
      expected: '< 1',
      measure: ({ spread, pixelSpread }) => spread / pixelSpread,
      holds: (ratio) => ratio < 1,
    },
    {
      id: 'float64',
      paper: 'benamou-2015',
      says: 'In the log domain float32 is enough: L1 distance to the same iterations in float64.',
      preset: 'quick',
      expected: '<= 1e-3',
      measure: async (_, run) => (await run({ check: true })).difference,
      holds: (difference) => difference <= 1e-3,
    },
  ],
});
