/** Attention over pairs and triples of keys: exact in cubic time, nearly linear by polynomials while the entries are small. */
import { monomialCount } from '../../kernels/polynomial';
import { atLeast, atMost, below, near } from '../bounds';
import { atStandard, defineLab, follow } from '../define';
import { bars, heatmap, line, logarithmic, quantities } from '../frames';
import { choice, integer, real, seed } from '../parameters';
import * as report from '../tensor-report';

const exactHelp = 'For pairs; triples go as far as the same work takes them.';

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
    exactUpTo: integer({ label: 'exact up to n', help: exactHelp, min: 32, max: 2048, scale: 'log', default: 512 }),
    tokens: integer({ label: 'tokens', help: 'of a sequence to find triples in', min: 8, max: 64, default: 32 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '64 keys', params: { count: 64, exactUpTo: 128, longest: 4096 } },
    standard: { label: '512 keys', params: { count: 128 } },
    triples: { label: 'Triples of keys', params: { lists: '3', count: 32, exactUpTo: 64 } },
    large: { label: 'exact to 2,048', params: { count: 256, exactUpTo: 2048 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'errors' },
  figures: {
    errors: line({ title: 'Error of the polynomial', x: 'bound B', y: 'largest error', yScale: 'log', span: 'half' }),
    time: line({ title: 'Time', x: 'n', y: 'ms', ...logarithmic, span: 'half', note: 'one call each' }),
    map: heatmap({ title: 'Error map', rows: 'query', columns: 'column', value: '|error|' }),
    breaking: bars({ title: 'Bound at which the error reaches 1 %', value: 'B', span: 'third' }),
    triples: bars({ title: 'Tokens of which a triple was told right', value: 'share', span: 'third' }),
    numbers: quantities({ title: 'Numbers' }),
  },
  kernels: ['tensorAttention', 'monomialFeatures', 'contractRows', 'matmul'],
  memory: {
    bytes: ({ longest, dimension, degree }) =>
      8 * longest * (monomialCount(dimension, Number(degree)) + 8 * dimension) + 1e6,
    lower: 'longest',
  },

  async *run({ device, params, frame, nextChange }) {
    const { count, dimension, seed, tokens } = params;
    const degree = Number(params.degree);
    const race = { count, dimension, lists: Number(params.lists), seed };
    const look = () => report.lookAtBound(device, { ...race, bound: params.bound }, degree);
    const { error, ...first } = await look();
    yield frame({ ...first, status: { state: 'running', text: 'errors as the bound grows' } });
    const curve = yield* follow(report.sweepBounds(device, race, degree), frame);
    const breaking = yield* follow(report.showBreaking(device, race, degree), frame);
    const times = yield* follow(report.showTimes(device, race, degree, params), frame);
    const told = await report.tellTriples(device, tokens, seed);
    yield frame({ triples: told.shown, status: first.status });
    while (await nextChange()) {
      const { map, numbers, status } = await look();
      yield frame({ map, numbers, status });
    }
    return { error, curve, times, breaking, pairs: told.pairs, singles: told.singles };
  },

  claims: [
    {
      id: 'agrees-when-bounded',
      paper: 'tensor-attention-2024',
      says: 'With bounded entries the low-rank form is the exact result: largest error at B = 1 and degree 6.',
      ...atStandard,
      ...atMost(1e-6),
      measure: ({ error }) => error,
    },
    {
      id: 'breaks-when-not',
      paper: 'tensor-attention-2024',
      says: 'Larger entries break it: how many times the error grows from B = 1 to B = 2.',
      ...atStandard,
      ...atLeast(1000, 'times'),
      measure: ({ curve }) => {
        const [one, two] = [1, 2].map((wanted) => curve.find(({ bound }) => bound === wanted)?.error ?? NaN);
        return (two ?? NaN) / (one ?? NaN);
      },
    },
    {
      id: 'nearly-linear',
      paper: 'tensor-attention-2024',
      says: 'Time grows like n instead of n³: 16,384 keys by the polynomial take less time than 512 exactly.',
      preset: 'standard',
      ...below(1),
      measure: ({ times: { fast = NaN, exact = NaN } }) => fast / exact,
    },
    {
      id: 'higher-order-needs-smaller',
      paper: 'tensor-attention-2024',
      says: 'The more keys at once, the smaller the entries must be: bound for triples over bound for one key, at 1 % error.',
      ...atStandard,
      ...below(1),
      measure: ({ breaking }) => (breaking[2]?.value ?? NaN) / (breaking[0]?.value ?? NaN),
    },
    {
      id: 'finds-triples',
      paper: 'tensor-attention-2024',
      says: 'Attention over pairs finds triples that ordinary attention cannot: share of tokens right, of all, with one head.',
      ...atStandard,
      ...near(1),
      measure: ({ pairs }) => pairs,
    },
    {
      id: 'ordinary-does-not',
      paper: 'triples-2023',
      says: 'Ordinary attention does not: share of tokens right with eight heads and the best linear read-out; chance is 0.5.',
      ...atStandard,
      ...atMost(0.75),
      measure: ({ singles }) => singles,
    },
  ],
});
