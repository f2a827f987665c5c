/** Attention of few queries over many keys: split keys give what whole ones do, with every kind of mask. */
import { describe, expect, test } from 'vitest';
import { attention } from '../../src/kernels/attention';
import { bound, expectReference, largestDifference, normals, run, type AttentionCase } from '../support/attention';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

const cases: readonly AttentionCase[] = [
  { title: 'one query', queries: [1, 64], keys: [1501, 64], values: [1501, 64] },
  {
    title: 'grouped heads, a window, sinks, a soft cap, padding',
    queries: [12, 2, 64],
    keys: [3, 997, 64],
    values: [3, 997, 64],
    sinks: 12,
    mask: [997],
    options: { softCap: 3, causal: true, window: 600, firstPosition: 900, keyLengths: [997, 950, 0] },
  },
  { title: 'size 300', queries: [3, 300], keys: [307, 300], values: [307, 300] },
  { title: 'size 1, few keys', queries: [1, 1], keys: [3, 1], values: [3, 1] },
  {
    title: 'squared distances',
    queries: [3, 7],
    keys: [300, 7],
    values: [300, 5],
    options: { metric: 'squared-distance', scale: 0.3, splits: 3 },
  },
];

describe('attention of few queries', () => {
  test.each(cases)('$title: the float64 reference to float32 rounding', (each) =>
    expectReference(gpu, cpu, each, 'decode'),
  );

  test.each([1, 7, 64])('%i splits of the keys give the same to rounding, and the same each time', async (splits) => {
    const each: AttentionCase = {
      title: '',
      queries: [2, 64],
      keys: [2000, 64],
      values: [2000, 64],
      options: { causal: true, firstPosition: 1990, splits },
    };
    const [first, again] = [await run(gpu, each, 'decode'), await run(gpu, each, 'decode')];
    expect(Array.from(again)).toEqual(Array.from(first));
    expect(largestDifference(first, await run(cpu, each, 'decode'))).toBeLessThanOrEqual(bound(each));
  });

  test('flash with split keys gives what it gives with whole ones', async () => {
    const each: AttentionCase = {
      title: '',
      queries: [2, 45, 8],
      keys: [2, 901, 8],
      values: [2, 901, 8],
      sinks: 2,
      options: { splits: 5, rows: [3, 45], window: 700 },
    };
    await expectReference(gpu, cpu, each, 'flash');
  });

  test('rows that see no key are 0, also where a sink takes all the weight', async () => {
    using scope = gpu.scope();
    const q = gpu.tensor(normals(64, 1), [1, 64]);
    const k = gpu.tensor(normals(300 * 64, 2), [300, 64]);
    for (const options of [{ keyLengths: 0 }, { keyLengths: 0, sinks: gpu.full([1], 2) }]) {
      const result = await gpu.read(attention(q, k, k, { ...options, variant: 'decode' }));
      expect(Array.from(result).every((value) => value === 0)).toBe(true);
    }
  });

  test('logits of 1e30 and -1e30 stay finite', async () => {
    using scope = gpu.scope();
    const q = gpu.tensor([1e15, -1e15], [2, 1]);
    const k = gpu.tensor(
      Array.from({ length: 300 }, (_, key) => (key === 77 ? 1e15 : key === 5 ? -1e15 : 1e13 * (key % 9))),
      [300, 1],
    );
    const v = gpu.tensor(
      Array.from({ length: 300 }, (_, key) => key),
      [300, 1],
    );
    const result = await gpu.read(attention(q, k, v, { variant: 'decode', scale: 1, splits: 3 }));
    expect(Array.from(result)).toEqual([77, 5]);
  });
});
