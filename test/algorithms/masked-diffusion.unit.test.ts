/** Masked diffusion on the reference device, the theory of truncated noise, and statistics that find what is wrong. */
import { describe, expect, test } from 'vitest';
import { exactNoise, exactSequences, exactSurprisal, sampleStatistics } from '../../src/algorithms/chain-statistics';
import { chainOfText, firstHitting, hittingTimes, smallSteps } from '../../src/algorithms/masked-diffusion';
import {
  drawSmallSteps,
  gridShares,
  sharesOf,
  surprisal,
  truncatedShares,
} from '../../src/algorithms/truncated-gumbel';
import { openReferenceDevice } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { Philox } from '../../src/kernels/random';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('truncated noise', () => {
  const shares = [0.9375, 0.03, 0.02, 0.01, 0.0015, 0.001];

  test('has the shares that integrating over the winning score gives', () => {
    for (const bits of [4, 8, 12]) {
      const cut = -Math.log(-Math.log1p(-(2 ** -bits)));
      const distribution = (x: number): number => (x >= cut ? 1 : Math.exp(Math.exp(-cut) - Math.exp(-x)));
      const density = (x: number): number => (x >= cut ? 0 : Math.exp(Math.exp(-cut) - Math.exp(-x) - x));
      const exact = shares.map((share, n) => {
        // The midpoint rule up to the edge of the class's own support; its kinks are the edges of the others.
        const [low, high, points] = [-12, cut + Math.log(share), 200_000];
        let total = 0;
        for (let i = 0; i < points; i++) {
          const x = low + ((i + 0.5) * (high - low)) / points;
          let factor = density(x - Math.log(share));
          shares.forEach((other, j) => (factor *= j === n ? 1 : distribution(x - Math.log(other))));
          total += (factor * (high - low)) / points;
        }
        return total;
      });
      const closed = truncatedShares(shares, bits);
      expect(Math.abs(sum(closed) - 1)).toBeLessThan(1e-9);
      closed.forEach((share, i) => {
        expect(Math.abs(share - (exact[i] ?? NaN))).toBeLessThan(1e-6);
      });
    }
  });

  test('on its grid has the shares that summing over all grid points gives, to a few percent', () => {
    for (const bits of [10, 12]) {
      const count = 2 ** bits;
      // P(E / share > t) with E = -log(1 - k / count), k = 1 ... count, the last one infinite.
      const survival = (share: number, t: number): number =>
        1 - Math.floor(-count * Math.expm1(-t * share) + 1e-7) / count;
      const exact = shares.map((share, n) => {
        let total = 0;
        for (let k = 1; k < count; k++) {
          const t = -Math.log1p(-k / count) / share;
          total += shares.reduce((product, other, j) => (j === n ? product : product * survival(other, t)), 1 / count);
        }
        return total;
      });
      gridShares(shares, bits).forEach((share, i) => {
        expect(Math.abs(share / (exact[i] ?? NaN) - 1)).toBeLessThan(0.06);
      });
    }
  });

  test('changes nothing where bits are many, and lowers the surprisal where they are few', () => {
    const { words, step } = sharesOf({ vocabulary: 50, steps: 10 });
    const exact = surprisal(words, words);
    for (const shareOf of [gridShares, truncatedShares]) {
      expect(Math.abs(surprisal(words, shareOf(step, 24)) - exact)).toBeLessThan(1e-3);
      const losses = [20, 14, 12, 10, 8].map((bits) => exact - surprisal(words, shareOf(step, bits)));
      losses.forEach((loss, i) => {
        expect(loss).toBeGreaterThan(losses[i - 1] ?? 0);
      });
    }
  });

  test('float32 loses more than a nat with a vocabulary of 32,768 and 1,024 steps', () => {
    const { words, step } = sharesOf({ vocabulary: 2 ** 15, steps: 1024 });
    expect(surprisal(words, words) - surprisal(words, gridShares(step, 24))).toBeGreaterThan(1);
  });

  test('is drawn as predicted', async () => {
    const step = { vocabulary: 32, steps: 16 };
    const { words, step: shares } = sharesOf(step);
    const expected = { single: surprisal(words, gridShares(shares, 8)), precise: surprisal(words, words) };
    for (const noise of ['single', 'precise'] as const) {
      let last;
      for await (const drawn of drawSmallSteps(openReferenceDevice(), step, { noise, bits: 8, draws: 8000, seed: 5 }))
        last = drawn;
      expect(last?.draws).toBe(8000);
      expect(Math.abs((last?.surprisal ?? NaN) - expected[noise])).toBeLessThan(
        4 * (last?.standardError ?? NaN) + 0.03,
      );
    }
  });
});

describe('first hits', () => {
  test('come at times that are, together, uniform', () => {
    const random = new Philox(3);
    const [length, runs] = [9, 4000];
    const means = new Float64Array(length);
    for (let run = 0; run < runs; run++) {
      const times = hittingTimes(length, random);
      times.forEach((time, i) => {
        expect(time).toBeLessThanOrEqual(times[i - 1] ?? 1);
        means[i] = (means[i] ?? 0) + time / runs;
      });
    }
    // The k-th largest of n uniform numbers has mean (n + 1 - k) / (n + 1) and variance below 1 / (4 (n + 2)).
    means.forEach((mean, i) => {
      expect(Math.abs(mean - (length - i) / (length + 1))).toBeLessThan(5 * Math.sqrt(1 / (4 * (length + 2) * runs)));
    });
  });
});

describe('samplers', () => {
  const chain = chainOfText(
    'A chain of letters knows only which letter it is at, and draws the next one from those that followed it before. ' +
      'What it writes looks like language from far away: vowels come after consonants, words end where words tend to end, ' +
      'and nothing in it means anything. That is enough for a test, because its probabilities are known exactly.',
  );
  const [batch, length] = [48, 10];
  const exact = exactNoise(chain, batch, length, 1);

  test('a chain of text has rows that sum to one and a distribution that stays', () => {
    const size = chain.characters.length;
    expect(size).toBe(27);
    chain.stationary.forEach((share, column) => {
      const row = chain.transitions.subarray(column * size, (column + 1) * size);
      expect(Math.abs(sum(Array.from(row)) - 1)).toBeLessThan(1e-12);
      const next = chain.stationary.reduce((total, s, i) => total + s * (chain.transitions[i * size + column] ?? 0), 0);
      expect(Math.abs(next - share)).toBeLessThan(1e-12);
    });
    expect(() => chainOfText('1!')).toThrow(InvalidInputError);
  });

  test.each([
    ['first hitting', () => firstHitting(openReferenceDevice(), chain, { batch, length, seed: 3 })],
    ['small steps', () => smallSteps(openReferenceDevice(), chain, { batch, length, seed: 3, steps: 96 })],
  ])('%s draws from the chain', async (_, sampler) => {
    let last;
    for await (const state of sampler()) last = state;
    if (last === undefined) throw new Error('The sampler ended without a state.');
    expect(last.step).toBe(last.steps);
    expect(last.tokens.every((token) => token < 27)).toBe(true);
    const { distance, surprisal: mean, standardError } = sampleStatistics(chain, last.tokens, length);
    expect(Math.abs(distance - exact.mean) / exact.deviation).toBeLessThan(4);
    expect(Math.abs(mean - exactSurprisal(chain, length)) / standardError).toBeLessThan(4);
  });

  test('the statistics tell letters that do not follow each other', () => {
    const random = new Philox(9);
    const good = exactSequences(chain, batch, length, random);
    random.shuffle(good);
    const shuffled = sampleStatistics(chain, good, length);
    expect((shuffled.distance - exact.mean) / exact.deviation).toBeGreaterThan(4);
    expect((shuffled.surprisal - exactSurprisal(chain, length)) / shuffled.standardError).toBeGreaterThan(4);
  });
});
