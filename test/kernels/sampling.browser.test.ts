/** Categorical sampling: the same draws on every device, the right frequencies, noise that ends where it should; exact posteriors. */
import { describe, expect, test } from 'vitest';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { maskedChainLogits, revealTokens } from '../../src/kernels/masked-chain';
import { Philox } from '../../src/kernels/random';
import { countCategories, gumbelNoise, sampleCategorical } from '../../src/kernels/sampling';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

describe('sampleCategorical', () => {
  // One class, primes, both sides of a block, and of 8, 64 and 256 invocations an item.
  test.each([
    [1, 1, 5],
    [3, 2, 7],
    [5, 31, 1],
    [2, 67, 13],
    [2, 521, 3],
    [1, 5003, 2],
  ])('draws what the reference draws: %i rows, %i classes, %i draws', async (rows, classes, draws) => {
    using _scope = gpu.scope();
    const numbers = float32s(rows * classes, rows + classes, -4, 4);
    for (const noise of ['precise', 'single'] as const) {
      const options = { seed: 4294967295, stream: 3, noise, draws };
      const made = await sampleCategorical(gpu.tensor(numbers, [rows, classes]), options).read();
      const exact = await sampleCategorical(cpu.tensor(numbers, [rows, classes]), options).read();
      expect(made.length).toBe(rows * draws);
      made.forEach((index, item) => {
        const row = Math.floor(item / draws);
        const score = (at: number): number => (numbers[row * classes + at] ?? NaN) + gumbelNoise(options, item, at);
        // A different class is right too if its score is the same in float32: scores are below 32, their noise good to 4 ULP.
        if (index !== exact[item]) expect(score(exact[item] ?? 0) - score(index)).toBeLessThanOrEqual(32 * 2 ** -22);
      });
    }
  });

  test('draws classes as often as they should be, and one of -1e30 never', async () => {
    using _scope = gpu.scope();
    const shares = [0.5, 0.25, 0, 0.125, 0.0625, 0.0625];
    const logits = shares.map((share) => (share > 0 ? Math.log(share) + 7 : -1e30));
    const draws = 20_000;
    for (const noise of ['precise', 'single'] as const) {
      const samples = sampleCategorical(gpu.tensor(logits, [1, 6]), { seed: 11, noise, draws });
      const counts = await countCategories(samples, 6).read();
      expect(Array.from(counts).reduce((sum, count) => sum + count, 0)).toBe(draws);
      // Chi-square of four degrees of freedom: above 23.5 once in ten thousand.
      const chi = shares.reduce(
        (sum, share, i) => (share > 0 ? sum + ((counts[i] ?? 0) - draws * share) ** 2 / (draws * share) : sum),
        0,
      );
      expect(counts[2]).toBe(0);
      expect(chi).toBeLessThan(23.5);
    }
  });

  test('noise of few bits ends at b ln 2, precise noise does not', async () => {
    using _scope = gpu.scope();
    // Class 1 wins where its noise exceeds that of class 0 by 6: with 6 bits it never exceeds 4.16, and class 0 has -1.43 at least.
    const logits = gpu.tensor([6, 0], [1, 2]);
    const draws = 40_000;
    const count = async (noise: 'single' | 'precise'): Promise<number> =>
      (await countCategories(sampleCategorical(logits, { seed: 2, noise, bits: 6, draws }), 2).read())[1] ?? NaN;
    const due = draws / (1 + Math.exp(6));
    expect(Math.abs((await count('precise')) - due)).toBeLessThan(5 * Math.sqrt(due));
    // P(noise of class 1 > 6 + noise of class 0) by summing over both grids; u = 0 of class 0 is what is left of it.
    const grid = Array.from({ length: 63 }, (_, k) => -Math.log(-Math.log((k + 1) / 64)));
    const pairs = grid.reduce((sum, high) => sum + 1 + grid.filter((low) => high > 6 + low).length, 0);
    const expected = (draws * pairs) / 64 ** 2;
    expect(Math.abs((await count('single')) - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });

  test('precise noise has the tails of a Gumbel number', () => {
    const [low, high]: [number[], number[]] = [[], []];
    for (let i = 0; i < 20_000; i++) {
      const noise = gumbelNoise({ seed: 5 }, i, i % 3);
      if (noise > 5) high.push(noise - 5);
      if (noise < -1.5) low.push(noise);
    }
    // Above 5: 1 - exp(-e^-5) of all, beyond that exponentially falling with mean 1.
    const due = -20_000 * Math.expm1(-Math.exp(-5));
    expect(Math.abs(high.length - due)).toBeLessThan(5 * Math.sqrt(due));
    const mean = high.reduce((sum, value) => sum + value, 0) / high.length;
    expect(Math.abs(mean - 1)).toBeLessThan(5 / Math.sqrt(high.length));
    const rare = 20_000 * Math.exp(-Math.exp(1.5));
    expect(Math.abs(low.length - rare)).toBeLessThan(5 * Math.sqrt(rare));
  });

  test('refuses bits, draws, seeds and outs that make no sense', () => {
    for (const device of [gpu, cpu] as readonly Device[]) {
      using _scope = device.scope();
      const logits = device.full([2, 3], 0);
      expect(() => sampleCategorical(logits, { seed: 1, bits: 25 })).toThrow('bits to be a whole number from 1 to 24');
      expect(() => sampleCategorical(logits, { seed: 1, draws: 0 })).toThrow(InvalidInputError);
      expect(() => sampleCategorical(logits, { seed: -1 })).toThrow(InvalidInputError);
      expect(() => sampleCategorical(logits, { seed: 1, out: device.empty([3], 'u32') })).toThrow(
        '2 u32 elements as out',
      );
      expect(() => countCategories(logits, 3)).toThrow('countCategories counts u32 samples, not f32.');
      const samples = device.full([4], 7, 'u32');
      expect(() => countCategories(samples, 3, { into: device.empty([2], 'u32') })).toThrow(InvalidInputError);
    }
  });
});

test('counts add up, and what is no class is left out', async () => {
  using _scope = gpu.scope();
  const random = new Philox(8);
  const samples = Uint32Array.from({ length: 1021 }, () => random.integer(9));
  const counts = countCategories(gpu.tensor(samples, [1021], 'u32'), 7);
  countCategories(gpu.tensor(samples, [1021], 'u32'), 7, { into: counts });
  const expected = Array.from({ length: 7 }, (_, i) => 2 * samples.filter((sample) => sample === i).length);
  expect(Array.from(await counts.read())).toEqual(expected);
});

describe('maskedChainLogits', () => {
  const [classes, length, batch] = [3, 6, 40];
  const transitions = [0.7, 0.2, 0.1, 0.1, 0.6, 0.3, 0.4, 0.2, 0.4];
  const times = (a: number[], b: number[], rows: number): number[] =>
    Array.from({ length: rows * classes }, (_, i) =>
      Array.from(
        { length: classes },
        (_unused, k) => (a[Math.floor(i / classes) * classes + k] ?? 0) * (b[k * classes + (i % classes)] ?? 0),
      ).reduce((sum, value) => sum + value, 0),
    );
  let stationary = [1 / 3, 1 / 3, 1 / 3];
  for (let step = 0; step < 100; step++) stationary = times(stationary, transitions, 1);
  const powers: number[] = new Array<number>(9).fill(0);
  for (let distance = 1, power = transitions; distance <= length; distance++) {
    powers.push(...power.map(Math.log));
    power = times(power, transitions, 3);
  }
  const chainOn = (device: Device) => ({
    powers: device.tensor(powers, [length + 1, classes, classes]),
    stationary: device.tensor(stationary.map(Math.log), [classes]),
  });
  const random = new Philox(21);
  const tokens = Uint32Array.from({ length: batch * length }, () => random.integer(6)).map((token) =>
    Math.min(3, token),
  );

  /** The conditional by listing every sequence. */
  function byListing(row: readonly number[], position: number): number[] {
    const totals = new Array<number>(classes).fill(0);
    for (let code = 0; code < classes ** length; code++) {
      const full = row.map((_, i) => Math.floor(code / classes ** i) % classes);
      if (row.some((token, i) => token < classes && i !== position && token !== full[i])) continue;
      let share = stationary[full[0] ?? 0] ?? 0;
      for (let i = 1; i < length; i++) share *= transitions[(full[i - 1] ?? 0) * classes + (full[i] ?? 0)] ?? 0;
      totals[full[position] ?? 0] = (totals[full[position] ?? 0] ?? 0) + share;
    }
    const sum = totals.reduce((a, b) => a + b, 0);
    return totals.map((total) => total / sum);
  }

  test('is the conditional of the chain, by listing all sequences', async () => {
    for (const device of [gpu, cpu] as readonly Device[]) {
      using _scope = device.scope();
      const stay = 0.9;
      const on = device.tensor(tokens, [batch, length], 'u32');
      const all = await maskedChainLogits(on, chainOn(device), { stay }).read();
      const positions = Uint32Array.from({ length: 2 * batch }, (_, i) => (i < batch ? 0 : i % length));
      const chosen = device.tensor(positions, [2, batch], 'u32');
      const one = await maskedChainLogits(on, chainOn(device), { positions: chosen, event: 1 }).read();
      for (let sequence = 0; sequence < batch; sequence++) {
        const row = Array.from(tokens.subarray(sequence * length, (sequence + 1) * length));
        row.forEach((token, position) => {
          const first = (sequence * length + position) * (classes + 1);
          const shares = Array.from(all.subarray(first, first + classes + 1), Math.exp);
          const exact =
            token < classes
              ? row.map((_, i) => (i === token ? 1 : 0)).slice(0, 3)
              : byListing(row, position).map((share) => 0.1 * share);
          [...exact, token < classes ? 0 : stay].forEach((share, i) => {
            expect(Math.abs((shares[i] ?? NaN) - share)).toBeLessThanOrEqual(1e-6);
          });
        });
        const picked = (batch + sequence) % length;
        byListing(row, picked).forEach((share, i) => {
          expect(Math.abs(Math.exp(one[sequence * classes + i] ?? NaN) - share)).toBeLessThanOrEqual(1e-6);
        });
      }
    }
  });

  test('revealed samples are where their event says', async () => {
    for (const device of [gpu, cpu] as readonly Device[]) {
      using _scope = device.scope();
      const hidden = device.full([2, 4], 3, 'u32');
      const positions = device.tensor([0, 1, 3, 2], [2, 2], 'u32');
      revealTokens(hidden, device.tensor([1, 2], [2], 'u32'), positions, 1);
      expect([...(await hidden.read())]).toEqual([3, 3, 3, 1, 3, 3, 2, 3]);
      expect(() => revealTokens(hidden, device.full([3], 0, 'u32'), positions, 1)).toThrow(InvalidInputError);
      expect(() => maskedChainLogits(hidden, chainOn(device), { stay: 1 })).toThrow(InvalidInputError);
    }
  });
});
