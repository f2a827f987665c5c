/** Entropic optimal transport as colour transfer: the colours of one photograph are moved onto the structure of another. */
import { certifyTransport } from '../../algorithms/certificate';
import { describeSinkhorn, sinkhorn } from '../../algorithms/sinkhorn';
import { paletteOf } from '../../data/palette';
import { sampleLabels } from '../../data/samples';
import * as transfer from '../color-transfer';
import { defineLab } from '../define';
import { heatmap, image, interval, line, scatter, table } from '../frames';
import { choice, data, integer, real, seed, toggle } from '../parameters';

const slots = { source: 'structure', target: 'colours', result: 'recoloured' } as const;
const spaces = { oklab: 'OKLab', 'linear-rgb': 'linear RGB', lightness: 'lightness only' } as const;

export default defineLab({
  id: 'sinkhorn',
  title: 'Entropic optimal transport',
  family: 'transport',
  summary:
    'Colour transfer: the cheapest way to move the colours of one photograph onto another, by Sinkhorn’s algorithm in the log domain. No cost matrix is ever stored.',
  papers: ['cuturi-2013', 'altschuler-2017', 'feydy-2019'],
  params: {
    source: data('image', { label: 'structure', default: 'dust-bowl-home', samples: sampleLabels }),
    target: data('image', { label: 'colours', default: 'black-canyon', samples: sampleLabels }),
    epsilon: real({ label: 'epsilon', help: 'of the largest cost', min: 1e-8, max: 1, scale: 'log', default: 0.01 }),
    samples: integer({ label: 'samples', help: 'of each', min: 64, max: 65_536, scale: 'log', default: 2048 }),
    space: choice({ label: 'colour space', options: spaces, default: 'oklab' }),
    tolerance: real({ label: 'tolerance', help: 'marginals, L1', min: 1e-7, max: 0.1, scale: 'log', default: 1e-6 }),
    maximumIterations: integer({ label: 'most iterations', min: 1, max: 10_000, default: 1000 }),
    check: toggle({ label: 'float64 too', help: 'Solves again on the CPU, up to 1,024 samples.', default: false }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '512 samples', params: { samples: 512 } },
    standard: { label: '2,048 samples', params: { samples: 2048 } },
    large: { label: '16,384 samples', params: { samples: 16_384 } },
    huge: { label: '65,536 samples', params: { samples: 65_536 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'pictures' },
  figures: {
    pictures: image({ title: 'Photographs', slots, compare: ['source', 'result'] }),
    error: line({ title: 'Marginal error', x: 'iteration', y: 'L1 error', yScale: 'log' }),
    plan: heatmap({ title: 'Plan, dark to light', rows: 'structure', columns: 'colours', value: 'relative mass' }),
    clouds: scatter({ title: 'Colours', axes: ['red', 'green', 'blue'] }),
    cost: interval({ title: 'Cost', value: 'transport cost', note: 'the exact cost lies in the interval' }),
    numbers: table({ title: 'Numbers', columns: { quantity: 'quantity', value: 'value' } }),
  },
  kernels: ['logSumExpOverPairs', 'updatePotential', 'marginalError', 'barycentricMap', 'cTransform', 'planPicture'],
  memory: { bytes: ({ samples }) => 800 * samples + 65_536 * (64 + 24 * Math.ceil(samples / 4096)), lower: 'samples' },

  async *run({ device, params, frame }) {
    const { source, target, samples, space, tolerance, maximumIterations } = params;
    const heldBefore = device.memory().liveBytes;
    const x = transfer.sampleColors(source, space, samples, params.seed, 0);
    const y = transfer.sampleColors(target, space, samples, params.seed, 1);
    const clouds = [transfer.scatterOf('structure', x), transfer.scatterOf('colours', y)];
    yield frame({ pictures: [transfer.pictureOf('source', source), transfer.pictureOf('target', target)], clouds });

    const problem = { x: x.coordinates, y: y.coordinates, dimension: x.dimension };
    const accuracy = { tolerance, maximumIterations, checkEvery: samples > 4096 ? 4 : 10, scaling: 0.5 };
    const options = { epsilon: params.epsilon, epsilonUnit: 'largest-cost', ...accuracy } as const;
    const coarse = paletteOf(source, 5);
    let previewedMs = -Infinity;
    const steps = sinkhorn(device, problem, options);
    let next = await steps.next();
    for (; next.done !== true; next = await steps.next()) {
      yield frame(transfer.progressOf(next.value, maximumIterations));
      if (performance.now() - previewedMs < 400) continue;
      yield frame(await transfer.picturesOf(source, coarse, space, next.value));
      previewedMs = performance.now();
    }

    const result = next.value;
    const heldBytes = device.memory().liveBytes - heldBefore;
    const certificate = await certifyTransport(result.problem, result.potentials, result.epsilon);
    const palette = transfer.paletteFor(source, result);
    const exact = transfer.exactCost(x, y);
    const difference = params.check ? await transfer.differenceToFloat64(result, problem, options) : undefined;
    const reached = { largestCost: result.problem.largestCost, colours: palette.count, heldBytes };
    const summary = { ...certificate, ...result, ...reached, samples, exact, difference };
    yield frame({
      ...(await transfer.picturesOf(source, palette, space, result)),
      cost: { lower: certificate.lower, upper: certificate.upper, value: result.transportCost },
      numbers: { rows: transfer.numbersOf(summary), source: device.info.label },
      status: { ...describeSinkhorn(result), step: result.iterations, steps: maximumIterations },
    });
    return summary;
  },

  claims: [
    {
      id: 'marginals',
      paper: 'cuturi-2013',
      says: 'Alternating scaling reaches the prescribed marginals.',
      preset: 'large',
      quick: 'quick',
      expected: '<= 1e-6',
      measure: ({ marginalError }) => marginalError,
      holds: (error) => error <= 1e-6,
    },
    {
      id: 'rounding',
      paper: 'altschuler-2017',
      says: 'With epsilon = e / (4 log n) and marginals within e / (8 max C), rounding gives a plan within e of the best.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 1',
      measure: async (_, run) => {
        const { upper, lower, epsilon, largestCost, samples, tolerance } = await run({ tolerance: 1e-3 });
        return (upper - lower) / Math.max(4 * epsilon * Math.log(samples), 8 * tolerance * largestCost);
      },
      holds: (ratio) => ratio >= 0 && ratio <= 1,
    },
    {
      id: 'certificate',
      paper: 'altschuler-2017',
      says: 'In one dimension, where sorting gives the exact cost, it lies in the certified interval (0 to 1).',
      preset: 'standard',
      quick: 'quick',
      expected: '0 to 1',
      measure: async (_, run) => {
        const { exact = NaN, lower, upper } = await run({ space: 'lightness' });
        return (exact - lower) / (upper - lower);
      },
      holds: (place) => place >= 0 && place <= 1,
    },
    {
      id: 'memory',
      paper: 'feydy-2019',
      says: 'Costs that are computed when they are needed take no memory: what is held between passes grows like n, from one size to four times as many samples.',
      preset: 'large',
      quick: 'quick',
      expected: 'exponent <= 1.1',
      measure: async ({ heldBytes, samples }, run) => {
        const more = await run({ samples: 4 * samples, maximumIterations: 4 });
        return Math.log(more.heldBytes / heldBytes) / Math.log(4);
      },
      holds: (exponent) => exponent <= 1.1,
    },
    {
      id: 'float64',
      paper: 'cuturi-2013',
      says: 'In the log domain float32 is enough: relative difference of the cost to the same run in float64.',
      preset: 'quick',
      expected: '<= 1e-5',
      measure: async (_, run) => (await run({ check: true })).difference ?? NaN,
      holds: (difference) => difference <= 1e-5,
    },
  ],
});
