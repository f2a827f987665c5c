/** Attention over tuples of keys and polynomial features: float64 reference, golden records, bad input. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import {
  contractRows,
  listMonomials,
  monomialCount,
  monomialFeatures,
  rowProducts,
} from '../../src/kernels/polynomial';
import { tensorAttention } from '../../src/kernels/tensor-attention';
import golden from '../golden/tensor-attention.json';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

interface Sizes {
  readonly queries: number;
  readonly counts: readonly number[];
  readonly dimension: number;
  readonly valueDimension: number;
}

function inputOf(device: Device, { queries, counts, dimension, valueDimension }: Sizes, bound = 1) {
  const draw = (rows: number, columns: number, seed: number) =>
    device.tensor(float32s(rows * columns, seed, -bound, bound), [rows, columns]);
  return {
    queries: draw(queries, dimension, 1),
    keys: counts.map((count, at) => draw(count, dimension, 2 + at)),
    values: counts.map((count, at) => draw(count, valueDimension, 12 + at)),
  };
}

const largestDifference = (actual: ArrayLike<number>, expected: ArrayLike<number>): number =>
  Array.from(actual).reduce((most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? NaN))), 0);

describe('tensorAttention', () => {
  it.each(golden.problems)('gives the golden record $id on both devices', async (record) => {
    for (const [device, tolerance] of [
      [cpu, 1e-14],
      [gpu, 1e-6],
    ] as const) {
      using _scope = device.scope();
      const input = {
        queries: device.tensor(record.Q, [record.n, record.d]),
        keys: [device.tensor(record.K1, [record.n1, record.d]), device.tensor(record.K2, [record.n2, record.d])],
        values: [device.tensor(record.V1, [record.n1, record.dv]), device.tensor(record.V2, [record.n2, record.dv])],
      };
      const result = await tensorAttention(input, { scale: record.scale }).read();
      expect(largestDifference(result, record.expected.output)).toBeLessThanOrEqual(tolerance);
    }
  });

  it.each([
    { queries: 1, counts: [1, 1], dimension: 1, valueDimension: 1 },
    { queries: 3, counts: [67, 5], dimension: 7, valueDimension: 3 },
    { queries: 2, counts: [131, 129], dimension: 4, valueDimension: 5 },
    { queries: 5, counts: [1, 200], dimension: 64, valueDimension: 64 },
    { queries: 2, counts: [5, 13, 11], dimension: 3, valueDimension: 2 },
    { queries: 3, counts: [1, 1, 1], dimension: 2, valueDimension: 1 },
  ])('agrees with float64 for $queries queries and $counts keys', async (sizes) => {
    for (const scale of [1, 16]) {
      using _gpu = gpu.scope();
      using _cpu = cpu.scope();
      const actual = await tensorAttention(inputOf(gpu, sizes, 2), { scale }).read();
      const expected = await tensorAttention(inputOf(cpu, sizes, 2), { scale }).read();
      // A logit of size L is rounded to L u times a few; the weights inherit that as a relative error, values are at most 8.
      const largestLogit = scale * sizes.dimension * 2 ** (1 + sizes.counts.length);
      expect(largestDifference(actual, expected)).toBeLessThanOrEqual(8 * (1e-6 + 8 * 6e-8 * largestLogit));
    }
  });

  it('is safe for logits far out', async () => {
    for (const size of [1e30, -1e30]) {
      using _scope = gpu.scope();
      const input = {
        queries: gpu.tensor([size], [1, 1]),
        keys: [gpu.tensor([1, 0.5], [2, 1]), gpu.tensor([1, 0.5], [2, 1])],
        values: [gpu.tensor([2, 3], [2, 1]), gpu.tensor([5, 7], [2, 1])],
      };
      expect(Array.from(await tensorAttention(input, { scale: 1 }).read())).toEqual([size > 0 ? 10 : 21]);
    }
  });

  it('names what does not fit', () => {
    const sizes = { queries: 2, counts: [3, 4], dimension: 2, valueDimension: 2 };
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const input = inputOf(device, sizes);
      const refused = (change: Partial<typeof input>, message: RegExp) => {
        expect(() => tensorAttention({ ...input, ...change })).toThrow(InvalidInputError);
        expect(() => tensorAttention({ ...input, ...change })).toThrow(message);
      };
      refused({ keys: input.keys.slice(0, 1), values: input.values.slice(0, 1) }, /two or three lists of keys, not 1/);
      refused({ keys: input.keys.slice(0, 1) }, /1 lists of keys and 2 of values/);
      refused({ values: [...input.values].reverse() }, /List 1 has keys \[3, 2\] and values \[4, 2\]/);
      refused({ queries: device.full([2, 3], 1) }, /with queries of 3 columns/);
      expect(() => tensorAttention(input, { scale: NaN })).toThrow(/scale must be a finite number/);
      const wide = inputOf(device, { ...sizes, dimension: 65 });
      expect(() => tensorAttention(wide)).toThrow(/at most 64 columns/);
    }
  });
});

describe('polynomial features', () => {
  it.each([
    [1, 5],
    [3, 4],
    [7, 2],
  ])('list the monomials in %i variables up to degree %i', (variables, degree) => {
    const monomials = listMonomials(variables, degree);
    expect(monomials.count).toBe(monomialCount(variables, degree));
    expect(monomials.factors.length).toBe(monomials.count * degree);
    // (1 + ... + 1)^j = variables^j, and each monomial is there once.
    for (let j = 0; j <= degree; j++) {
      const sum = monomials.multiplicities.reduce(
        (total, times, at) => total + (monomials.degrees[at] === j ? times : 0),
        0,
      );
      expect(sum).toBe(variables ** j);
    }
    const seen = new Set(
      Array.from({ length: monomials.count }, (_, at) =>
        monomials.factors.slice(at * degree, (at + 1) * degree).join(),
      ),
    );
    expect(seen.size).toBe(monomials.count);
  });

  it.each([
    [1, 1, 1],
    [5, 3, 4],
    [67, 2, 7],
    [3, 13, 2],
  ])('of %i rows, %i variables, degree %i agree with float64', async (rows, variables, degree) => {
    using _gpu = gpu.scope();
    using _cpu = cpu.scope();
    const { count, factors, multiplicities } = listMonomials(variables, degree);
    const run = (device: Device) =>
      monomialFeatures(
        device.tensor(float32s(rows * variables, 3, -2, 2), [rows, variables]),
        device.tensor(factors, [count, degree], 'u32'),
        device.tensor(multiplicities, [count]),
      ).read();
    const [actual, expected] = [await run(gpu), await run(cpu)];
    expected.forEach((value, at) => {
      expect(Math.abs((actual[at] ?? NaN) - value)).toBeLessThanOrEqual((degree + 1) * 2 ** -23 * Math.abs(value));
    });
  });

  it.each([
    [1, 1, 1],
    [5, 3, 7],
    [19, 17, 33],
  ])('row products and contractions of %i rows, %i and %i columns agree with float64', async (rows, p, q) => {
    using _gpu = gpu.scope();
    using _cpu = cpu.scope();
    const run = async (device: Device) => {
      const left = device.tensor(float32s(rows * p, 5), [rows, p]);
      const right = device.tensor(float32s(rows * q, 6), [rows, q]);
      const products = rowProducts(left, right);
      return [await products.read(), await contractRows(products, right).read()] as const;
    };
    const [actual, expected] = [await run(gpu), await run(cpu)];
    expect(largestDifference(actual[0], expected[0])).toBeLessThanOrEqual(2 ** -23);
    expect(largestDifference(actual[1], expected[1])).toBeLessThanOrEqual(q * q * 2 ** -23);
  });

  it('name what does not fit', () => {
    expect(() => listMonomials(64, 8)).toThrow(/more than 1,048,576: lower one of the two/);
    expect(() => listMonomials(0, 2)).toThrow(InvalidInputError);
    expect(() => listMonomials(2, 1.5)).toThrow(InvalidInputError);
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const x = device.full([2, 3], 1);
      expect(() => monomialFeatures(x, device.full([4, 2], 1), device.full([4], 1))).toThrow(/u32 factors/);
      expect(() => rowProducts(x, device.full([3, 3], 1))).toThrow(/as many rows on both sides/);
      expect(() => contractRows(x, device.full([2, 2], 1))).toThrow(/columns that the vectors divide/);
    }
  });
});
