/** Element-wise maps and the transpose: against float64, within what WGSL promises for each function. */
import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { affine, axpy, combine, map, type BinaryOperation, type UnaryOperation } from '../../src/kernels/elementwise';
import { transpose } from '../../src/kernels/transpose';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

/** One unit in the last place of a float32 near a number: WGSL's roundings go to either neighbour. */
const ulp = (x: number): number => 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x)))) - 23);

/** What WGSL allows f(x) to be off by. */
const allowance: Record<UnaryOperation, (x: number, y: number) => number> = {
  negate: () => 0,
  abs: () => 0,
  square: (_, y) => ulp(y),
  // Inherited from 1 / inverseSqrt(x): 2 ULP, and 2.5 for the division.
  sqrt: (_, y) => 5 * ulp(y),
  reciprocal: (_, y) => 2.5 * ulp(y),
  exp: (x, y) => (3 + 2 * Math.abs(x)) * ulp(y),
  log: (x, y) => (x >= 0.5 && x <= 2 ? 2 ** -21 : 3 * ulp(y)),
};

const sizes = [1, 2, 255, 256, 257, 1009];
const ranges: Record<UnaryOperation, [number, number]> = {
  negate: [-5, 5],
  abs: [-5, 5],
  square: [-5, 5],
  sqrt: [0.001, 9],
  reciprocal: [0.001, 9],
  exp: [-40, 40],
  log: [0.001, 9],
};

for (const operation of Object.keys(ranges) as UnaryOperation[]) {
  test(`map ${operation} is as accurate as WGSL promises, also in place`, async () => {
    for (const size of sizes) {
      using scope = gpu.scope();
      const numbers = float32s(size, size, ...ranges[operation]);
      const x = gpu.tensor(numbers, [size]);
      const exact = await map(cpu.tensor(numbers, [size]), operation).read();
      const result = await map(x, operation).read();
      exact.forEach((value, i) => {
        const off = Math.abs((result[i] ?? Number.NaN) - value);
        expect(off, `${operation}(${String(numbers[i])})`).toBeLessThanOrEqual(
          allowance[operation](numbers[i] ?? 0, value),
        );
      });
      expect(map(x, operation, { out: x })).toBe(x);
      expect(await x.read()).toEqual(result);
    }
  });
}

for (const operation of ['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum'] satisfies BinaryOperation[]) {
  test(`combine ${operation} is correctly rounded to a neighbour, also in place`, async () => {
    for (const size of sizes) {
      using scope = gpu.scope();
      const left = float32s(size, size, -3, 3);
      const right = float32s(size, size + 1, 0.25, 3);
      const exact = await combine(cpu.tensor(left, [size, 1]), cpu.tensor(right, [size, 1]), operation).read();
      const x = gpu.tensor(left, [size, 1]);
      const y = gpu.tensor(right, [size, 1]);
      const result = await combine(x, y, operation).read();
      const ulps = operation === 'divide' ? 2.5 : 1;
      exact.forEach((value, i) => {
        expect(Math.abs((result[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(ulps * ulp(value));
      });
      combine(x, y, operation, { out: x });
      expect(await x.read()).toEqual(result);
      expect(await y.read()).toEqual(right);
    }
  });
}

test('affine and axpy round at most twice', async () => {
  using scope = gpu.scope();
  const size = 1009;
  const [xs, ys] = [float32s(size, 5), float32s(size, 6)];
  const [x, y] = [gpu.tensor(xs, [size]), gpu.tensor(ys, [size])];
  const scale = Math.fround(-1.7);
  const offset = Math.fround(0.3);
  const moved = await affine(x, { scale, offset }).read();
  const added = await axpy(scale, x, y).read();
  xs.forEach((value, i) => {
    const product = scale * value;
    const other = ys[i] ?? 0;
    expect(Math.abs((moved[i] ?? Number.NaN) - (product + offset))).toBeLessThanOrEqual(
      ulp(product) + ulp(product + offset),
    );
    expect(Math.abs((added[i] ?? Number.NaN) - (product + other))).toBeLessThanOrEqual(
      ulp(product) + ulp(product + other),
    );
  });
  expect(await affine(x).read()).toEqual(xs);
  axpy(scale, x, y, { out: y });
  expect(await y.read()).toEqual(added);
  affine(x, { scale, offset, out: x });
  expect(await x.read()).toEqual(moved);
  const reference = await axpy(scale, cpu.tensor(xs, [size]), cpu.tensor(ys, [size])).read();
  expect(reference[7]).toBe(scale * (xs[7] ?? 0) + (ys[7] ?? 0));
});

test('a map of more than 65,535 workgroups is cut and complete', async () => {
  using scope = gpu.scope();
  const size = 65_536 * 256 + 3;
  const x = gpu.full([size], 0);
  affine(x, { scale: 2, offset: 0.5, out: x });
  affine(x, { scale: 2, offset: 0.25, out: x });
  const values = await x.read();
  expect(values.length).toBe(size);
  expect(values.every((value) => value === 1.25)).toBe(true);
});

describe('transpose', () => {
  test('moves every element of any shape and type', async () => {
    for (const [rows, columns] of [
      [1, 1],
      [1, 67],
      [67, 1],
      [16, 16],
      [17, 33],
      [131, 64],
    ] as const) {
      using scope = gpu.scope();
      const numbers = float32s(rows * columns, rows);
      const result = transpose(gpu.tensor(numbers, [rows, columns]));
      expect(result.shape).toEqual([columns, rows]);
      const reference = await transpose(cpu.tensor(numbers, [rows, columns])).read();
      expect(Array.from(await result.read())).toEqual(Array.from(reference));
      const integers = Uint32Array.from(numbers, (value) => value * 2 ** 32 + 2 ** 31);
      const back = transpose(transpose(gpu.tensor(integers, [rows, columns], 'u32')));
      expect(await back.read()).toEqual(integers);
    }
  });
});

describe('refuses', () => {
  test('shapes that differ, other element types, and an out that is only read', () => {
    using scope = gpu.scope();
    const x = gpu.full([4], 1);
    expect(() => combine(x, gpu.full([2, 2], 1), 'add')).toThrow(
      'combine needs tensors of one shape, but got [4] and [2, 2].',
    );
    expect(() => map(gpu.full([4], 1, 'u32'), 'exp')).toThrow('map works on f32 tensors, but one is u32.');
    const y = gpu.full([4], 2);
    expect(() => axpy(1, x, y, { out: x })).toThrow(InvalidInputError);
    expect(() => combine(x, y, 'add', { out: y })).toThrow('combine can be written over its x only');
    expect(() => combine(x, x, 'add', { out: x })).toThrow('not where both operands are the same tensor');
    expect(() => transpose(gpu.full([2, 3], 1), { out: gpu.full([2, 3], 1) })).toThrow(
      'The transpose needs another tensor of shape [3, 2]',
    );
  });
});
