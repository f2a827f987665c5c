/**
 * What finite uniform numbers do to Gumbel-max sampling. With u a multiple of 2^-b below 1, the noise -log(-log u) never
 * exceeds b ln 2, so a class that needs more to win is never drawn. Masked diffusion draws between staying hidden, almost
 * certain in a small step, and each class of a vocabulary: exactly where this matters (Zheng et al. 2025).
 */
import type { Device } from '../device/device';
import { countCategories, sampleCategorical } from '../kernels/sampling';

/**
 * Probabilities of Gumbel-max under noise cut off at M = -log(-log(1 - 2^-bits)), the noise being continuous below: with
 * classes in ascending order and S_i the sum of those from i on, p_n = pi_n sum_{i <= n} (exp(-S_i e^-M / pi_i) -
 * exp(-S_i e^-M / pi_{i-1})) exp((K - i) e^-M) / S_i, where i counts from 0 (Zheng et al. 2025). Given and returned sums are 1.
 */
export function truncatedShares(shares: readonly number[], bits: number): number[] {
  const least = -Math.log1p(-(2 ** -bits));
  const order = shares.map((_, index) => index).sort((a, b) => (shares[a] ?? 0) - (shares[b] ?? 0));
  const result = new Array<number>(shares.length);
  let rest = 1;
  let factor = 0;
  let previous = 0;
  order.forEach((index, i) => {
    const share = shares[index] ?? 0;
    const below = (edge: number): number => (edge > 0 ? Math.exp((shares.length - i - rest / edge) * least) : 0);
    factor += (below(share) - below(previous)) / rest;
    result[index] = share * factor;
    rest -= share;
    previous = share;
  });
  return result;
}

/**
 * The same for noise on its grid: E = -log u takes the values k 2^-bits nearly enough, and wins against a competition of rate
 * 1 - pi with probability sum_k 2^-bits exp(-k x), x = 2^-bits (1 - pi) / pi. That is pi x / (e^x - 1), more than continuous
 * noise would leave: the grid's first step carries the weight of the whole step. For u = 0, probability 2^-bits, even the largest
 * class loses. Good to a few percent of each share where one class has most of the weight.
 */
export function gridShares(shares: readonly number[], bits: number): number[] {
  const step = 2 ** -bits;
  const largest = shares.indexOf(shares.reduce((a, b) => Math.max(a, b), 0));
  const others = 1 - (shares[largest] ?? 1);
  const result = shares.map((share, index) => {
    if (index === largest) return 0;
    const x = (step * (1 - share)) / share;
    return share * (x / Math.expm1(x) + step / others);
  });
  result[largest] = 1 - result.reduce((sum, share) => sum + share, 0);
  return result;
}

/** One small step of masked diffusion at a single position. */
export interface SmallStep {
  /** Words of the vocabulary; word i has a share in proportion to 1 / (i + 1). */
  readonly vocabulary: number;
  /** Of how many steps this is one: the position stays hidden with probability 1 - 1 / steps. */
  readonly steps: number;
}

/** The shares of the words, and those of the words and of staying hidden (the last) in one step. */
export function sharesOf({ vocabulary, steps }: SmallStep): { readonly words: number[]; readonly step: number[] } {
  const raw = Array.from({ length: vocabulary }, (_, i) => 1 / (i + 1));
  const total = raw.reduce((sum, value) => sum + value, 0);
  const words = raw.map((value) => value / total);
  return { words, step: [...words.map((share) => share / steps), 1 - 1 / steps] };
}

/** The mean of -log of a word's true share, over words drawn with other shares: their entropy where the two are the same. */
export function surprisal(words: readonly number[], drawn: readonly number[]): number {
  const total = drawn.slice(0, words.length).reduce((sum, share) => sum + share, 0);
  return words.reduce((sum, share, i) => sum - ((drawn[i] ?? 0) / total) * Math.log(share), 0);
}

/** What was drawn so far by one kind of noise. */
export interface Drawn {
  readonly noise: 'single' | 'precise';
  /** How often each word was drawn. */
  readonly counts: Uint32Array;
  /** Words drawn in all, and draws, most of which stayed hidden. */
  readonly words: number;
  readonly draws: number;
  /** Mean of -log of the true share of the words drawn, and its standard error. */
  readonly surprisal: number;
  readonly standardError: number;
  readonly milliseconds: number;
}

/** Scores that one batch draws, at most. */
const scoresPerBatch = 2 ** 24;

/** Draws the outcome of a small step again and again, with noise of one kind, and shows where it stands after each batch. */
export async function* drawSmallSteps(
  device: Device,
  step: SmallStep,
  {
    draws,
    ...options
  }: { readonly noise: 'single' | 'precise'; readonly bits: number; readonly draws: number; readonly seed: number },
): AsyncGenerator<Drawn> {
  using _scope = device.scope();
  const { words, step: shares } = sharesOf(step);
  const logits = device.tensor(shares.map(Math.log), [1, shares.length]);
  const counts = device.full([shares.length], 0, 'u32');
  const batch = Math.max(1, Math.min(draws, Math.floor(scoresPerBatch / shares.length)));
  const start = performance.now();
  for (let done = 0, stream = 0; done < draws; stream++) {
    const count = Math.min(batch, draws - done);
    {
      using _batch = device.scope();
      countCategories(sampleCategorical(logits, { ...options, stream, draws: count }), shares.length, { into: counts });
      await device.finish();
    }
    done += count;
    yield summarize(options.noise, words, Uint32Array.from(await device.read(counts)), done, performance.now() - start);
  }
}

function summarize(
  noise: Drawn['noise'],
  shares: readonly number[],
  all: Uint32Array,
  draws: number,
  milliseconds: number,
): Drawn {
  const counts = all.subarray(0, shares.length);
  const words = counts.reduce((sum, count) => sum + count, 0);
  const mean = surprisal(shares, Array.from(counts));
  const squares = shares.reduce((sum, share, i) => sum + (counts[i] ?? 0) * (Math.log(share) + mean) ** 2, 0);
  const standardError = Math.sqrt(squares / Math.max(1, words - 1) / Math.max(1, words));
  return { noise, counts, words, draws, surprisal: mean, standardError, milliseconds };
}
