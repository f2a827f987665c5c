/** Linear recurrences, real and complex, against float64, over one level and two. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { linearRecurrence } from '../../src/kernels/scan';
import { openReference, openTestDevice } from '../support/device';
import { inBothForms } from '../support/forms';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

/** WGSL leaves the rounding direction open: one operation may be off by a whole ULP. */
const ulp = 2 ** -23;
/**
 * Maps that are joined on the way to a number. In the form of GPUs: 16 in its invocation, 16 lanes, 16 groups, what came
 * before; in two levels. Where each lane works alone: a block of 256, its runs of 64, and those of the blocks' totals.
 */
const joined = (length: number, isSerial: boolean): number =>
  isSerial ? 256 + 64 + 4 + 64 + 2 : (length <= 4096 ? 1 : 2) * (3 * 16 + 2);

inBothForms(gpu, (isSerial) => {
  describe('a linear recurrence', () => {
    const cases = [
      { channels: 1, length: 1 },
      { channels: 7, length: 16 },
      { channels: 300, length: 17 },
      { channels: 3, length: 1031 },
      { channels: 2, length: 9001 },
    ];

    it.each(cases)('agrees with float64: $channels channels of $length steps', async ({ channels, length }) => {
      for (const isComplex of [false, true]) {
        for (const isConstant of [false, true]) {
          using _scope = gpu.scope();
          const tail = isComplex ? [2] : [];
          const shapeA = isConstant ? [channels, ...tail] : [channels, length, ...tail];
          const shapeB = [channels, length, ...tail];
          const size = (shape: readonly number[]): number => shape.reduce((product, axis) => product * axis, 1);
          // Pairs of at most 0.7 have a magnitude below 1.
          const most = isComplex ? 0.7 : 0.999;
          const a = float32s(size(shapeA), 11, -most, most);
          const b = float32s(size(shapeB), 12);
          const start = float32s(size([channels, ...tail]), 13);
          for (const reverse of [false, true]) {
            const run = (device: typeof gpu | typeof cpu) =>
              linearRecurrence(device.tensor(a, shapeA), device.tensor(b, shapeB), {
                reverse,
                ...(reverse ? { initial: device.tensor(start, [channels, ...tail]) } : {}),
              }).read();
            const [actual, expected] = [await run(gpu), await run(cpu)];
            // The recurrence of the magnitudes bounds every sum of products that goes into a number.
            const magnitude = (data: Float32Array): Float32Array =>
              isComplex
                ? Float32Array.from({ length: data.length / 2 }, (_, i) =>
                    Math.hypot(data[2 * i] ?? 0, data[2 * i + 1] ?? 0),
                  )
                : data.map(Math.abs);
            const magnitudes = await linearRecurrence(
              cpu.tensor(magnitude(a), isConstant ? [channels] : [channels, length]),
              cpu.tensor(magnitude(b), [channels, length]),
              { reverse, ...(reverse ? { initial: cpu.tensor(magnitude(start), [channels]) } : {}) },
            ).read();
            // Joining two maps takes products and a sum, each rounded: twice as many where the numbers are complex.
            const bound = joined(length, isSerial) * 3 * (isComplex ? 2 : 1) * 2 * ulp;
            expected.forEach((value, i) => {
              const scale = magnitudes[isComplex ? Math.floor(i / 2) : i] ?? NaN;
              const off = Math.abs((actual[i] ?? NaN) - value);
              if (!(off <= bound * scale)) expect.fail(`${String(i)}: ${String(actual[i])} for ${String(value)}`);
            });
          }
        }
      }
    });

    it('runs a vector, and stays exact where a = 1 counts', async () => {
      using _scope = gpu.scope();
      const h = await linearRecurrence(gpu.full([1], 1), gpu.full([10_000], 1)).read();
      expect(Array.from(h)).toEqual(Array.from({ length: 10_000 }, (_, t) => t + 1));
    });
  });
});

describe('bad input', () => {
  it('is refused', () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const cube = device.full([2, 3, 4], 0);
      expect(() => linearRecurrence(cube, cube)).toThrow(InvalidInputError);
      expect(() => linearRecurrence(device.full([4], 0), device.full([3, 4], 0))).toThrow(
        /or one for each channel, \[3\]/,
      );
      const b = device.full([3, 4], 0);
      expect(() => linearRecurrence(b, b, { initial: device.full([4], 0) })).toThrow(/initial has the shape \[4\]/);
      expect(() => linearRecurrence(b, device.full([3, 4], 0, 'u32'))).toThrow(InvalidInputError);
    }
  });
});
