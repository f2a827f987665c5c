import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { Philox, philox4x32 } from '../../src/kernels/random';

const word = fc.integer({ min: 0, max: 0xffffffff });

describe('philox4x32', () => {
  // Random123, tests/kat_vectors, lines "philox4x32 10".
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('gives the published answer for counter %j and key %j', (counter, key, answer) => {
    expect(philox4x32(counter, key)).toEqual(answer);
  });
});

describe('Philox', () => {
  it('is a function of seed and stream alone', () => {
    fc.assert(
      fc.property(word, word, (seed, stream) => {
        const a = new Philox(seed, stream);
        const b = new Philox(seed, stream);
        const draws = Array.from({ length: 9 }, () => a.word());
        expect(Array.from({ length: 9 }, () => b.word())).toEqual(draws);
        expect(draws.slice(0, 4)).toEqual(philox4x32([0, 0, 0, 0], [seed, stream]));
        expect(draws.slice(4, 8)).toEqual(philox4x32([1, 0, 0, 0], [seed, stream]));
      }),
    );
  });

  it('draws uniform numbers that float32 holds exactly, with the moments of U(0, 1)', () => {
    const random = new Philox(7);
    const draws = Array.from({ length: 40_000 }, () => random.uniform());
    expect(draws.every((value) => value >= 0 && value < 1 && Math.fround(value) === value)).toBe(true);
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    // Five standard errors: sqrt(1/12) / sqrt(40000).
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / draws.length));
  });

  it('draws normal numbers with mean 0, variance 1 and kurtosis 3', () => {
    const random = new Philox(8, 3);
    const draws = Array.from({ length: 40_000 }, () => random.normal());
    const moment = (power: number): number => draws.reduce((sum, value) => sum + value ** power, 0) / draws.length;
    // Standard errors of the sample moments of N(0, 1): sqrt(1/n), sqrt(2/n), sqrt(96/n).
    expect(Math.abs(moment(1))).toBeLessThan(5 * Math.sqrt(1 / draws.length));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / draws.length));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / draws.length));
  });

  it('draws integers below any bound, as the exact product says', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 1, max: 2 ** 32 }), (seed, below) => {
        const bits = new Philox(seed).word();
        expect(new Philox(seed).integer(below)).toBe(Number((BigInt(bits) * BigInt(below)) >> 32n));
      }),
    );
  });

  it('shuffles: every item stays, and every order of three comes up about equally often', () => {
    const random = new Philox(5);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const items = ['a', 'b', 'c'];
      random.shuffle(items);
      const order = items.join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    // Five standard deviations of a binomial with p = 1/6.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt((6000 * 5) / 36));
  });

  it('samples different items out of a population, all of them where so many are wanted', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 1, max: 300 }), fc.nat(300), (seed, population, wanted) => {
        const count = Math.min(wanted, population);
        const drawn = new Philox(seed).sample(count, population);
        expect(new Set(drawn).size).toBe(count);
        expect(drawn.every((item) => item < population)).toBe(true);
      }),
    );
    expect([...new Philox(1).sample(100, 100)].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('samples every item equally often', () => {
    const counts = new Array<number>(10).fill(0);
    for (let seed = 0; seed < 4000; seed++) {
      for (const item of new Philox(seed).sample(3, 10)) counts[item] = (counts[item] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1200)).toBeLessThan(5 * Math.sqrt(4000 * 0.3 * 0.7));
  });

  it.each([-1, 0.5, 2 ** 32, NaN])('refuses the seed and the stream %s', (value) => {
    expect(() => new Philox(value)).toThrow(InvalidInputError);
    expect(() => new Philox(0, value)).toThrow(/The stream must be a whole number/);
  });

  it('refuses bounds and counts that make no sense', () => {
    const random = new Philox(0);
    expect(() => random.integer(0)).toThrow(InvalidInputError);
    expect(() => random.integer(2 ** 32 + 1)).toThrow(InvalidInputError);
    expect(() => random.sample(4, 3)).toThrow(/Cannot draw 4 different items out of 3/);
  });
});
