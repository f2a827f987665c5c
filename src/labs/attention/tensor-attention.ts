/** Attention over pairs and triples of keys: exact in cubic time, nearly linear by polynomials while the entries are small. */
import { accuracy, detectWithPairs, detectWithSingles, makeTriples } from '../../algorithms/triple-detection';
import { monomialCount } from '../../kernels/polynomial';
import { defineLab } from '../define';
import { bars, heatmap, line, table } from '../frames';
import { choice, integer, real, seed } from '../parameters';
import { errorRows, findBreaking, measureErrors, timeSizes } from '../tensor-race';

const degrees = [2, 4, 6, 8] as const;

export default defineLab({
  id: 'tensor-attention',
  title: 'Tensor attention',
  family: 'attention',
  summary:
    'Each query looks at pairs or triples of keys at once. Exactly that takes n³ steps or more; a polynomial in place of exp takes n, as long as the entries are small. Move the bound and watch it break.',
  papers: ['tensor-attention-2024', 'triples-2023'],
  params: {
    bound: real({ label: 'bound B', help: 'entries lie in [−B, B]', min: 0.25, max: 3, default: 1, live: true }),
    degree: choice({ label: 'degree', options: { 2: '2', 4: '4', 6: '6', 8: '8' }, default: '6' }),
    lists: choice({ label: 'keys at once', options: { 2: 'pairs', 3: 'triples' }, default: '2' }),
    count: integer({ label: 'n', help: 'queries, and keys in a list', min: 8, max: 512, scale: 'log', default: 96 }),
    dimension: integer({ label: 'd', min: 1, max: 8, default: 4 }),
    longest: integer({
      label: 'longest n',
      help: 'of the timings',
      min: 64,
      max: 16_384,
      scale: 'log',
      default: 16_384,
    }),
    exactUpTo: integer({ label: 'exact up to n', min: 32, max: 2048, scale: 'log', default: 512 }),
    tokens: integer({ label: 'tokens', help: 'of a sequence to find triples in', min: 8, max: 64, default: 32 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '96 keys', params: { exactUpTo: 256 } },
    standard: { label: '512 keys', params: { count: 128 } },
    triples: { label: 'Triples of keys', params: { lists: '3', count: 32, exactUpTo: 64 } },
    large: { label: 'exact to 2,048', params: { count: 256, exactUpTo: 2048 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'errors' },
  figures: {
    errors: line({ title: 'Error of the polynomial', x: 'bound B', y: 'largest error', yScale: 'log', span: 'half' }),
    time: line({ title: 'Time', x: 'n', y: 'ms', xScale: 'log', yScale: 'log', span: 'half', note: 'one call each' }),
    map: heatmap({ title: 'Error map', rows: 'query', columns: 'column', value: '|error|' }),
    breaking: bars({ title: 'Bound at which the error reaches 1 %', value: 'B', span: 'third' }),
    triples: bars({ title: 'Tokens of which a triple was told right', value: 'share', span: 'third' }),
    numbers: table({ title: 'Numbers', columns: { quantity: 'quantity', value: 'value' } }),
  },
  kernels: ['tensorAttention', 'monomialFeatures', 'contractRows', 'matmul'],
  memory: {
    bytes: ({ longest, dimension, degree }) =>
      8 * longest * (monomialCount(dimension, Number(degree)) + 8 * dimension) + 1e6,
    lower: 'longest',
  },

  async *run({ device, params, frame, nextChange }) {
    const { count, dimension, seed, tokens, longest } = params;
    const [degree, lists] = [Number(params.degree), Number(params.lists)];
    const race = { count, dimension, lists, seed };

    // The chosen degree comes last: the error map is of it.
    const ordered = [...degrees.filter((one) => one !== degree), degree];
    const look = async () => {
      const here = { ...race, bound: params.bound };
      const measured = await measureErrors(device, here, ordered);
      const numbers = { rows: errorRows(measured, here, ordered), source: device.info.label };
      const shown = { map: { rows: count, columns: dimension, values: measured.map }, numbers };
      return { error: measured.errors.at(-1) ?? NaN, shown };
    };
    const { error, shown } = await look();
    yield frame({ ...shown, status: { state: 'running', text: 'errors as the bound grows' } });

    const curve: { bound: number; error: number }[] = [];
    for (let bound = 0.25; bound <= 3; bound += 0.25) {
      const { errors } = await measureErrors(device, { ...race, bound }, degrees);
      curve.push({ bound, error: errors[degrees.findIndex((one) => one === degree)] ?? NaN });
      yield frame({
        errors: degrees.map((one, at) => ({
          series: `degree ${one}`,
          x: bound,
          y: Math.max(1e-10, errors[at] ?? NaN),
        })),
      });
    }

    let breaking: readonly { readonly value: number }[] = [];
    for await (const found of findBreaking(device, { dimension, seed }, degree)) {
      breaking = found;
      yield frame({ breaking: { bars: found }, status: { state: 'running', text: 'where the polynomial breaks' } });
    }

    const times: Record<string, number> = {};
    for await (const { series, count: n, milliseconds } of timeSizes(device, race, degree, params)) {
      times[series === 'exact' ? 'exact' : 'fast'] = milliseconds;
      const status = { state: 'running', text: `${series}, n = ${n}`, step: n, steps: longest } as const;
      yield frame({ time: { series, x: n, y: milliseconds }, status });
    }

    const task = makeTriples(tokens, 32, seed);
    const pairs = accuracy(await detectWithPairs(device, task), task.labels);
    const singles = accuracy(await detectWithSingles(device, task, seed), task.labels.slice(16));
    yield frame({
      triples: {
        bars: [
          { label: 'over pairs', value: pairs, highlight: true },
          { label: 'ordinary', value: singles },
        ],
        reference: { label: 'chance', value: 0.5 },
      },
      status: {
        state: 'done',
        text: `degree ${degree}: error ${error.toPrecision(3)} at B = ${params.bound.toPrecision(3)}, n = ${count}`,
      },
    });
    while (await nextChange()) yield frame((await look()).shown);
    return { error, curve, times, breaking, pairs, singles };
  },

  claims: [
    {
      id: 'agrees-when-bounded',
      paper: 'tensor-attention-2024',
      says: 'With bounded entries the low-rank form is the exact result: largest error at B = 1 and degree 6.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 1e-6',
      measure: ({ error }) => error,
      holds: (error) => error <= 1e-6,
    },
    {
      id: 'breaks-when-not',
      paper: 'tensor-attention-2024',
      says: 'Larger entries break it: how many times the error grows from B = 1 to B = 2.',
      preset: 'standard',
      quick: 'quick',
      expected: '>= 1,000',
      unit: 'times',
      measure: ({ curve }) => {
        const [one, two] = [1, 2].map((wanted) => curve.find(({ bound }) => bound === wanted)?.error ?? NaN);
        return (two ?? NaN) / (one ?? NaN);
      },
      holds: (growth) => growth >= 1000,
    },
    {
      id: 'nearly-linear',
      paper: 'tensor-attention-2024',
      says: 'Time grows like n instead of n³: 16,384 keys by the polynomial take less time than 512 exactly.',
      preset: 'standard',
      expected: '< 1',
      measure: ({ times: { fast = NaN, exact = NaN } }) => fast / exact,
      holds: (ratio) => ratio < 1,
    },
    {
      id: 'higher-order-needs-smaller',
      paper: 'tensor-attention-2024',
      says: 'The more keys at once, the smaller the entries must be: bound for triples over bound for one key, at 1 % error.',
      preset: 'standard',
      quick: 'quick',
      expected: '< 1',
      measure: ({ breaking }) => (breaking[2]?.value ?? NaN) / (breaking[0]?.value ?? NaN),
      holds: (ratio) => ratio < 1,
    },
    {
      id: 'finds-triples',
      paper: 'tensor-attention-2024',
      says: 'Attention over pairs finds triples that ordinary attention cannot: share of tokens right, of all, with one head.',
      preset: 'standard',
      quick: 'quick',
      expected: '1',
      measure: ({ pairs }) => pairs,
      holds: (share) => share === 1,
    },
    {
      id: 'ordinary-does-not',
      paper: 'triples-2023',
      says: 'Ordinary attention does not: share of tokens right with eight heads and the best linear read-out; chance is 0.5.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 0.75',
      measure: ({ singles }) => singles,
      holds: (share) => share <= 0.75,
    },
  ],
});
