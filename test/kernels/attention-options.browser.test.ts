/** Attention against float64: heads, biases, distances, rounds of keys, rows, and the weights themselves. */
import { describe, expect, test } from 'vitest';
import type { Device } from '../../src/device/device';
import { attention, attentionWeights } from '../../src/kernels/attention';
import { expectReference, largestDifference, normals, unit, type AttentionCase } from '../support/attention';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

const cases: readonly AttentionCase[] = [
  { title: 'heads one after another', queries: [3, 45, 8], keys: [3, 52, 8], values: [3, 52, 8] },
  { title: 'a bias per key', queries: [45, 8], keys: [52, 8], values: [52, 4], bias: [52] },
  {
    title: 'a bias per head and key',
    queries: [2, 45, 8],
    keys: [2, 51, 8],
    values: [2, 51, 4],
    bias: [2, 51],
    options: { window: 30 },
  },
  {
    title: 'squared distances',
    queries: [45, 7],
    keys: [52, 7],
    values: [52, 4],
    options: { metric: 'squared-distance', scale: 0.3 },
  },
  {
    title: 'squared distances, whole vectors',
    queries: [45, 8],
    keys: [52, 8],
    values: [52, 1],
    options: { metric: 'squared-distance', scale: 0.3 },
  },
  { title: 'several rounds of keys', queries: [9, 64], keys: [3001, 64], values: [3001, 64] },
  {
    title: 'several rounds of keys, odd sizes, masked',
    queries: [2, 401, 63],
    keys: [2, 2999, 63],
    values: [2, 2999, 31],
    options: { window: [400, 2500], rows: [380, 401] },
  },
  {
    title: 'a bias per pair, a mask, sinks and a soft cap',
    queries: [4, 37, 8],
    keys: [2, 41, 8],
    values: [2, 41, 8],
    pairs: [4, 37, 41],
    mask: [37, 41],
    sinks: 4,
    options: { softCap: 2, causal: true, firstPosition: 4 },
  },
  {
    title: 'padded batches whose queries stand behind a past',
    queries: [4, 37, 8],
    keys: [2, 53, 8],
    values: [2, 53, 8],
    options: { keyLengths: [47, 0], firstPosition: [10, -3], causal: true },
  },
  {
    title: 'a mask per head over grouped heads in columns',
    queries: [31, 32],
    keys: [29, 8],
    values: [29, 8],
    mask: [4, 31, 29],
    options: { heads: 4, keyHeads: 1 },
  },
];

describe('attention', () => {
  for (const each of cases) {
    test.each(['flash', 'naive'] as const)(
      `${each.title}: %s is the float64 reference to float32 rounding`,
      (variant) => expectReference(gpu, cpu, each, variant),
    );
  }

  test.each(cases.filter(({ title }) => /odd sizes, masked|sinks/.test(title)))(
    '$title: tiles of twice the size give the float64 reference to float32 rounding',
    (each) => expectReference(gpu, cpu, { ...each, options: { ...each.options, tile: [1, 4, 2] } }, 'flash'),
  );

  test('only the rows asked for are written', async () => {
    using scope = gpu.scope();
    const [q, k, v] = [
      gpu.tensor(normals(400, 1), [50, 8]),
      gpu.tensor(normals(400, 2), [50, 8]),
      gpu.tensor(normals(200, 3), [50, 4]),
    ];
    const whole = await gpu.read(attention(q, k, v));
    const out = gpu.full([50, 4], 7);
    attention(q, k, v, { rows: [13, 29], out });
    const part = await gpu.read(out);
    expect(Array.from(part.subarray(13 * 4, 29 * 4))).toEqual(Array.from(whole.subarray(13 * 4, 29 * 4)));
    expect(Array.from(part.subarray(0, 13 * 4)).every((value) => value === 7)).toBe(true);
    expect(Array.from(part.subarray(29 * 4)).every((value) => value === 7)).toBe(true);
  });

  test('the weights of a few rows are those of the reference and sum to one', async () => {
    const weightsOn = async (device: Device): Promise<Float64Array> => {
      using scope = device.scope();
      const q = device.tensor(normals(2 * 33 * 6, 1), [2, 33, 6]);
      const k = device.tensor(normals(2 * 70 * 6, 2), [2, 70, 6]);
      return Float64Array.from(
        await device.read(attentionWeights(q, k, { rows: [5, 8], metric: 'squared-distance', scale: 0.2 })),
      );
    };
    const [expected, result] = await Promise.all([weightsOn(cpu), weightsOn(gpu)]);
    expect(result.length).toBe(2 * 3 * 70);
    // Logits up to 20 in magnitude from 6 terms: relative error of a weight below 2 * 20 * 9 units plus the sum's 70.
    expect(largestDifference(result, expected)).toBeLessThanOrEqual(unit * (2 * 20 * 9 + 80));
    for (let row = 0; row < 6; row++) {
      expect(Math.abs(result.subarray(70 * row, 70 * row + 70).reduce((a, b) => a + b) - 1)).toBeLessThanOrEqual(
        80 * unit,
      );
    }
  });
});
