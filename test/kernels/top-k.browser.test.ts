/** The best of each row and counts by bin, to the last element. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import type { ElementType } from '../../src/device';
import { histogram } from '../../src/kernels/histogram';
import { topK } from '../../src/kernels/top-k';
import golden from '../golden/onnx-primitives.json';
import { openReference, openTestDevice } from '../support/device';
import { inBothForms } from '../support/forms';
import { float32s, uniformSource } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();
type TestDevice = typeof gpu | typeof cpu;

describe('the best of each row', () => {
  inBothForms(gpu, () => {
    // Rows of one, rows that share a workgroup, chunks of 1,024 and of 4,096, two levels and three.
    it.each([
      { rows: 1, columns: 1, k: 1, type: 'f32' },
      { rows: 700, columns: 8, k: 2, type: 'f32' },
      { rows: 5, columns: 67, k: 67, type: 'i32' },
      { rows: 2, columns: 1024, k: 1024, type: 'f32' },
      { rows: 3, columns: 1025, k: 512, type: 'u32' },
      { rows: 2, columns: 70_001, k: 100, type: 'f32' },
    ] as const)('$k of $columns in $rows rows of $type', async ({ rows, columns, k, type }) => {
      const draw = uniformSource(columns);
      // Few different values: many ties, -0 beside 0.
      const values = Array.from({ length: rows * columns }, () =>
        Math.round(200 * draw() - (type === 'u32' ? 0 : 100)),
      );
      const numbers = values.map((value, i) => (type === 'f32' && value === 0 && i % 2 === 0 ? -0 : value));
      // Every pipeline takes its time to compile: the smallest where that is quick.
      for (const largest of columns > 100 ? [true] : [true, false]) {
        const run = async (device: TestDevice): Promise<number[][]> => {
          using _scope = device.scope();
          const found = topK(device.tensor(numbers, [rows, columns], type), k, { largest });
          expect(found.indices.shape).toEqual([rows, k]);
          return [Array.from(await found.values.read()), Array.from(await found.indices.read())];
        };
        expect(await run(gpu)).toEqual(await run(cpu));
      }
    });
  });

  it.each(golden.cases.filter(({ op }) => op === 'TopK'))(
    'agrees with ONNX: $id',
    async ({ inputs, outputs, attributes }) => {
      const [x, k] = inputs;
      if (x === undefined || k === undefined) throw new Error('The case has no input.');
      expect((attributes as { axis?: number }).axis).toBe(x.shape.length - 1);
      const type: ElementType = x.dtype === 'float32' ? 'f32' : x.dtype === 'uint64' ? 'u32' : 'i32';
      for (const device of [gpu, cpu]) {
        using _scope = device.scope();
        const found = topK(device.tensor(x.data, x.shape, type), k.data[0] ?? 0, {
          largest: (attributes as { largest?: number }).largest !== 0,
        });
        expect(Array.from(await found.values.read())).toEqual(outputs[0]?.data);
        expect(Array.from(await found.indices.read())).toEqual(outputs[1]?.data);
      }
    },
  );

  it('refuses k that a row does not have', () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      expect(() => topK(device.full([3, 8], 0), 9)).toThrow(InvalidInputError);
      expect(() => topK(device.full([3, 8], 0), 9)).toThrow(/from 1 to 8 for rows of 8, but is 9/);
      expect(() => topK(device.full([3, 8], 0), 0)).toThrow(InvalidInputError);
      expect(() => topK(device.full([1, 2000], 0), 513)).toThrow(/from 1 to 512.*radixSort/);
      expect(() => topK(device.full([1, 2, 3], 0), 1)).toThrow(/must be a matrix/);
    }
  });
});

describe('a histogram', () => {
  inBothForms(gpu, () => {
    it.each([
      { count: 1, bins: 1 },
      { count: 70_001, bins: 67 },
      { count: 40_009, bins: 4096 },
      { count: 5003, bins: 4097 },
    ])('of $count integers in $bins bins', async ({ count, bins }) => {
      using _scope = gpu.scope();
      const draw = uniformSource(count);
      const values = Array.from({ length: count }, () => Math.floor(draw() ** 2 * (bins + 3)));
      const actual = await histogram(gpu.tensor(values, [count], 'u32'), bins).read();
      expect(actual).toEqual(await histogram(cpu.tensor(values, [count], 'u32'), bins).read());
    });
  });

  it('of float32 numbers, without those outside', async () => {
    using _scope = gpu.scope();
    // Multiples of 1/64 in a range of 8 and 32 bins: every quotient is exact, ends and edges included.
    const values = float32s(9001, 3, -5, 5).map((value) => Math.round(64 * value) / 64);
    values.set([-4, 4, 3.984375, NaN, Infinity, -Infinity, 4.015625]);
    const range = [-4, 4] as const;
    const actual = await histogram(gpu.tensor(values, [9001]), 32, { range }).read();
    expect(actual).toEqual(await histogram(cpu.tensor(values, [9001]), 32, { range }).read());
    expect(Array.from(actual).reduce((sum, count) => sum + count, 0)).toBe(
      values.filter((value) => value >= -4 && value <= 4).length,
    );
  });

  it('refuses what it cannot count', () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      expect(() => histogram(device.full([3], 0, 'i32'), 4)).toThrow(InvalidInputError);
      expect(() => histogram(device.full([3], 0), 0)).toThrow(/bins must be an integer/);
      expect(() => histogram(device.full([3], 0), 4, { range: [1, 1] })).toThrow(/range of a histogram must ascend/);
    }
  });
});
