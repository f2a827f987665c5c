/** Reductions and softmax: derived error bounds, the same bits every time, and safe far out. */
import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import type { NumberArray } from '../../src/device';
import { reduceAll, reduceColumns, reduceRows, type Reduction } from '../../src/kernels/reduce';
import { serialTuning } from '../../src/kernels/serial';
import { softmaxRows } from '../../src/kernels/softmax';
import { openReference, openTestDevice, tuneTests } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

const reductions = ['sum', 'maximum', 'logSumExp'] as const satisfies readonly Reduction[];
const shapes = [
  [1, 1],
  [1, 2],
  [3, 5],
  [7, 67],
  [64, 64],
  [33, 257],
  [5, 1031],
  [2053, 3],
  [2, 66_001],
] as const;

/**
 * How far a result may be off. WGSL rounds to either neighbour, so one addition is off by up to 2^-23 of its result. A number
 * passes at most 256 additions in its lane and 8 in the tree, once per pass (at most two passes here). For logSumExp the sum's
 * relative error adds up with that of exp ((3 + 2 d) ULP, and d itself rounded: (3 + 3 d) e^-d <= 3.2 for all d >= 0), one more
 * for every rescaling, the logarithm's 2^-21 absolute or 3 ULP, and the last addition.
 */
function bound(values: readonly number[], result: number, reduction: Reduction): number {
  const step = 2 ** -23;
  const additions = 2 * (Math.min(256, values.length) + 8);
  switch (reduction) {
    case 'sum':
      return additions * step * values.reduce((sum, value) => sum + Math.abs(value), 0);
    case 'maximum':
      return 0;
    case 'logSumExp': {
      const largest = Math.max(
        ...values.slice(0, 1),
        ...values.slice(1, 2),
        values.reduce((most, value) => Math.max(most, value), -Infinity),
      );
      const logarithm = Math.abs(result - largest);
      return (additions + 3.2 * additions) * step + 2 ** -21 + 3 * step * logarithm + 4 * step * Math.abs(result);
    }
    default:
      return reduction satisfies never;
  }
}

function check(
  results: NumberArray,
  exact: NumberArray,
  groups: (index: number) => readonly number[],
  reduction: Reduction,
): void {
  expect(results.length).toBe(exact.length);
  exact.forEach((value, index) => {
    const off = Math.abs((results[index] ?? Number.NaN) - value);
    expect(off, `${reduction} ${String(index)}`).toBeLessThanOrEqual(bound(groups(index), value, reduction));
  });
}

for (const [reduction, serial] of reductions.flatMap((name) => [[name, 'true'] as const, [name, 'false'] as const])) {
  describe(`${reduction}, serial: ${serial}`, () => {
    tuneTests(gpu, serialTuning, serial);

    test('of rows, of columns and of everything is within its bound', async () => {
      for (const [rows, columns] of shapes) {
        using scope = gpu.scope();
        const numbers = float32s(rows * columns, rows + columns, -12, 6);
        const x = gpu.tensor(numbers, [rows, columns]);
        const y = cpu.tensor(numbers, [rows, columns]);
        const row = (index: number): number[] => Array.from(numbers.subarray(index * columns, (index + 1) * columns));
        const column = (index: number): number[] =>
          Array.from({ length: rows }, (_, i) => numbers[i * columns + index] ?? 0);
        check(await reduceRows(x, reduction).read(), await reduceRows(y, reduction).read(), row, reduction);
        // The last shape has 66,001 columns of two numbers: the first few say enough.
        const [byColumn, exactByColumn] = [
          await reduceColumns(x, reduction).read(),
          await reduceColumns(y, reduction).read(),
        ];
        check(byColumn.subarray(0, 1100), exactByColumn.subarray(0, 1100), column, reduction);
        check(
          await reduceAll(x, reduction).read(),
          await reduceAll(y, reduction).read(),
          () => Array.from(numbers),
          reduction,
        );
      }
    });

    test('gives the same bits twenty times', async () => {
      using scope = gpu.scope();
      const x = gpu.tensor(float32s(300 * 500, 8, -3, 3), [300, 500]);
      const [rows, columns, all] = [
        await reduceRows(x, reduction).read(),
        await reduceColumns(x, reduction).read(),
        await reduceAll(x, reduction).read(),
      ];
      for (let repeat = 0; repeat < 20; repeat++) {
        expect(await reduceRows(x, reduction).read()).toEqual(rows);
        expect(await reduceColumns(x, reduction).read()).toEqual(columns);
        expect(await reduceAll(x, reduction).read()).toEqual(all);
      }
    });
  });
}

test('a million numbers sum as well as blocks and a tree promise', async () => {
  using scope = gpu.scope();
  const count = 2 ** 20;
  const uniform = float32s(count, 20, 0, 1);
  const steep = float32s(count, 21, 0, 1).map((value) => Math.exp(-20 * value));
  // NUMERICS: 256 lanes and a tree were off by 1.8e-7 and 3.1e-6 of the sum; blocks of 256 must not be worse.
  for (const [numbers, allowed] of [
    [uniform, 1.8e-7],
    [steep, 3.1e-6],
  ] as const) {
    const exact = numbers.reduce((sum, value) => sum + value, 0);
    const [sum = Number.NaN] = await reduceAll(gpu.tensor(numbers, [count]), 'sum').read();
    expect(Math.abs(sum - exact) / exact).toBeLessThanOrEqual(allowed);
  }
});

test('logSumExp and softmax hold far out, and without an infinity', async () => {
  using scope = gpu.scope();
  for (const [numbers, expected] of [
    [
      [10_000, 10_001, 10_002, 10_003],
      [0.0320586, 0.0871443, 0.2368828, 0.6439142],
    ],
    [
      [1e30, 1e30, -1e30, 0],
      [0.5, 0.5, 0, 0],
    ],
    [
      [-1e30, -1e30, -1e30, -1e30],
      [0.25, 0.25, 0.25, 0.25],
    ],
    [
      [-1e30, 3, -1e30, 3],
      [0, 0.5, 0, 0.5],
    ],
  ] as const) {
    const x = gpu.tensor(numbers, [1, 4]);
    const softmax = await softmaxRows(x).read();
    expected.forEach((value, i) => {
      expect(Math.abs((softmax[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-6);
    });
    const [sum = Number.NaN] = await reduceRows(x, 'logSumExp').read();
    const [exact = Number.NaN] = await reduceRows(cpu.tensor(numbers, [1, 4]), 'logSumExp').read();
    expect(Math.abs(sum - exact)).toBeLessThanOrEqual(2 ** -21 + 2 ** -22 * Math.abs(exact));
  }
});

describe('softmax', () => {
  test('is within its bound of float64 and sums to one', async () => {
    for (const [rows, columns] of shapes) {
      using scope = gpu.scope();
      const numbers = float32s(rows * columns, rows * 3 + columns, -9, 9);
      const result = await softmaxRows(gpu.tensor(numbers, [rows, columns])).read();
      const exact = await softmaxRows(cpu.tensor(numbers, [rows, columns])).read();
      const step = 2 ** -23;
      for (let row = 0; row < rows; row++) {
        const values = numbers.subarray(row * columns, (row + 1) * columns);
        const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
        const ofSum = bound(Array.from(values), 0, 'logSumExp');
        let total = 0;
        values.forEach((value, column) => {
          const at = row * columns + column;
          const d = largest - value;
          const relative = (3 + 3 * d + 2.5) * step + ofSum;
          const off = Math.abs((result[at] ?? Number.NaN) - (exact[at] ?? 0));
          if (!(off <= relative * (exact[at] ?? 0) + 2 ** -126))
            expect.fail(`row ${String(row)}, column ${String(column)}: off by ${String(off)}`);
          total += result[at] ?? Number.NaN;
        });
        expect(Math.abs(total - 1)).toBeLessThanOrEqual((3 + 3 * 18 + 2.5) * step + ofSum);
      }
    }
  });

  test('gives the same bits twenty times', async () => {
    using scope = gpu.scope();
    const x = gpu.tensor(float32s(50 * 700, 9), [50, 700]);
    const first = await softmaxRows(x).read();
    for (let repeat = 0; repeat < 20; repeat++) expect(await softmaxRows(x).read()).toEqual(first);
  });
});

test('default limits and no feature are enough', async () => {
  const plain = await openTestDevice({ features: 'none' });
  using scope = plain.scope();
  const x = plain.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
  expect([...(await reduceRows(x, 'sum').read())]).toEqual([6, 15]);
  expect([...(await reduceColumns(x, 'maximum').read())]).toEqual([4, 5, 6]);
  expect([...(await reduceAll(x, 'sum', { out: plain.empty([1]) }).read())]).toEqual([21]);
});

test('refuses other element types, vectors as matrices, and an out that does not fit', () => {
  using scope = gpu.scope();
  const x = gpu.full([2, 3], 1);
  expect(() => reduceRows(gpu.full([6], 1), 'sum')).toThrow('x must be a matrix');
  expect(() => reduceAll(gpu.full([6], 1, 'i32'), 'sum')).toThrow(InvalidInputError);
  expect(() => reduceColumns(x, 'sum', { out: gpu.empty([2]) })).toThrow(
    'reduceColumns needs another f32 tensor of 3 elements as out.',
  );
  expect(() => softmaxRows(x, { out: x })).toThrow('softmaxRows needs another f32 tensor of shape [2, 3] as out.');
});
