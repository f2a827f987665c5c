/** Rows gathered, scattered and added up by index, and reductions of segments, against the reference. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { gatherRows, scatterAddRows, scatterRows } from '../../src/kernels/gather';
import { segmentedReduce, type SegmentReduction } from '../../src/kernels/segments';
import { openReference, openTestDevice } from '../support/device';
import { inBothForms } from '../support/forms';
import { float32s, uniformSource } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();
type TestDevice = typeof gpu | typeof cpu;

const ulp = 2 ** -23;
const indicesOf = (count: number, below: number, seed: number): number[] => {
  const draw = uniformSource(seed);
  return Array.from({ length: count }, () => Math.floor(draw() * below));
};

/** Around the tile of 32 columns and 8 rows; a row of one number; more rows than 65,535 workgroups of one row. */
const shapes = [
  { rows: 1, width: 1, count: 1 },
  { rows: 37, width: 31, count: 67 },
  { rows: 5, width: 65, count: 9 },
  { rows: 300, width: 1, count: 70_001 },
] as const;

it.each(shapes)('gathers and scatters rows: $rows x $width, $count indices', async ({ rows, width, count }) => {
  const x = float32s(rows * width, 1);
  // Some indices name no row.
  const indices = indicesOf(count, rows + 2, 2);
  const order = Array.from({ length: rows }, (_, i) => i).sort((i, j) => Math.sin(i) - Math.sin(j));
  const run = async (device: TestDevice) => {
    using _scope = device.scope();
    const gathered = gatherRows(device.tensor(x, [rows, width]), device.tensor(indices, [count], 'u32'));
    const out = device.full([rows + 1, width], 7);
    const places = order.map((place, i) => (i === rows - 1 ? rows + 5 : place));
    scatterRows(device.tensor(x, [rows, width]), device.tensor(places, [rows], 'u32'), out);
    return [Array.from(await gathered.read()), Array.from(await out.read())];
  };
  expect(await run(gpu)).toEqual(await run(cpu));
});

it('gathers elements of a vector of any type', async () => {
  using _scope = gpu.scope();
  const picked = gatherRows(gpu.tensor([5, -6, 7], [3], 'i32'), gpu.tensor([2, 1, 9], [3], 'u32'));
  expect(picked.shape).toEqual([3]);
  expect(Array.from(await picked.read())).toEqual([7, -6, 0]);
});

inBothForms(gpu, () => {
  it('adds rows up by index, the same bits every time', async () => {
    for (const { rows, width, count } of [
      { rows: 1, width: 1, count: 1 },
      { rows: 9, width: 70, count: 401 },
      { rows: 1000, width: 3, count: 2500 },
    ]) {
      using _scope = gpu.scope();
      const x = float32s(count * width, 3);
      const indices = indicesOf(count, rows + 1, 4);
      const run = async (device: TestDevice, numbers: Float32Array) =>
        scatterAddRows(device.tensor(numbers, [count, width]), device.tensor(indices, [count], 'u32'), rows).read();
      const [actual, again, expected] = [await run(gpu, x), await run(gpu, x), await run(cpu, x)];
      const magnitudes = await run(cpu, x.map(Math.abs));
      expect(again).toEqual(actual);
      expected.forEach((value, i) => {
        // At most 256 additions in a row, one for each block, eight in the tree.
        expect(Math.abs((actual[i] ?? NaN) - value)).toBeLessThanOrEqual(266 * ulp * (magnitudes[i] ?? 0));
      });
    }
  });

  describe.each(['sum', 'mean', 'maximum', 'minimum'] as const)('the %s of segments', (reduction: SegmentReduction) => {
    it.each([
      { lengths: [1], width: 1 },
      { lengths: [0, 3, 0, 0, 17, 1, 300, 0], width: 5 },
      { lengths: Array.from({ length: 700 }, (_, i) => i % 3), width: 1 },
      { lengths: [70_001, 2], width: 3 },
      { lengths: [4, 9, 0], width: 67 },
    ])('agrees with the reference: width $width', async ({ lengths, width }) => {
      using _scope = gpu.scope();
      const offsets = lengths.reduce<number[]>((ends, length) => [...ends, (ends.at(-1) ?? 0) + length], [0]);
      const rows = Math.max(1, offsets.at(-1) ?? 0);
      const x = float32s(rows * width, 5);
      const order = Array.from({ length: rows }, (_, i) => (i * 7919) % rows);
      for (const options of [false, true]) {
        const run = (device: TestDevice, numbers: Float32Array) =>
          segmentedReduce(
            device.tensor(numbers, [rows, width]),
            device.tensor(offsets, [offsets.length], 'u32'),
            reduction,
            options ? { order: device.tensor(order, [rows], 'u32') } : {},
          ).read();
        const [actual, expected] = [await run(gpu, x), await run(cpu, x)];
        const isExact = reduction === 'maximum' || reduction === 'minimum';
        const magnitudes = await run(cpu, x.map(Math.abs));
        // Blocks of 256, up to 274 of them in one lane, the tree, and a division of 2.5 ULP.
        const bound = isExact ? 0 : (Math.min(256, rows) + rows / 256 + 8 + 3) * ulp;
        expected.forEach((value, i) => {
          const off = Math.abs((actual[i] ?? NaN) - value);
          if (!(off <= bound * Math.abs(magnitudes[i] ?? 0)))
            expect.fail(`${String(i)}: ${String(actual[i])}, ${String(value)}`);
        });
      }
    });
  });
});

describe('bad input', () => {
  it('is refused', () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const x = device.full([4, 3], 1);
      const indices = device.full([4], 0, 'u32');
      expect(() => gatherRows(x, device.full([4], 0))).toThrow(/indices must be a u32 vector/);
      expect(() => gatherRows(device.full([2, 2, 2], 0), indices)).toThrow(InvalidInputError);
      expect(() => gatherRows(x, indices, { out: x })).toThrow(/as out/);
      expect(() => scatterRows(x, device.full([3], 0, 'u32'), device.full([9, 3], 0))).toThrow(/3 indices for 4 rows/);
      expect(() => scatterRows(x, indices, device.full([9, 4], 0))).toThrow(/as wide as those of x/);
      expect(() => scatterAddRows(x, indices, 0)).toThrow(InvalidInputError);
      expect(() => segmentedReduce(x, device.full([1], 0, 'u32'), 'sum')).toThrow(/at least 2/);
      expect(() => segmentedReduce(device.full([4], 0, 'u32'), indices, 'sum')).toThrow(/f32 tensors/);
    }
  });
});
