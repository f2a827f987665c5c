/** Attention in nearly linear time by polynomials, over the scales of a picture and in a gradient: good until entries grow. */
import { sampleLabels } from '../../data/samples';
import { scalesOf } from '../bounded-attention';
import * as report from '../bounded-report';
import { atLeast, atMost, below } from '../bounds';
import { atStandard, defineLab, follow } from '../define';
import { image, line, logarithmic, quantities } from '../frames';
import { choice, data, integer, real, seed } from '../parameters';

export default defineLab({
  id: 'fast-attention',
  title: 'Fast attention and its limit',
  family: 'attention',
  summary:
    'A polynomial in place of exp makes attention over all scales of a picture linear in its pixels, and the gradient of adapting it too. Raise the bound R: the picture gets sharper, and the polynomial breaks.',
  papers: ['visual-autoregressive-2025', 'low-rank-adaptation-limits-2025', 'fast-attention-2023'],
  params: {
    photograph: data('image', { label: 'photograph', default: 'allium-oreophilum', samples: sampleLabels }),
    bound: real({
      label: 'bound R',
      help: 'entries lie in [−R, R]',
      min: 0.25,
      max: 8,
      scale: 'log',
      default: 4,
      live: true,
    }),
    degree: choice({ label: 'degree', options: { 2: '2', 4: '4', 6: '6', 8: '8' }, default: '6' }),
    approximation: choice({
      label: 'polynomial',
      options: { taylor: 'Taylor', chebyshev: 'Chebyshev on [−R², R²]' },
      default: 'taylor',
    }),
    side: choice({ label: 'finest scale', options: { 16: '16²', 32: '32²', 64: '64²', 128: '128²' }, default: '64' }),
    timeUpTo: integer({ label: 'time up to side', min: 8, max: 256, scale: 'log', default: 64 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '32 × 32', params: { side: '32', timeUpTo: 32 } },
    standard: { label: '64 × 64', params: {} },
    large: { label: '128 × 128', params: { side: '128', timeUpTo: 256 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'pictures' },
  figures: {
    pictures: image({
      title: 'The finest scale, seen from all coarser ones',
      slots: { original: 'original', exact: 'exact attention', fast: 'polynomial' },
      compare: ['exact', 'fast'],
    }),
    errors: line({ title: 'Error', x: 'R / √ln n', y: 'relative error', yScale: 'log', span: 'half' }),
    time: line({ title: 'Time', x: 'side of the finest scale', y: 'ms', ...logarithmic, span: 'half' }),
    numbers: quantities({ title: 'Numbers' }),
  },
  kernels: ['attention', 'monomialFeatures', 'rowProducts', 'contractRows', 'matmul'],
  memory: {
    bytes: ({ side, timeUpTo, degree }) =>
      6000 * Math.max(Number(side), timeUpTo) ** 2 * (degree === '8' ? 2 : 1) + 4 * Math.min(32, Number(side)) ** 4 * 3,
    lower: 'timeUpTo',
  },

  async *run({ device, params, frame, nextChange }) {
    const { photograph, approximation, timeUpTo, seed } = params;
    const degree = Number(params.degree);
    const scales = scalesOf(photograph, Number(params.side));
    const setting = { scales, degree, approximation, seed };
    yield frame({
      pictures: report.originalOf(scales),
      status: { state: 'running', text: 'attending over all scales' },
    });
    const look = () => report.lookAtBound(device, setting, params.bound);
    const first = await look();
    yield frame({ ...first, status: { state: 'running', text: 'errors as the bound grows' } });
    const sweep = yield* follow(report.sweepBounds(device, setting), frame);
    const times = yield* follow(report.timeSides(device, photograph, { degree, seed, longest: timeUpTo }), frame);
    yield frame({ status: first.status });
    while (await nextChange()) yield frame(await look());
    return { sweep, times };
  },

  claims: [
    {
      id: 'bounded-is-accurate',
      paper: 'fast-attention-2023',
      says: 'With bounded entries the low-rank form is attention: relative error over all scales at R = 1.',
      ...atStandard,
      ...atMost(1e-3),
      measure: ({ sweep }) => sweep.find(({ bound }) => bound === 1)?.error ?? NaN,
    },
    {
      id: 'threshold',
      paper: 'visual-autoregressive-2025',
      says: 'There is a threshold on the size of the entries: how many times the error grows from R = 1 to R = 4.',
      ...atStandard,
      ...atLeast(1000, 'times'),
      measure: ({ sweep }) => {
        const [one, four] = [1, 4].map((wanted) => sweep.find(({ bound }) => bound === wanted)?.error ?? NaN);
        return (four ?? NaN) / (one ?? NaN);
      },
    },
    {
      id: 'less-than-quartic',
      paper: 'visual-autoregressive-2025',
      says: 'Below it attention over scales takes less than side⁴: times longer for twice the side, at the longest.',
      ...atStandard,
      ...below(16, 'times'),
      measure: ({ times: { fast = [] } }) => (fast.at(-1) ?? NaN) / (fast.at(-2) ?? NaN),
    },
    {
      id: 'gradient-bounded',
      paper: 'low-rank-adaptation-limits-2025',
      says: 'Below the threshold the gradient of adaptation has a low-rank form too: relative error at R = 1.',
      ...atStandard,
      ...atMost(1e-2),
      measure: ({ sweep }) => sweep.find(({ bound }) => bound === 1)?.gradient ?? NaN,
    },
    {
      id: 'gradient-faster',
      paper: 'low-rank-adaptation-limits-2025',
      says: 'and it is faster than the exact one: time over time at 32 × 32 pixels.',
      ...atStandard,
      ...below(1),
      measure: ({ times }) => (times['fast gradient']?.[2] ?? NaN) / (times['exact gradient']?.[2] ?? NaN),
    },
  ],
});
