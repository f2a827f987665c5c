/** Softmax in all its ways: 5e-7 of float64 for any length and range, safe far out, the same bits every time. */
import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import type { NumberArray } from '../../src/device';
import { serialTuning } from '../../src/kernels/serial';
import { softmaxMethods, softmaxRows } from '../../src/kernels/softmax';
import { openReference, openTestDevice, tuneTests } from '../support/device';
import { float32s, uniformSource } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

const shiftedMethods = softmaxMethods.filter((method) => method !== 'unshifted');
// One, primes, both sides of a quad, of a lane, of what one workgroup holds, and rows that are split over workgroups.
const shapes = [
  [1, 1],
  [2053, 3],
  [7, 67],
  [33, 257],
  [2, 4096],
  [3, 4097],
  [2, 65_537],
] as const;
const smallestNormal = 2 ** -126;
const bound = 5e-7;

/** Logits of several kinds, all within 10,000 of zero. */
function logitsOf(kind: string, count: number): Float32Array<ArrayBuffer> {
  switch (kind) {
    case 'uniform on ±10':
      return float32s(count, count, -10, 10);
    case 'uniform on ±60':
      return float32s(count, count + 1, -60, 60);
    case 'uniform on ±10,000':
      return float32s(count, count + 2, -1e4, 1e4);
    case 'near 10,000':
      return float32s(count, count + 3, 9980, 1e4);
    case 'near -10,000':
      return float32s(count, count + 4, -1e4, -9960);
    case 'all the same':
      return new Float32Array(count).fill(-37.625);
    case 'rising':
      return Float32Array.from({ length: count }, (_, i) => -80 + (120 * i) / count);
    default: {
      // One far above all others, then a plateau: sums of equal terms show a bias of the exponential.
      const draw = uniformSource(count);
      return Float32Array.from({ length: count }, (_, i) => (i === 0 ? 33.3 : draw() < 0.5 ? 20.21 : 12.7));
    }
  }
}
const kinds = [
  'uniform on ±10',
  'uniform on ±60',
  'uniform on ±10,000',
  'near 10,000',
  'near -10,000',
  'all the same',
  'rising',
  'a peak and two plateaus',
];

/** The largest relative error of values above the normal range; below it, values must be below it too. */
function largestError(results: NumberArray, exact: NumberArray): number {
  let worst = 0;
  exact.forEach((value, index) => {
    const result = results[index] ?? Number.NaN;
    if (value >= smallestNormal) worst = Math.max(worst, Math.abs(result / value - 1));
    else if (!(result >= 0 && result <= smallestNormal * (1 + bound))) worst = Infinity;
    if (Number.isNaN(result)) worst = Infinity;
  });
  return worst;
}

const million = logitsOf('uniform on ±10', 2 ** 20);
const exactMillion = await softmaxRows(cpu.tensor(million, [1, million.length])).read();

const forms = ['true', 'false'].flatMap((serial) => shiftedMethods.map((method) => ({ method, serial })));

describe.each(forms)('softmaxRows $method, serial: $serial', ({ method, serial }) => {
  tuneTests(gpu, serialTuning, serial);

  test.each(kinds)('is within 5e-7 of float64 for logits %s', async (kind) => {
    for (const [rows, columns] of shapes) {
      using _scope = gpu.scope();
      const logits = logitsOf(kind, rows * columns);
      const result = await softmaxRows(gpu.tensor(logits, [rows, columns]), { method }).read();
      const exact = await softmaxRows(cpu.tensor(logits, [rows, columns])).read();
      expect(largestError(result, exact), `${String(rows)} x ${String(columns)}`).toBeLessThanOrEqual(bound);
    }
  });

  test('holds for a row of a million', async () => {
    using _scope = gpu.scope();
    const result = await softmaxRows(gpu.tensor(million, [1, million.length]), { method }).read();
    expect(largestError(result, exactMillion)).toBeLessThanOrEqual(bound);
  });

  test('takes logits of 1e30 and -1e30, in short rows and in long ones', async () => {
    using _scope = gpu.scope();
    for (const [logits, expected] of [
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
      [
        [1e38, -1e38, -1e38, -1e38],
        [1, 0, 0, 0],
      ],
    ] as const) {
      for (const length of [5, 8197]) {
        const row = new Float32Array(length).fill(-1e38);
        row.set(logits);
        const result = await softmaxRows(gpu.tensor(row, [1, length]), { method }).read();
        expect([...result.subarray(0, 4)]).toEqual(expected);
        expect(result.subarray(4).every((value) => value === 0)).toBe(true);
      }
    }
  });

  test('gives the same bits ten times, short and long', async () => {
    using _scope = gpu.scope();
    for (const [rows, columns] of [
      [50, 257],
      [2, 9001],
    ] as const) {
      const x = gpu.tensor(float32s(rows * columns, 9), [rows, columns]);
      const first = await softmaxRows(x, { method }).read();
      for (let repeat = 0; repeat < 10; repeat++) expect(await softmaxRows(x, { method }).read()).toEqual(first);
    }
  });
});

test('written without a shift, exp overflows above 88, and below that it is a softmax', async () => {
  using _scope = gpu.scope();
  const method = 'unshifted';
  const safe = float32s(9 * 257, 4, -5, 5);
  const result = await softmaxRows(gpu.tensor(safe, [9, 257]), { method }).read();
  // WGSL's exp may be off by 3 + 2|x| units in the last place, and so may the sum.
  const ulps = 2 * (3 + 2 * 5) + 16;
  expect(largestError(result, await softmaxRows(cpu.tensor(safe, [9, 257])).read())).toBeLessThanOrEqual(
    ulps * 2 ** -23,
  );
  const high = new Float32Array(257).fill(100);
  const [lost = 0] = await softmaxRows(gpu.tensor(high, [1, 257]), { method }).read();
  expect(Math.abs(lost * 257 - 1) < 1e-3).toBe(false);
});

test('states what each way moves', () => {
  using _scope = gpu.scope();
  const x = gpu.full([10, 100], 1);
  const bytes = softmaxMethods.map((method) => softmaxRows.definition.cost(x, { method }).bytes / x.size);
  expect(bytes).toEqual([16, 20, 12, 12, 12]);
});

test('refuses other element types, vectors, and an out that does not fit', () => {
  for (const device of [gpu, cpu]) {
    using _scope = device.scope();
    const x = device.full([2, 3], 1);
    expect(() => softmaxRows(device.full([6], 1))).toThrow('x must be a matrix');
    expect(() => softmaxRows(device.full([2, 3], 1, 'i32'))).toThrow(InvalidInputError);
    expect(() => softmaxRows(x, { out: x })).toThrow('softmaxRows needs another f32 tensor of shape [2, 3] as out.');
    expect(() => softmaxRows(x, { out: device.empty([3, 2]) })).toThrow(InvalidInputError);
  }
});
