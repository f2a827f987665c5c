/** Attention over text that a person types, or over Q, K and V from a file: who looks at whom, and what an output depends on. */
import { defineLab } from '../define';
import { bars, heatmap, table } from '../frames';
import { choice, data, integer, real, seed, text } from '../parameters';
import * as attend from '../text-attention';

const sample = 'the cat sat on the mat, the dog sat on the log, and the cat saw the dog on the log';
const shares = { none: 'its own keys', pairs: 'keys with a neighbour', all: 'keys with all' };
const files = 'A .safetensors file with tensors q, k and v, [N, d] or [heads, N, d], instead of the text.';
const sinkHelp = 'A logit without a value in every row: a character may look at nothing.';

export default defineLab({
  id: 'text-attention',
  title: 'Attention on text',
  family: 'attention',
  summary: 'Type a text: characters look at characters. Pick one and see what its output depends on, by the gradient.',
  papers: ['attention-2017', 'flash-attention-2022', 'grouped-query-2023', 'flash-decoding-2023'],
  params: {
    text: text({ label: 'text', default: sample, maxLength: 512 }),
    operands: data('tensors', { label: 'Q, K, V', help: files, default: null }),
    token: integer({ label: 'character at', min: 0, max: 511, default: 40, live: true }),
    head: integer({ label: 'shown head', help: '0 is the mean of all.', min: 0, max: 16, default: 1, live: true }),
    heads: integer({ label: 'heads', min: 1, max: 16, default: 4 }),
    share: choice({ label: 'a head has', options: shares, default: 'none' }),
    headSize: integer({ label: 'head size', min: 1, max: 128, default: 16 }),
    positions: real({ label: 'positions', help: 'Against characters, of weight 1.', min: 0, max: 3, default: 0.5 }),
    sharpness: real({ label: 'logit scale', min: 0.125, max: 16, scale: 'log', default: 1 }),
    causal: choice({ label: 'sees', options: { all: 'all', before: 'those before' }, default: 'before' }),
    window: integer({ label: 'window', help: '0 is none.', min: 0, max: 128, default: 0 }),
    softCap: real({ label: 'soft cap', help: '0 is none.', min: 0, max: 30, default: 0 }),
    sink: choice({
      label: 'sink',
      help: sinkHelp,
      options: { none: 'none', zero: 'logit 0', strong: 'logit 4' },
      default: 'none',
    }),
    cache: integer({ label: 'cache', unit: 'keys', min: 256, max: 131_072, scale: 'log', default: 8192 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: 'a sentence', params: {} },
    sharp: { label: 'logits times 4', params: { sharpness: 4 } },
    long: { label: 'a cache of 131,072 keys', params: { cache: 131_072 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'weights' },
  figures: {
    weights: heatmap({
      title: 'Weights',
      rows: 'character that looks',
      columns: 'looked at',
      value: 'weight',
      span: 'half',
    }),
    looks: bars({ title: 'What the character looks at', value: 'weight' }),
    saliency: bars({ title: 'What its output depends on', value: '|gradient of |output|² / 2|' }),
    numbers: table({ title: 'Against float64', columns: { what: 'what', error: 'relative error' }, span: 'half' }),
    decode: bars({ title: 'One query over the cache', value: 'time', unit: 'ms', span: 'full' }),
  },
  kernels: ['attention', 'attentionWeights', 'attentionGradient', 'matmul'],
  memory: {
    bytes: ({ text: { length }, operands, heads, headSize, cache }) =>
      operands === undefined
        ? 4 * heads * (2 * length ** 2 + 16 * length * headSize) + 1100 * cache
        : [...operands.tensors.values()].reduce((sum, { values }) => sum + 24 * values.length, 2 ** 27) + 1100 * cache,
    lower: 'cache',
  },

  async *run({ device, params, frame, nextChange }) {
    const causal = params.causal === 'before';
    const model = await attend.textModel(device, { ...params, causal });
    const look = async () => ({
      weights: await attend.weightMap(device, model, params.head),
      looks: await attend.looksOf(device, model, params.token, params.head),
    });
    const depend = async () => ({ saliency: await attend.saliencyOf(device, model, params.token) });
    const count = model.labels.length;
    const what = `${String(count)} ${params.operands === undefined ? 'characters' : 'keys'}`;
    const status = (text: string, step: number) => ({ state: 'running' as const, text, step, steps: 4 });
    yield frame({ ...(await look()), status: status(`${what}: what the output depends on`, 1) });
    yield frame({ ...(await depend()), status: status('checking against float64', 2) });
    const errors = await attend.errorsOf(device, model);
    if (errors !== undefined) {
      const rows = [
        { what: 'flash, no scores stored', error: errors.flash },
        { what: 'naive, scores stored', error: errors.naive },
        { what: 'gradients, scores made again', error: errors.gradient },
      ];
      yield frame({ numbers: { rows, source: device.info.label }, status: status('one query over the cache', 3) });
    }
    const decode = await attend.decodeRace(device, params.cache, params.seed);
    const times = [
      { label: 'a workgroup per head', value: decode.wholeMs, highlight: decode.wholeMs < decode.splitMs },
      { label: 'keys split over workgroups', value: decode.splitMs, highlight: decode.splitMs <= decode.wholeMs },
    ];
    const text =
      errors === undefined ? what : `${what}: flash attention is ${errors.flash.toPrecision(2)} from float64`;
    yield frame({ decode: { bars: times }, status: { state: 'done', text, step: 4, steps: 4 } });
    while (await nextChange()) yield frame({ ...(await look()), ...(await depend()) });
    return { count, errors, decode };
  },

  claims: [
    {
      id: 'flash-is-exact',
      paper: 'flash-attention-2022',
      says: 'Flash attention is exact: its error is that of stored scores, for logits times 1, 4 and 16 (the worst of them).',
      preset: 'quick',
      expected: 'flash error / naive error <= 2',
      async measure({ errors }, run) {
        const sharper = [await run({ sharpness: 4 }), await run({ sharpness: 16 })];
        const all = [errors, ...sharper.map((result) => result.errors)];
        return Math.max(
          ...all.map((each) => (each === undefined ? Infinity : each.flash / Math.max(each.naive, 2 ** -24))),
        );
      },
      holds: (ratio) => ratio <= 2,
    },
    {
      id: 'gradients-are-exact',
      paper: 'flash-attention-2022',
      says: 'Scores that are made again instead of stored give the exact gradient.',
      preset: 'quick',
      expected: 'relative error <= 1e-5',
      measure: ({ errors }) => errors?.gradient ?? Number.NaN,
      holds: (error) => error <= 1e-5,
    },
    {
      id: 'splits-are-exact',
      paper: 'flash-decoding-2023',
      says: 'Attention over split keys, merged by maxima and sums, is attention.',
      preset: 'quick',
      expected: 'relative difference to flash <= 1e-5',
      measure: ({ decode }) => decode.error,
      holds: (error) => error <= 1e-5,
    },
    {
      id: 'splits-are-faster',
      paper: 'flash-decoding-2023',
      says: 'One query over a long cache is faster with the keys split over workgroups.',
      preset: 'long',
      expected: 'time of a workgroup per head / time of splits > 1',
      measure: ({ decode }) => decode.wholeMs / decode.splitMs,
      holds: (ratio) => ratio > 1,
    },
  ],
});
