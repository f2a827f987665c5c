/** What the sampling lab runs and shows: one categorical draw again and again, and two samplers of masked diffusion. */
import {
  exactNoise,
  exactSurprisal,
  sampleStatistics,
  type ExactNoise,
  type SampleStatistics,
} from '../algorithms/chain-statistics';
import {
  firstHitting,
  smallSteps,
  type CharacterChain,
  type DiffusionOptions,
  type DiffusionState,
} from '../algorithms/masked-diffusion';
import {
  drawSmallSteps,
  gridShares,
  sharesOf,
  surprisal,
  truncatedShares,
  type Drawn,
  type SmallStep,
} from '../algorithms/truncated-gumbel';
import { textLabels, type TextName } from '../data/texts';
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import type { Frames, LineFigure, LineFrame, TableFrame } from './frames';

/** The columns of the table of samplers. */
export const samplerColumns = {
  sampler: 'sampler',
  calls: 'denoiser calls',
  noises: 'Gumbel numbers',
  time: 'time, ms',
  distance: 'pairs: distance from the chain',
  deviations: '± exact noise',
  surprisal: 'surprisal, nats a letter',
  entropy: 'entropy of letters, nats',
} as const;

/** The columns of the table of texts. */
export const textColumns = { sampler: 'sampler', text: 'what it wrote' } as const;

const seriesOf = (noise: Drawn['noise'], bits: number): string =>
  noise === 'single' ? `${bits} bits, drawn` : 'precise, drawn';

/** What drawing words again and again came to. */
interface WordsDrawn {
  readonly single: Drawn;
  readonly precise: Drawn;
  /** The entropy of the words, and the surprisal that noise on its grid should give. */
  readonly exact: number;
  readonly predicted: number;
}

/** Draws words with noise of both kinds, and shows them beside what theory has. */
export async function* drawWords(
  device: Device,
  step: SmallStep,
  { bits, draws, seed }: { readonly bits: number; readonly draws: number; readonly seed: number },
): AsyncGenerator<WordFrames, WordsDrawn> {
  yield { histogram: predictedHistogram(step, bits), temperature: temperatureCurves(step.steps, bits) };
  const run = async function* (noise: Drawn['noise']): AsyncGenerator<WordFrames, Drawn> {
    const sort = noise === 'single' ? `noise of ${bits} bits` : 'precise noise';
    let last: Drawn | undefined;
    for await (const state of drawSmallSteps(device, step, { noise, bits, draws, seed })) {
      last = state;
      const text = `${state.words} words in ${state.draws} draws with ${sort}`;
      yield { status: { state: 'running', text, step: state.draws, steps: draws } };
    }
    if (last === undefined) throw new InvalidInputError('Drawing words needs at least one draw.', { field: 'words' });
    const temperature = { series: seriesOf(noise, bits), x: step.vocabulary, y: last.surprisal };
    yield { histogram: histogramOf(last, step, bits), temperature };
    return last;
  };
  const single = yield* run('single');
  const precise = yield* run('precise');
  const { words, step: shares } = sharesOf(step);
  const [exact, predicted] = [surprisal(words, words), surprisal(words, gridShares(shares, bits))];
  return { single, precise, exact, predicted };
}

type WordFrames = Frames<{ readonly histogram: LineFigure; readonly temperature: LineFigure }>;

/** How many words were drawn of those that should have been, by rank, in bins that double. */
function histogramOf({ noise, counts, draws }: Drawn, step: SmallStep, bits: number): LineFrame {
  const { step: shares } = sharesOf(step);
  return { series: seriesOf(noise, bits), ...ratiosOf(counts, shares, draws, step.vocabulary) };
}

/** The same as theory has it: with noise on its grid, and with continuous noise cut off. */
function predictedHistogram(step: SmallStep, bits: number): readonly LineFrame[] {
  const { step: shares } = sharesOf(step);
  const predicted = { grid: gridShares(shares, bits), 'continuous noise, cut off': truncatedShares(shares, bits) };
  return Object.entries(predicted).map(([name, drawn]) => ({
    series: name === 'grid' ? `${bits} bits, predicted` : name,
    ...ratiosOf(drawn, shares, 1, step.vocabulary),
  }));
}

function ratiosOf(drawn: ArrayLike<number>, shares: readonly number[], draws: number, vocabulary: number) {
  const x: number[] = [];
  const y: number[] = [];
  for (let first = 0; first < vocabulary; first = 2 * first + 1) {
    const end = Math.min(vocabulary, 2 * first + 1);
    let [found, expected] = [0, 0];
    for (let i = first; i < end; i++) {
      found += drawn[i] ?? 0;
      expected += draws * (shares[i] ?? 0);
    }
    x.push((first + 1 + end) / 2);
    y.push(found / expected);
  }
  return { x, y };
}

/** Surprisal of the words drawn against the size of the vocabulary, exact and under coarse noise. */
function temperatureCurves(steps: number, bits: number): readonly LineFrame[] {
  const series = new Map<string, { x: number[]; y: number[] }>();
  const add = (name: string, x: number, y: number): void => {
    const points = series.get(name) ?? { x: [], y: [] };
    points.x.push(x);
    points.y.push(y);
    series.set(name, points);
  };
  for (let vocabulary = 16; vocabulary <= 2 ** 16; vocabulary *= 4) {
    const { words, step } = sharesOf({ vocabulary, steps });
    add('exact', vocabulary, surprisal(words, words));
    for (const count of new Set([24, bits])) {
      add(`${count} bits, predicted`, vocabulary, surprisal(words, gridShares(step, count)));
    }
  }
  return [...series].map(([name, points]) => ({ series: name, ...points }));
}

/** What one sampler did. */
export interface SamplerResult extends SampleStatistics {
  readonly name: string;
  readonly state: DiffusionState;
  /** How far the distance is from that of exact samples, in their standard deviations. */
  readonly deviations: number;
}

/** A sampler at work, and at its end what it did. */
export interface SamplerStep {
  readonly name: string;
  readonly state: DiffusionState;
  readonly result?: SamplerResult;
}

/** A batch of sequences by each sampler in turn, with what exact sampling of so many gives. */
export async function* runSamplers(
  device: Device,
  chain: CharacterChain,
  {
    bits,
    steps,
    ...options
  }: Required<Pick<DiffusionOptions, 'batch' | 'length' | 'seed' | 'bits'>> & { readonly steps: number },
): AsyncGenerator<SamplerStep> {
  const exact = exactNoise(chain, options.batch, options.length, options.seed);
  const samplers = {
    'first hitting': () => firstHitting(device, chain, options),
    'small steps': () => smallSteps(device, chain, { ...options, steps }),
    [`small steps, ${bits} bits`]: () => smallSteps(device, chain, { ...options, steps, bits, noise: 'single' }),
  };
  // Kernels are compiled before the clock runs.
  const small = { ...options, length: 2, batch: 1 };
  await exhaust(firstHitting(device, chain, small));
  for (const noise of ['precise', 'single'] as const)
    await exhaust(smallSteps(device, chain, { ...small, steps: 1, noise }));
  for (const [name, sampler] of Object.entries(samplers)) {
    for await (const state of sampler()) {
      if (state.step < state.steps) yield { name, state };
      else yield { name, state, result: resultOf(name, chain, state, options.length, exact) };
    }
  }
}

async function exhaust(states: AsyncGenerator): Promise<void> {
  let next = await states.next();
  while (next.done !== true) next = await states.next();
}

function resultOf(
  name: string,
  chain: CharacterChain,
  state: DiffusionState,
  length: number,
  { mean, deviation }: ExactNoise,
): SamplerResult {
  const statistics = sampleStatistics(chain, state.tokens, length);
  return { ...statistics, name, state, deviations: (statistics.distance - mean) / deviation };
}

/** The share of hidden positions against the time that is left. */
export function hiddenShare({ name, state }: SamplerStep): LineFrame {
  const hidden = state.tokens.reduce((sum, token) => sum + (token >= hiddenToken ? 1 : 0), 0);
  return { series: name, x: state.step / state.steps, y: hidden / state.tokens.length };
}

const hiddenToken = 27;

/** A row per sampler. */
export function samplersOf(
  results: readonly SamplerResult[],
  chain: CharacterChain,
  text: TextName,
  length: number,
): TableFrame {
  const rows = results.map(({ name, state, distance, deviations, surprisal: mean, standardError, entropy }) => ({
    sampler: name,
    calls: state.steps,
    noises: state.noises,
    time: state.milliseconds,
    distance,
    deviations: `${deviations >= 0 ? '+' : '−'}${Math.abs(deviations).toFixed(1)} σ`,
    surprisal: `${mean.toFixed(3)} ± ${standardError.toFixed(3)}`,
    entropy,
  }));
  const exact = exactSurprisal(chain, length).toFixed(3);
  return {
    rows,
    source: `Letters of ${textLabels[text]} as a Markov chain; its exact surprisal is ${exact} nats a letter.`,
  };
}

/** The beginnings of what each sampler wrote. */
export function textsOf(steps: readonly SamplerStep[], length: number): TableFrame {
  const characters = ' abcdefghijklmnopqrstuvwxyz·';
  const rows = steps.map(({ name, state }) => ({
    sampler: name,
    text: Array.from(state.tokens.subarray(0, Math.min(96, 3 * length)), (token, i) =>
      i > 0 && i % length === 0 ? ` | ${characters[token] ?? '?'}` : (characters[token] ?? '?'),
    ).join(''),
  }));
  return { rows, source: 'A dot is a letter that is still hidden.' };
}
