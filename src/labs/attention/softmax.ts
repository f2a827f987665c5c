/** Softmax: three passes, online, two passes and the naive form side by side, on vectors of any length and range. */
import { growingLogits, raceSoftmax, sweepRange, type SoftmaxResult } from '../../algorithms/softmax-race';
import { tableSamples } from '../../data/tables';
import { measureRoofline } from '../../kernels/roofline';
import { softmaxMethods, type SoftmaxMethod } from '../../kernels/softmax';
import { above, atLeast, atMost } from '../bounds';
import { defineLab } from '../define';
import { bars, line, logarithmic, table } from '../frames';
import { data, integer, real, seed } from '../parameters';
import * as show from '../softmax-figures';

const [rangeAxis, errorAxis] = ['range of 4,096 logits, ±', 'relative error (1: overflowed)'];
const lengthHelp = 'Logits in a row. Past the cache, passes over memory are what counts.';
const rangeHelp = 'Logits are uniform on it.';
const samples = tableSamples('volcano', 'sp500');
const ownHelp = 'Rows of numbers instead of random ones; a single column is one row.';

export default defineLab({
  id: 'softmax',
  title: 'Softmax, three ways',
  family: 'attention',
  summary:
    'The same softmax in three passes over memory or in two, timed against a plain copy and checked in float64. Widen the range of the logits and watch the naive form fail.',
  papers: ['two-pass-softmax-2020', 'online-softmax-2018'],
  params: {
    length: integer({ label: 'length', help: lengthHelp, min: 1, max: 2 ** 24, scale: 'log', default: 2 ** 20 }),
    rows: integer({ label: 'rows', min: 1, max: 4096, scale: 'log', default: 1 }),
    range: real({ label: 'range, ±', help: rangeHelp, min: 0.1, max: 1e4, scale: 'log', default: 20 }),
    logits: data('matrix', { label: 'logits', help: ownHelp, default: null, samples }),
    scale: real({ label: 'times', help: 'Scales your logits.', min: 0.001, max: 100, scale: 'log', default: 1 }),
    samples: integer({ label: 'samples', help: 'at least 20 ms each', min: 3, max: 50, default: 7 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '262,144 logits', params: { length: 2 ** 18, samples: 3 } },
    standard: { label: '4,194,304 logits', params: { length: 2 ** 22 } },
    memory: { label: '16,777,216 logits', params: { length: 2 ** 24 } },
    rows: { label: '4,096 rows of 4,096', params: { length: 4096, rows: 4096 } },
    wide: { label: '± 10,000', params: { length: 2 ** 18, range: 1e4, samples: 3 } },
    volcano: { label: 'A volcano’s heights', params: { logits: 'volcano', samples: 3 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'ranges' },
  figures: {
    rates: bars({ title: 'Bytes per second', value: 'GB/s', unit: 'GB/s' }),
    ranges: line({ title: 'Error against range', ...logarithmic, x: rangeAxis, y: errorAxis, span: 'half' }),
    methods: table({ title: 'Times, bytes and errors', columns: show.methodColumns }),
    growth: line({
      title: 'Time against length',
      ...logarithmic,
      x: 'logits',
      y: 'nanoseconds per logit',
      span: 'full',
    }),
  },
  kernels: ['softmaxRows', 'copy', 'randomUniform'],
  memory: {
    bytes: ({ length, rows, logits }) => 24 * (logits ? logits.values.length : length * rows) + 2 ** 27,
    lower: 'length',
  },

  async *run({ device, params, frame }) {
    yield frame({ status: { state: 'running', text: 'measuring how fast this adapter copies' } });
    const roofline = await measureRoofline(device);
    const inputs = await growingLogits(device, params);
    const methods: readonly SoftmaxMethod[] = device.kind === 'reference' ? ['three-pass'] : softmaxMethods;
    const race = raceSoftmax(device, inputs, methods, params.samples);
    let results: readonly SoftmaxResult[] = [];
    let next = await race.next();
    for (; next.done !== true; next = await race.next()) {
      const { method, result, step, steps } = next.value;
      ({ results } = next.value);
      yield frame({ status: { state: 'running', text: show.methodLabels[method], step, steps } });
      if (result === undefined) continue;
      const growth = show.growthPoint(result);
      yield frame({ rates: show.barsOf(results, roofline), methods: show.rowsOf(results, roofline), growth });
    }
    let lostAt = Infinity;
    for await (const { method, range: at, error } of sweepRange(device, methods, params.seed)) {
      if (method === 'unshifted' && error.lost > 0) lostAt = Math.min(lostAt, at);
      yield frame({ ranges: show.errorPoint(method, at, error) });
    }
    const of = (method: SoftmaxMethod) => results.find((result) => result.method === method);
    const shifted = results.filter(({ method }) => method !== 'unshifted');
    const worst = Math.max(...shifted.map(({ error }) => (error.lost > 0 ? 1 : error.largest)));
    const text = `${worst === 0 ? 'no errors' : `errors up to ${worst.toExponential(1)}`}; the naive form loses results from ± ${lostAt} on`;
    yield frame({ status: { state: 'done', text } });
    return { worst, lostAt, three: of('three-pass'), two: of('two-pass'), roofline };
  },

  claims: [
    {
      id: 'no-overflow',
      paper: 'two-pass-softmax-2020',
      says: 'Neither the maximum nor (m, n) pairs overflow: the largest relative error of all four, logits on ± 10,000.',
      preset: 'wide',
      ...atMost(5e-7),
      measure: ({ worst }) => worst,
    },
    {
      id: 'naive-overflows',
      paper: 'two-pass-softmax-2020',
      says: 'Written as it stands, softmax overflows in float32: the smallest range tried at which results are lost.',
      preset: 'quick',
      ...atMost(90),
      measure: ({ lostAt }) => lostAt,
    },
    {
      id: 'fewer-bytes',
      paper: 'two-pass-softmax-2020',
      says: 'Two passes move 3 numbers a logit where three passes move 4: ratio of the bytes.',
      preset: 'quick',
      expected: '1.333',
      measure: ({ two, three }) => (three?.bytes ?? NaN) / (two?.bytes ?? NaN),
      holds: (ratio) => Math.abs(ratio - 4 / 3) < 1e-9,
    },
    {
      id: 'two-is-faster',
      paper: 'two-pass-softmax-2020',
      says: 'Two passes are faster than three, out of cache above all: time of three over time of two.',
      preset: 'memory',
      quick: 'quick',
      ...above(1, 'times'),
      measure: ({ two, three }) => (three?.timing.medianMs ?? NaN) / (two?.timing.medianMs ?? NaN),
    },
    {
      id: 'memory-bound',
      paper: 'two-pass-softmax-2020',
      says: 'Three passes are limited by memory: their bytes per second, of a copy’s.',
      preset: 'memory',
      quick: 'quick',
      ...atLeast(50, '%'),
      measure: ({ three, roofline }) => (100 * (three?.bytesPerSecond ?? NaN)) / roofline.copyBytesPerSecond,
    },
  ],
});
