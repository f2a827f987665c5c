/** Attention through polynomial features against exact attention, on both devices and at the errors that are on record. */
import { describe, expect, it } from 'vitest';
import { exponentialPolynomial, polynomialAttention } from '../../src/algorithms/polynomial-attention';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { attention } from '../../src/kernels/attention';
import { tensorAttention } from '../../src/kernels/tensor-attention';
import golden from '../golden/tensor-attention.json';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

const largestDifference = (actual: ArrayLike<number>, expected: ArrayLike<number>): number =>
  Array.from(actual).reduce((most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? NaN))), 0);

function inputOf(device: Device, counts: readonly number[], dimension: number, bound: number) {
  const draw = (rows: number, seed: number) =>
    device.tensor(float32s(rows * dimension, seed, -bound, bound), [rows, dimension]);
  return {
    queries: draw(9, 1),
    keys: counts.map((count, at) => draw(count, 2 + at)),
    values: counts.map((count, at) => draw(count, 12 + at)),
  };
}

describe('polynomialAttention', () => {
  it.each(golden.problems)('has the recorded error on $id', async (record) => {
    for (const device of [cpu, gpu]) {
      for (const degree of [2, 4, 6, 8] as const) {
        using _scope = device.scope();
        const input = {
          queries: device.tensor(record.Q, [record.n, record.d]),
          keys: [device.tensor(record.K1, [record.n1, record.d]), device.tensor(record.K2, [record.n2, record.d])],
          values: [device.tensor(record.V1, [record.n1, record.dv]), device.tensor(record.V2, [record.n2, record.dv])],
        };
        const result = await polynomialAttention(input, { scale: record.scale, degree }).read();
        const recorded = record.taylor_reference[degree].max_abs_error;
        const error = largestDifference(result, record.expected.output);
        // Float32 adds its own rounding: sums of up to 495 terms.
        if (device === cpu) expect(Math.abs(error - recorded)).toBeLessThanOrEqual(1e-3 * recorded + 1e-15);
        else expect(Math.abs(error - recorded)).toBeLessThanOrEqual(0.02 * recorded + 1e-6);
      }
    }
  });

  it.each([
    { counts: [50], dimension: 3 },
    { counts: [12, 31], dimension: 2 },
    { counts: [7, 5, 6], dimension: 2 },
  ])('converges to exact attention over $counts keys', async ({ counts, dimension }) => {
    using _scope = cpu.scope();
    const input = inputOf(cpu, counts, dimension, 1);
    const [queries, keys, values] = [input.queries, input.keys[0], input.values[0]];
    if (keys === undefined || values === undefined) throw new Error('no lists');
    const scale = 1 / dimension;
    const exact = await (
      counts.length === 1 ? attention(queries, keys, values, { scale }) : tensorAttention(input)
    ).read();
    for (const approximation of ['taylor', 'chebyshev'] as const) {
      const errors: number[] = [];
      for (const degree of [2, 4, 8, 12]) {
        const result = await polynomialAttention(input, { degree, approximation, bound: 1 }).read();
        errors.push(largestDifference(result, exact));
      }
      expect(errors.every((error, at) => at === 0 || error < (errors[at - 1] ?? 0))).toBe(true);
      expect(errors.at(-1)).toBeLessThanOrEqual(1e-9);
    }
  });

  it('is the same on both devices', async () => {
    for (const counts of [[301], [67, 130], [5, 8, 13]]) {
      const run = async (device: Device) => {
        using _scope = device.scope();
        return await polynomialAttention(inputOf(device, counts, 3, 1), { degree: 6 }).read();
      };
      expect(largestDifference(await run(gpu), await run(cpu))).toBeLessThanOrEqual(2e-6);
    }
  });

  it('names what does not fit', () => {
    using _scope = cpu.scope();
    const input = inputOf(cpu, [3, 4], 2, 1);
    expect(() => polynomialAttention(input, { degree: 0 })).toThrow(InvalidInputError);
    expect(() => polynomialAttention(input, { degree: 2, approximation: 'chebyshev', bound: 0 })).toThrow(/bound/);
    expect(() => polynomialAttention({ ...input, values: input.values.slice(1) }, { degree: 2 })).toThrow(
      /2 lists of keys/,
    );
  });
});

describe('exponentialPolynomial', () => {
  it('by Chebyshev is closer to exp over the whole range than by Taylor', () => {
    for (const bound of [1, 3, 6]) {
      const worst = (coefficients: Float64Array): number => {
        let most = 0;
        for (let x = -bound; x <= bound; x += bound / 64) {
          const value = coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
          most = Math.max(most, Math.abs(value - Math.exp(x)));
        }
        return most;
      };
      expect(worst(exponentialPolynomial(8, 'chebyshev', bound))).toBeLessThan(
        worst(exponentialPolynomial(8, 'taylor')) / 10,
      );
    }
  });
});
