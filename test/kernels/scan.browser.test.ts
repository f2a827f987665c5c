/** Prefix sums and prefix maxima against float64, over one level, two and three. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import type { ElementType } from '../../src/device';
import { prefixMax, prefixSum } from '../../src/kernels/scan';
import golden from '../golden/onnx-primitives.json';
import { openReference, openTestDevice } from '../support/device';
import { inBothForms } from '../support/forms';
import { float32s, uniformSource } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

/** WGSL leaves the rounding direction open: one operation may be off by a whole ULP. */
const ulp = 2 ** -23;
/**
 * Operations that a number passes at most. In a level of the form of GPUs: 16 in its invocation, 16 lanes, 16 groups, and
 * joining what came before; there is one for each 4,096. Where each lane works alone: runs of 64, up to 32 of them in a
 * block, and the same for the totals.
 */
const depth = (columns: number, isSerial: boolean): number =>
  isSerial ? 2 * (64 + 32 + 2) : (columns <= 4096 ? 1 : columns <= 4096 ** 2 ? 2 : 3) * (3 * 16 + 2);

/** Around 16 elements of an invocation, 4,096 of a workgroup, runs of 64, blocks of 256; many rows, many blocks. */
const shapes = [
  [1],
  [1, 1],
  [3, 2],
  [300, 1],
  [259, 17],
  [5, 257],
  [3, 1028],
  [2, 4096],
  [3, 4097],
  [1, 70_001],
  [70_001, 2],
] as const;

function numbers(count: number, type: ElementType): number[] {
  if (type === 'f32') return Array.from(float32s(count, count));
  const draw = uniformSource(count);
  const least = type === 'i32' ? -(2 ** 31) : 0;
  return Array.from({ length: count }, () => Math.floor(draw() * 2 ** 32) + least);
}

inBothForms(gpu, (isSerial) => {
  describe.each(['f32', 'u32', 'i32'] as const)('a prefix sum of %s', (type) => {
    it('agrees with float64, integers to the last bit', async () => {
      // Signed integers differ from unsigned ones in their name only.
      for (const shape of type === 'i32' ? shapes.slice(0, 6) : shapes) {
        using _scope = gpu.scope();
        const columns = shape.at(-1) ?? 1;
        const data = numbers(
          shape.reduce<number>((product, axis) => product * axis, 1),
          type,
        );
        const forward = { exclusive: type === 'u32' };
        for (const options of [forward, { exclusive: !forward.exclusive, reverse: true }]) {
          const actual = await prefixSum(gpu.tensor(data, shape, type), options).read();
          const expected = await prefixSum(cpu.tensor(data, shape, type), options).read();
          if (type !== 'f32') {
            expect(actual).toEqual(expected);
            continue;
          }
          // |x| < 1: the sums of magnitudes are at most the position.
          expected.forEach((value, i) => {
            const bound = depth(columns, isSerial) * ulp * (columns === 1 ? 1 : Math.min(columns, i + 1 + columns));
            if (!(Math.abs((actual[i] ?? NaN) - value) <= bound))
              expect.fail(
                `${shape.join(' x ')}, element ${String(i)}: ${String(actual[i])} instead of ${String(value)}`,
              );
          });
        }
      }
    });
  });

  it('finds prefix maxima exactly', async () => {
    for (const type of ['f32', 'u32', 'i32'] as const) {
      for (const shape of [[1], [2, 9001]] as const) {
        using _scope = gpu.scope();
        const data = numbers(
          shape.reduce<number>((product, axis) => product * axis, 1),
          type,
        );
        for (const reverse of [type === 'f32']) {
          const actual = await prefixMax(gpu.tensor(data, shape, type), { reverse }).read();
          expect(Array.from(actual)).toEqual(
            Array.from(await prefixMax(cpu.tensor(data, shape, type), { reverse }).read()),
          );
        }
      }
    }
  });

  it('scans 2^24 numbers and a bit', async () => {
    using _scope = gpu.scope();
    const count = 2 ** 24 + 5;
    const sums = await prefixSum(gpu.full([count], 3, 'u32')).read();
    for (const k of [0, 4095, 4096, 8192, 2 ** 23, 2 ** 24 - 1, 2 ** 24, count - 1]) expect(sums[k]).toBe(3 * (k + 1));
    expect(sums.every((sum, k) => sum === 3 * (k + 1))).toBe(true);
  });

  it('adds a million numbers in float32 as well as trees do', async () => {
    using _scope = gpu.scope();
    const data = float32s(2 ** 20, 3, 0, 1);
    const sums = await prefixSum(gpu.tensor(data, [data.length])).read();
    const expected = await prefixSum(cpu.tensor(data, [data.length])).read();
    // All terms are positive: the relative error is at most the depth.
    const worst = Float64Array.from(expected).reduce(
      (most, sum, k) => Math.max(most, Math.abs((sums[k] ?? NaN) / sum - 1)),
      0,
    );
    expect(worst).toBeLessThan(depth(data.length, isSerial) * ulp);
    expect(worst).toBeLessThan(1e-6);
  });
});

it.each(golden.cases.filter(({ op }) => op === 'CumSum'))(
  'agrees with ONNX: $id',
  async ({ inputs, outputs, attributes }) => {
    using _scope = gpu.scope();
    const [x, axis] = inputs;
    if (x === undefined || axis === undefined) throw new Error('The case has no input.');
    const { exclusive = 0, reverse = 0 } = attributes as { exclusive?: number; reverse?: number };
    const along = ((axis.data[0] ?? 0) + x.shape.length) % x.shape.length;
    const type = x.dtype === 'int32' ? 'i32' : 'f32';
    for (const device of [gpu, cpu]) {
      const options = { axis: along as 0 | 1, exclusive: exclusive === 1, reverse: reverse === 1 };
      const actual = await prefixSum(device.tensor(x.data, x.shape, type), options).read();
      outputs[0]?.data.forEach((value, i) => {
        expect(Math.abs((actual[i] ?? NaN) - value)).toBeLessThanOrEqual(1e-6 + 1e-4 * Math.abs(value));
      });
    }
  },
);

inBothForms(gpu, () => {
  it('scans the columns of a matrix', async () => {
    using _scope = gpu.scope();
    const data = numbers(37 * 53, 'i32');
    const actual = await prefixSum(gpu.tensor(data, [37, 53], 'i32'), { axis: 0, exclusive: true }).read();
    expect(actual).toEqual(await prefixSum(cpu.tensor(data, [37, 53], 'i32'), { axis: 0, exclusive: true }).read());
    expect(actual[53]).toBe(data[0]);
  });
});

describe('bad input', () => {
  it('is refused', () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const cube = device.full([2, 3, 4], 0);
      expect(() => prefixSum(cube)).toThrow(InvalidInputError);
      expect(() => prefixSum(device.full([3], 0), { axis: 1 })).toThrow(/axis asked for/);
      expect(() => prefixSum(device.full([3], 0), { out: device.full([4], 0) })).toThrow(/as out/);
    }
  });
});
