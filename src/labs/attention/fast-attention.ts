/** Attention in nearly linear time by polynomials, over the scales of a picture and in a gradient: good until entries grow. */
import { sampleLabels } from '../../data/samples';
import { polynomialPyramidAttention, pyramidAttention } from '../../algorithms/pyramid-attention';
import * as bounded from '../bounded-attention';
import { defineLab } from '../define';
import { image, line, table } from '../frames';
import { choice, data, integer, real, seed } from '../parameters';
import { timeOnce } from '../tensor-race';

const bounds = [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4];

export default defineLab({
  id: 'fast-attention',
  title: 'Fast attention and its limit',
  family: 'attention',
  summary:
    'A polynomial in place of exp makes attention over all scales of a picture linear in its pixels, and the gradient of adapting it too. Raise the bound R: the picture gets sharper, and the polynomial breaks.',
  papers: ['visual-autoregressive-2025', 'low-rank-adaptation-limits-2025', 'fast-attention-2023'],
  params: {
    photograph: data('image', { label: 'photograph', default: 'march-pastoral', samples: sampleLabels }),
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
    time: line({ title: 'Time', x: 'side of the finest scale', y: 'ms', xScale: 'log', yScale: 'log', span: 'half' }),
    numbers: table({ title: 'Numbers', columns: { quantity: 'quantity', value: 'value' } }),
  },
  kernels: ['attention', 'monomialFeatures', 'rowProducts', 'contractRows', 'matmul'],
  memory: {
    bytes: ({ side, timeUpTo, degree }) =>
      6000 * Math.max(Number(side), timeUpTo) ** 2 * (degree === '8' ? 2 : 1) + 4 * Math.min(32, Number(side)) ** 4 * 3,
    lower: 'timeUpTo',
  },

  async *run({ device, params, frame, nextChange }) {
    const { photograph, approximation, timeUpTo, seed } = params;
    const [degree, side] = [Number(params.degree), Number(params.side)];
    const scales = bounded.scalesOf(photograph, side);
    const tokens = bounded.countTokens(scales);
    const normal = Math.sqrt(Math.log(tokens));
    // The exact gradient stores the weights of all pairs.
    const adapted = scales[Math.min(5, scales.length - 1)] ?? photograph;

    const look = async () => {
      const { bound } = params;
      const { exact, fast, error } = await bounded.comparePyramid(device, scales, bound, { degree, approximation });
      const gradient = await bounded.compareGradients(device, adapted, bound, seed, degree);
      const original = scales.at(-1) ?? photograph;
      const pictures = [
        { slot: 'original', width: side, height: side, pixels: original.pixels },
        bounded.pictureOf('exact', exact, side, `R = ${bound.toPrecision(3)}`),
        bounded.pictureOf('fast', fast, side, `error ${error.toPrecision(2)}`),
      ];
      const rows = [
        { quantity: 'tokens over all scales, n', value: tokens },
        { quantity: 'R / √ln n', value: bound / normal },
        { quantity: 'relative error over all scales', value: error },
        { quantity: 'relative error of the gradient, queries', value: gradient.queries },
        { quantity: 'relative error of the gradient, keys', value: gradient.keys },
        { quantity: 'relative error of the gradient, values', value: gradient.values },
      ];
      return { error, shown: { pictures, numbers: { rows, source: device.info.label } } };
    };
    const { error, shown } = await look();
    yield frame({ ...shown, status: { state: 'running', text: 'errors as the bound grows' } });

    const coarse = scales.slice(0, 5);
    const sweep: { bound: number; error: number; gradient: number }[] = [];
    for (const bound of bounds) {
      const compared = await bounded.comparePyramid(device, coarse, bound, { degree, approximation });
      const through = await bounded.compareGradients(device, coarse.at(-1) ?? photograph, bound, seed, degree);
      sweep.push({ bound, error: compared.error, gradient: through.queries });
      const x = bound / Math.sqrt(Math.log(bounded.countTokens(coarse)));
      yield frame({
        errors: [
          { series: 'attention over scales', x, y: Math.max(1e-8, compared.error) },
          { series: 'gradient of adaptation', x, y: Math.max(1e-8, through.queries) },
        ],
      });
    }

    const times: Record<string, number[]> = { exact: [], fast: [], 'exact gradient': [], 'fast gradient': [] };
    for (let size = 8; size <= timeUpTo; size *= 2) {
      const sized = bounded.scalesOf(photograph, size);
      const [pyramid, finest] = [bounded.pyramidOf(sized, 1), sized.at(-1) ?? photograph];
      const calls: Record<string, () => void> = {
        exact: () => void pyramidAttention(device, pyramid),
        fast: () => void polynomialPyramidAttention(device, pyramid, { degree }),
        'fast gradient': () => bounded.recordGradient(device, finest, seed, degree),
        ...(size <= 32 && { 'exact gradient': () => bounded.recordGradient(device, finest, seed, 'exact') }),
      };
      for (const [series, call] of Object.entries(calls)) {
        const milliseconds = await timeOnce(device, call, call);
        times[series]?.push(milliseconds);
        yield frame({
          time: { series, x: size, y: milliseconds },
          status: { state: 'running', text: `${series}, side ${size}`, step: size, steps: timeUpTo },
        });
      }
    }
    yield frame({
      status: {
        state: 'done',
        text: `${tokens} tokens, degree ${degree}: error ${error.toPrecision(2)} at R = ${params.bound.toPrecision(3)}`,
      },
    });
    while (await nextChange()) yield frame((await look()).shown);
    return { sweep, times };
  },

  claims: [
    {
      id: 'bounded-is-accurate',
      paper: 'fast-attention-2023',
      says: 'With bounded entries the low-rank form is attention: relative error over all scales at R = 1.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 1e-3',
      measure: ({ sweep }) => sweep.find(({ bound }) => bound === 1)?.error ?? NaN,
      holds: (error) => error <= 1e-3,
    },
    {
      id: 'threshold',
      paper: 'visual-autoregressive-2025',
      says: 'There is a threshold on the size of the entries: how many times the error grows from R = 1 to R = 4.',
      preset: 'standard',
      quick: 'quick',
      expected: '>= 1,000',
      unit: 'times',
      measure: ({ sweep }) => {
        const [one, four] = [1, 4].map((wanted) => sweep.find(({ bound }) => bound === wanted)?.error ?? NaN);
        return (four ?? NaN) / (one ?? NaN);
      },
      holds: (growth) => growth >= 1000,
    },
    {
      id: 'less-than-quartic',
      paper: 'visual-autoregressive-2025',
      says: 'Below it attention over scales takes less than side⁴: times longer for twice the side, at the longest.',
      preset: 'standard',
      quick: 'quick',
      expected: '< 16',
      unit: 'times',
      measure: ({ times: { fast = [] } }) => (fast.at(-1) ?? NaN) / (fast.at(-2) ?? NaN),
      holds: (growth) => growth < 16,
    },
    {
      id: 'gradient-bounded',
      paper: 'low-rank-adaptation-limits-2025',
      says: 'Below the threshold the gradient of adaptation has a low-rank form too: relative error at R = 1.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 1e-2',
      measure: ({ sweep }) => sweep.find(({ bound }) => bound === 1)?.gradient ?? NaN,
      holds: (error) => error <= 1e-2,
    },
    {
      id: 'gradient-faster',
      paper: 'low-rank-adaptation-limits-2025',
      says: 'and it is faster than the exact one: time over time at 32 × 32 pixels.',
      preset: 'standard',
      quick: 'quick',
      expected: '< 1',
      measure: ({ times }) => (times['fast gradient']?.[2] ?? NaN) / (times['exact gradient']?.[2] ?? NaN),
      holds: (ratio) => ratio < 1,
    },
  ],
});
