/** Attention against float64: shapes, masks, extreme logits, and what it refuses. */
import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { attention, attentionWeights } from '../../src/kernels/attention';
import { tuneAttention } from '../../src/kernels/attention-tuning';
import { serialTuning } from '../../src/kernels/serial';
import { expectReference, largestDifference, normals, run, unit, type AttentionCase } from '../support/attention';
import { openReference, openTestDevice, tuneTests } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

const cases: readonly AttentionCase[] = [
  { title: 'one query, one key, size one', queries: [1, 1], keys: [1, 1], values: [1, 1] },
  { title: 'one query, many keys', queries: [1, 8], keys: [131, 8], values: [131, 4] },
  { title: 'many queries, one key', queries: [67, 8], keys: [1, 8], values: [1, 4] },
  { title: 'size 1', queries: [37, 1], keys: [41, 1], values: [41, 1] },
  { title: 'size 3, values of 5', queries: [31, 3], keys: [53, 3], values: [53, 5] },
  { title: 'size 64', queries: [65, 64], keys: [97, 64], values: [97, 64] },
  { title: 'size 130, values of 130', queries: [33, 130], keys: [67, 130], values: [67, 130] },
  { title: 'size 256, values of 256', queries: [17, 256], keys: [71, 256], values: [71, 256] },
  { title: 'size 300, values of 300', queries: [19, 300], keys: [71, 300], values: [71, 300] },
  { title: 'values of 200', queries: [17, 12], keys: [71, 12], values: [71, 200] },
  { title: 'causal', queries: [101, 16], keys: [101, 16], values: [101, 8], options: { causal: true } },
  {
    title: 'causal, more keys than queries',
    queries: [7, 16],
    keys: [90, 16],
    values: [90, 8],
    options: { causal: true },
  },
  { title: 'a window', queries: [101, 16], keys: [101, 16], values: [101, 8], options: { window: 5 } },
  { title: 'a one-sided window', queries: [101, 16], keys: [101, 16], values: [101, 8], options: { window: [0, 40] } },
  {
    title: 'causal in a window',
    queries: [131, 16],
    keys: [131, 16],
    values: [131, 8],
    options: { causal: true, window: 17 },
  },
  { title: 'queries that see no key', queries: [90, 8], keys: [20, 8], values: [20, 8], options: { window: 3 } },
  { title: 'heads side by side', queries: [45, 24], keys: [52, 24], values: [52, 36], options: { heads: 3 } },
  {
    title: 'odd heads side by side',
    queries: [45, 15],
    keys: [52, 15],
    values: [52, 9],
    options: { heads: 3, causal: true },
  },
];

describe('attention', () => {
  for (const each of cases) {
    test.each(['flash', 'naive'] as const)(
      `${each.title}: %s is the float64 reference to float32 rounding`,
      (variant) => expectReference(gpu, cpu, each, variant),
    );
  }

  test.each([
    ['size 64', [1, 4, 2]],
    ['values of 200', [1, 8, 2]],
  ] as const)('%s: tiles of twice the size give the float64 reference to float32 rounding', async (title, tile) => {
    for (const each of cases.filter((known) => known.title === title))
      await expectReference(gpu, cpu, { ...each, options: { ...each.options, tile } }, 'flash');
    expect.hasAssertions();
  });

  describe('many invocations a row', () => {
    tuneTests(gpu, serialTuning, 'false');
    test.each(cases)('$title: naive is the float64 reference to float32 rounding', (each) =>
      expectReference(gpu, cpu, each, 'naive'),
    );
  });

  test('rows that see no key are exactly 0, in both variants and in the weights', async () => {
    const each: AttentionCase = { title: '', queries: [90, 8], keys: [20, 8], values: [20, 8], options: { window: 3 } };
    for (const variant of ['flash', 'naive'] as const) {
      const result = await run(gpu, each, variant);
      expect(result.subarray(0, 8).some((value) => value !== 0)).toBe(true);
      expect(result.subarray(23 * 8).every((value) => value === 0)).toBe(true);
    }
    using scope = gpu.scope();
    const weights = await gpu.read(
      attentionWeights(gpu.tensor(normals(90 * 8, 1), [90, 8]), gpu.tensor(normals(160, 2), [20, 8]), {
        window: 3,
        rows: [22, 24],
      }),
    );
    expect(Array.from(weights.subarray(0, 20)).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(Array.from(weights.subarray(20)).every((value) => value === 0)).toBe(true);
  });

  test('logits of 1e30 pick the largest key and stay finite', async () => {
    using scope = gpu.scope();
    const q = gpu.tensor([1e15, -1e15, 0], [3, 1]);
    const k = gpu.tensor([1e15, -1e15, 5e14, -1e14, 2e14], [5, 1]);
    const v = gpu.tensor([1, 2, 3, 4, 5], [5, 1]);
    for (const variant of ['flash', 'naive'] as const) {
      const result = await gpu.read(attention(q, k, v, { variant, scale: 1 }));
      expect(Array.from(result.subarray(0, 2))).toEqual([1, 2]);
      expect(result[2]).toBeCloseTo(3, 5);
      // Causally, the first query sees only the first key, whose logit is -1e30 here.
      const causal = await gpu.read(attention(q, k, v, { variant, scale: -1, causal: true }));
      expect(causal[0]).toBe(1);
      expect(causal[1]).toBe(1);
    }
  });

  test('tiles are measured, the fastest is remembered, and each gives the same', async () => {
    using scope = gpu.scope();
    const x = gpu.tensor(normals(70 * 8, 1), [70, 8]);
    const tiles = [
      [8, 8],
      [4, 8],
    ] as const;
    const measured = await tuneAttention(x, x, x, { tiles, samples: 1, minimumMs: 0 });
    expect([...measured.keys()]).toEqual(['8 x 8', '4 x 8']);
    expect(tiles.map(String)).toContain(gpu.tuning.get('attention 2 2'));
    const [first, second] = await Promise.all(tiles.map((tile) => gpu.read(attention(x, x, x, { tile }))));
    expect(largestDifference(first ?? [], second ?? [])).toBeLessThanOrEqual(70 * unit);
  });

  test('refuses shapes that do not fit, naming the operand', () => {
    const q = gpu.tensor(normals(12, 1), [3, 4]);
    const k = gpu.tensor(normals(15, 1), [3, 5]);
    expect(() => attention(q, k, k)).toThrow(InvalidInputError);
    expect(() => attention(q, q, gpu.tensor(normals(8, 1), [2, 4]))).toThrow(/one value per key/);
    expect(() => attention(q, q, q, { heads: 3 })).toThrow(/heads/);
    expect(() => attention(q, q, q, { rows: [2, 9] })).toThrow(/not among/);
    expect(() => attention(q, q, q, { window: -1 })).toThrow(/window/);
    expect(() => attention(q, q, q, { scale: Number.NaN })).toThrow(/finite/);
    expect(() => attention(q, q, q, { keyBias: gpu.tensor([1, 2], [2]) })).toThrow(/key bias/);
    expect(() => attention(q, q, q, { out: gpu.empty([4, 4]) })).toThrow(/shape/);
    expect(() => attention(q, q, q, { heads: 4, keyHeads: 3 })).toThrow(InvalidInputError);
    expect(() => attention(q, q, q, { softCap: -1 })).toThrow(/soft cap/);
    expect(() => attention(q, q, q, { keyLengths: 4 })).toThrow(/between 0 and the 3 keys/);
    expect(() => attention(q, q, q, { keyLengths: [1, 2] })).toThrow(/one per batch/);
    expect(() => attention(q, q, q, { firstPosition: 0.5 })).toThrow(/whole number/);
    expect(() => attention(q, q, q, { mask: gpu.full([3, 3], 1) })).toThrow(/u32/);
    expect(() => attention(q, q, q, { bias: gpu.full([2, 3], 1) })).toThrow(/\[3, 3\]/);
    expect(() => attention(q, q, q, { sinks: gpu.full([2], 1) })).toThrow(/one sink per head/);
    expect(() => attention(q, q, q, { splits: 0 })).toThrow(/splits/);
    expect(() => attention(q, q, q, { tile: [3, 5] })).toThrow(/8 x 8/);
  });
});
