/** Categorical sampling: what few random bits do to a draw, and masked diffusion by small steps and by first hits. */
import { chainOfText } from '../../algorithms/masked-diffusion';
import { loadText, textLabels } from '../../data/texts';
import { atLeast } from '../bounds';
import { atStandard, defineLab, follow } from '../define';
import { line, logarithmic, table } from '../frames';
import { choice, integer, seed } from '../parameters';
import * as show from '../sampling-report';

const bitsHelp = 'Of each uniform number: 24 as float32, 11 as float16, 8 as bfloat16.';
const span = 'half';
const wordsHelp = 'Words to draw, on average, out of draws that mostly stay hidden.';

export default defineLab({
  id: 'sampling',
  title: 'Sampling with too few bits',
  family: 'attention',
  summary:
    'A rare word needs a large Gumbel number, and float32 has none above 16.6. Masked diffusion draws rare events all the time: see what is lost, and how jumping from hit to hit avoids it.',
  papers: ['masked-diffusion-2025'],
  params: {
    vocabulary: integer({ label: 'vocabulary', min: 16, max: 2 ** 16, scale: 'log', default: 4096, unit: 'words' }),
    steps: integer({ label: 'steps', help: 'Of masked diffusion.', min: 16, max: 8192, scale: 'log', default: 512 }),
    bits: integer({ label: 'bits', help: bitsHelp, min: 6, max: 24, default: 16 }),
    words: integer({ label: 'words', help: wordsHelp, min: 32, max: 8192, scale: 'log', default: 400 }),
    text: choice({ label: 'letters of', options: textLabels, default: 'movies' }),
    length: integer({ label: 'sequence length', min: 4, max: 256, scale: 'log', default: 64 }),
    batch: integer({ label: 'sequences', min: 8, max: 1024, scale: 'log', default: 64 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '11 bits', params: { vocabulary: 64, steps: 256, bits: 11, words: 128, length: 32, batch: 64 } },
    standard: { label: '16 bits', params: { bits: 16 } },
    float32: { label: 'float32', params: { vocabulary: 2 ** 15, steps: 1024, bits: 24, length: 128, batch: 128 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'histogram' },
  figures: {
    histogram: line({
      title: 'Drawn of what should be',
      x: 'rank of the word',
      y: 'drawn / due',
      ...logarithmic,
      span,
    }),
    temperature: line({ title: 'Surprisal of the words drawn', x: 'vocabulary', y: 'nats', xScale: 'log', span }),
    samplers: table({ title: 'Masked diffusion', columns: show.samplerColumns }),
    hidden: line({ title: 'Hidden letters', x: 'share of the steps done', y: 'share hidden', span }),
    texts: table({ title: 'Texts', columns: show.textColumns, span }),
  },
  kernels: ['sampleCategorical', 'countCategories', 'maskedChainLogits', 'revealTokens'],
  memory: {
    bytes: ({ batch, length, vocabulary }) => 4 * (32 * batch * length + 729 * length + 4 * vocabulary) + 2 ** 26,
    lower: 'batch',
  },

  async *run({ device, params, frame }) {
    const { vocabulary, steps, bits, text, length, seed } = params;
    // A processor draws a million numbers a second.
    const effort = device.kind === 'reference' ? 1 / 16 : 1;
    const draws = Math.ceil(effort * params.words * steps);
    const words = yield* follow(show.drawWords(device, { vocabulary, steps }, { bits, draws, seed }), frame);

    const chain = chainOfText(await loadText(text));
    const samplers: show.SamplerResult[] = [];
    const latest = new Map<string, show.SamplerStep>();
    const batch = Math.max(8, Math.ceil(effort * params.batch));
    for await (const state of show.runSamplers(device, chain, { batch, length, seed, bits, steps })) {
      latest.set(state.name, state);
      if (state.result) samplers.push(state.result);
      const { step, steps } = state.state;
      yield frame({
        hidden: show.hiddenShare(state),
        texts: show.textsOf([...latest.values()], length),
        samplers: show.samplersOf(samplers, chain, text, length),
        status: { state: 'running', text: `${state.name}: step ${step} of ${steps}`, step, steps },
      });
    }
    const [hitting, stepping] = samplers;
    const speed = (stepping?.state.milliseconds ?? NaN) / (hitting?.state.milliseconds ?? NaN);
    const lost = (words.exact - words.single.surprisal).toFixed(2);
    const done = `${bits} bits cost ${lost} nats a word; first hits are ${speed.toFixed(0)} times as fast`;
    yield frame({ status: { state: 'done', text: done } });
    return { ...words, hitting, stepping, speed };
  },

  claims: [
    {
      id: 'hits-are-exact',
      paper: 'masked-diffusion-2025',
      says: 'The first-hitting sampler draws from the model: distance of its letter pairs, in deviations of exact samples.',
      ...atStandard,
      expected: '|z| <= 4',
      measure: ({ hitting }) => hitting?.deviations ?? NaN,
      holds: (deviations) => Math.abs(deviations) <= 4,
    },
    {
      id: 'hits-are-steps',
      paper: 'masked-diffusion-2025',
      says: 'It draws what small steps draw: difference of the surprisals, in standard errors.',
      ...atStandard,
      expected: '|z| <= 4',
      measure: ({ hitting: a, stepping: b }) =>
        a && b ? (a.surprisal - b.surprisal) / Math.hypot(a.standardError, b.standardError) : NaN,
      holds: (z) => Math.abs(z) <= 4,
    },
    {
      id: 'hits-are-fast',
      paper: 'masked-diffusion-2025',
      says: 'First hits are about 20 times as fast as small steps.',
      preset: 'float32',
      quick: 'quick',
      ...atLeast(20, 'times'),
      measure: ({ speed }) => speed,
    },
    {
      id: 'bits-lower-temperature',
      paper: 'masked-diffusion-2025',
      says: 'Uniform numbers of the preset’s bits (24 as in float32, or 11) favour common words: surprisal lost, in standard errors.',
      preset: 'float32',
      quick: 'quick',
      ...atLeast(5),
      measure: ({ single, exact }) => (exact - single.surprisal) / single.standardError,
    },
    {
      id: 'loss-as-predicted',
      paper: 'masked-diffusion-2025',
      says: 'The loss is what the noise’s largest values predict: difference of the surprisals, in standard errors.',
      preset: 'float32',
      quick: 'quick',
      expected: '|z| <= 4',
      measure: ({ single, predicted }) => (single.surprisal - predicted) / single.standardError,
      holds: (z) => Math.abs(z) <= 4,
    },
    {
      id: 'precise-is-right',
      paper: 'masked-diffusion-2025',
      says: 'With noise of 64 bits nothing is lost: difference of the surprisal from the entropy, in standard errors.',
      preset: 'float32',
      quick: 'quick',
      expected: '|z| <= 4',
      measure: ({ precise, exact }) => (precise.surprisal - exact) / precise.standardError,
      holds: (z) => Math.abs(z) <= 4,
    },
  ],
});
