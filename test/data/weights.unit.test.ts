import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizedWeights } from '../../src/data/weights';
import { InvalidInputError } from '../../src/device/errors';

describe('normalizedWeights', () => {
  it('keeps proportions and makes the sum one to float64 rounding', () => {
    const weight = fc.double({ min: 0, max: 1e300, noNaN: true });
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 200 }), (weights) => {
        fc.pre(weights.some((value) => value > 0));
        const result = normalizedWeights(weights, { normalize: true });
        const sum = result.reduce((total, value) => total + value, 0);
        // Each of n quotients and n sums rounds once.
        expect(Math.abs(sum - 1)).toBeLessThanOrEqual(4 * weights.length * Number.EPSILON);
        expect(result.every((value) => value >= 0)).toBe(true);
      }),
    );
  });

  it('accepts weights that were rounded to float32, zeros among them', () => {
    const weights = Float32Array.of(1 / 3, 1 / 3, 1 / 3, 0);
    expect(normalizedWeights(weights)).toEqual(Float64Array.of(1 / 3, 1 / 3, 1 / 3, 0));
  });

  it('does not change what it was given', () => {
    const weights = Float64Array.of(2, 2);
    normalizedWeights(weights, { normalize: true });
    expect(weights).toEqual(Float64Array.of(2, 2));
  });

  it.each([
    ['none', [], /are empty/, {}],
    ['a negative one', [0.5, 0.75, -0.25], /-0\.25 at index 2/, { index: 2 }],
    ['NaN', [0.5, NaN, 0.5], /NaN at index 1/, { index: 1 }],
    ['infinity', [Infinity, 1], /Infinity at index 0/, { index: 0 }],
    ['all zero', [0, 0], /are all zero/, { sum: 0 }],
  ])('refuses %s even when asked to normalize', (_, weights, message, details) => {
    for (const normalize of [false, true]) {
      const check = (): unknown => normalizedWeights(weights, { normalize });
      expect(check).toThrow(InvalidInputError);
      expect(check).toThrow(message);
      try {
        check();
      } catch (error) {
        expect(error).toMatchObject({ details });
      }
    }
  });

  it('refuses a sum other than one unless asked to normalize, and names the sum', () => {
    expect(() => normalizedWeights([0.5, 0.25], { name: 'source weights' })).toThrow(
      /source weights sum to 0\.75 instead of 1/,
    );
    expect(normalizedWeights([0.5, 0.25], { normalize: true })).toEqual(Float64Array.of(2 / 3, 1 / 3));
    expect(() => normalizedWeights([1e308, 1e308])).toThrow(InvalidInputError);
    expect(normalizedWeights([1e308, 1e308], { normalize: true })).toEqual(Float64Array.of(0.5, 0.5));
  });
});
