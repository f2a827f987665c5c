/** Attention against float64: shapes, masks, layouts, golden cases, and the rule that flash may err twice as much as naive. */
import { describe, expect, test } from 'vitest';
import { OutOfMemoryError, InvalidInputError } from '../../src/device/errors';
import type { Device } from '../../src/device/device';
import { attention, attentionWeights, type AttentionCallOptions } from '../../src/kernels/attention';
import { Philox } from '../../src/kernels/random';
import golden from '../golden/attention.json';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();
/** WGSL may round to either neighbour: one operation errs by at most this, relatively. */
const unit = 2 ** -23;

function normals(count: number, stream: number, factor = 1): Float32Array {
  const random = new Philox(11, stream);
  return Float32Array.from({ length: count }, () => factor * random.normal());
}

interface Case {
  readonly title: string;
  readonly queries: readonly number[];
  readonly keys: readonly number[];
  readonly values: readonly number[];
  readonly options?: Omit<AttentionCallOptions, 'keyBias'>;
  readonly bias?: readonly number[];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

async function run(
  device: Device,
  { queries, keys, values, options, bias }: Case,
  variant: 'flash' | 'naive',
): Promise<Float64Array> {
  using scope = device.scope();
  const result = attention(
    device.tensor(normals(sizeOf(queries), 1), queries),
    device.tensor(normals(sizeOf(keys), 2), keys),
    device.tensor(normals(sizeOf(values), 3), values),
    { ...options, variant, ...(bias === undefined ? {} : { keyBias: device.tensor(normals(sizeOf(bias), 4), bias) }) },
  );
  return Float64Array.from(await device.read(result));
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/**
 * What float32 may lose: a logit sums d products of magnitude below 5.8^2 (the largest normal number drawn), weights inherit the
 * logit's absolute error relatively, exp adds 3 units, and numerator and denominator sum one term per key.
 */
function bound({ queries, keys, options }: Case): number {
  const heads = keys.length === 3 ? 1 : (options?.heads ?? 1);
  const dimension = (queries.at(-1) ?? 1) / heads;
  const keyCount = keys.at(-2) ?? 1;
  const scale = options?.scale ?? (options?.metric === 'squared-distance' ? 1 : 1 / Math.sqrt(dimension));
  // E|q k| = 2/pi per component for normal numbers, E|q - k|^2 = 2; three times that covers the rows drawn here.
  const logitError = unit * (dimension + 3) * scale * dimension * (options?.metric === 'squared-distance' ? 6 : 2);
  return 5.8 * (2 * logitError + unit * (8 + 2 * keyCount));
}

const cases: readonly Case[] = [
  { title: 'one query, one key, size one', queries: [1, 1], keys: [1, 1], values: [1, 1] },
  { title: 'one query, many keys', queries: [1, 8], keys: [131, 8], values: [131, 4] },
  { title: 'many queries, one key', queries: [67, 8], keys: [1, 8], values: [1, 4] },
  { title: 'size 1', queries: [37, 1], keys: [41, 1], values: [41, 1] },
  { title: 'size 3, values of 5', queries: [31, 3], keys: [53, 3], values: [53, 5] },
  { title: 'size 64', queries: [65, 64], keys: [97, 64], values: [97, 64] },
  { title: 'size 130, values of 130', queries: [33, 130], keys: [67, 130], values: [67, 130] },
  { title: 'size 256, values of 256', queries: [17, 256], keys: [71, 256], values: [71, 256] },
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
  { title: 'heads one after another', queries: [3, 45, 8], keys: [3, 52, 8], values: [3, 52, 7] },
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
    values: [2, 2999, 33],
    options: { window: [400, 2500], rows: [380, 401] },
  },
];

describe('attention', () => {
  for (const each of cases) {
    test.each(['flash', 'naive'] as const)(
      `${each.title}: %s is the float64 reference to float32 rounding`,
      async (variant) => {
        const [expected, result] = await Promise.all([run(cpu, each, variant), run(gpu, each, variant)]);
        const [start, end] = each.options?.rows ?? [0, each.queries.at(-2) ?? 1];
        const heads = each.queries.length === 3 ? (each.queries[0] ?? 1) : 1;
        const rowSize = expected.length / heads / (each.queries.at(-2) ?? 1);
        for (let head = 0; head < heads; head++) {
          const from = (head * expected.length) / heads + start * rowSize;
          const to = (head * expected.length) / heads + end * rowSize;
          expect(largestDifference(result.subarray(from, to), expected.subarray(from, to))).toBeLessThanOrEqual(
            bound(each),
          );
        }
      },
    );
  }

  test('rows that see no key are exactly 0, in both variants and in the weights', async () => {
    const each: Case = { title: '', queries: [90, 8], keys: [20, 8], values: [20, 8], options: { window: 3 } };
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

  test.each([1, 4, 16])(
    'at logit scale %i flash errs at most twice as much as naive float32 attention',
    async (amplitude) => {
      const [n, d] = [192, 64];
      const each: Case = {
        title: '',
        queries: [n, d],
        keys: [n, d],
        values: [n, d],
        options: { scale: amplitude / Math.sqrt(d) },
      };
      const [expected, flash, naive] = await Promise.all([
        run(cpu, each, 'flash'),
        run(gpu, each, 'flash'),
        run(gpu, each, 'naive'),
      ]);
      const plain = largestDifference(naiveFloat32(n, d, Math.fround(amplitude / Math.sqrt(d))), expected);
      expect(largestDifference(flash, expected)).toBeLessThanOrEqual(2 * plain);
      expect(largestDifference(naive, expected)).toBeLessThanOrEqual(2 * plain);
    },
  );

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
    expect(() => attention(q, q, gpu.empty([3, 300]))).toThrow(/256/);
  });

  test('at 16,384 keys naive needs more than a binding holds, flash needs O(N d)', async () => {
    using scope = gpu.scope();
    const [n, d] = [16384, 64];
    const x = gpu.tensor(normals(n * d, 5), [n, d]);
    expect(() => attention(x, x, x, { variant: 'naive' })).toThrow(OutOfMemoryError);
    const before = gpu.memory().liveBytes;
    const out = gpu.empty([n, d]);
    attention(x, x, x, { rows: [16000, 16040], out });
    expect(gpu.memory().liveBytes - before).toBeLessThanOrEqual(1.25 * 4 * n * (d + 2));
    const result = await gpu.read(out);
    const reference = openReference();
    const y = reference.tensor(normals(n * d, 5), [n, d]);
    const expected = await reference.read(attention(y, y, y, { rows: [16000, 16004] }));
    reference.close();
    const range = [16000 * d, 16004 * d] as const;
    // A query's own key dominates: its logit is |q|^2 / 8, about 8 from 64 terms; 16,384 further terms add one unit each at most.
    expect(largestDifference(result.subarray(...range), expected.subarray(...range))).toBeLessThanOrEqual(
      5.8 * unit * (2 * 67 * 16 + 2 * n),
    );
  });
});

/** Attention of the seeded normal operands, step by step, every operation rounded to float32. */
function naiveFloat32(n: number, d: number, scale: number): Float64Array {
  const f = Math.fround;
  const [q, k, v] = [normals(n * d, 1), normals(n * d, 2), normals(n * d, 3)];
  const result = new Float64Array(n * d);
  const weights = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let largest = -3e38;
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let c = 0; c < d; c++) sum = f(sum + f((q[i * d + c] ?? 0) * (k[j * d + c] ?? 0)));
      weights[j] = sum * scale;
      largest = Math.max(largest, weights[j] ?? 0);
    }
    let total = 0;
    for (let j = 0; j < n; j++) {
      weights[j] = Math.exp(f((weights[j] ?? 0) - largest));
      total = f(total + (weights[j] ?? 0));
    }
    for (let c = 0; c < d; c++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum = f(sum + f(f((weights[j] ?? 0) / total) * (v[j * d + c] ?? 0)));
      result[i * d + c] = sum;
    }
  }
  return result;
}

describe('golden attention', () => {
  const tensor = (device: Device, { shape, data }: { shape: readonly number[]; data: readonly number[] }) =>
    device.tensor(Float32Array.from(data), shape);

  test.each(golden.onnx)(
    '$id',
    async ({ id, heads, queries, keys, values, causal, scale, window, visibleKeys, expected }) => {
      for (const variant of ['flash', 'naive'] as const) {
        for (const device of [gpu, cpu]) {
          using scope = device.scope();
          const [before = 0, after = 0] = window ?? [];
          const result = await device.read(
            attention(tensor(device, queries), tensor(device, keys), tensor(device, values), {
              variant,
              causal,
              scale,
              ...(heads === null ? {} : { heads }),
              ...(window === null ? {} : { window: [before, after] as const }),
              ...(visibleKeys === null
                ? {}
                : {
                    keyBias: device.tensor(
                      visibleKeys.map((seen) => (seen === 0 ? -1e30 : 0)),
                      [visibleKeys.length],
                    ),
                  }),
            }),
          );
          expect(result.length).toBe(expected.length);
          expected.forEach((value, index) => {
            const difference = Math.abs((result[index] ?? Number.NaN) - value);
            expect(difference, `${id} [${String(index)}]`).toBeLessThanOrEqual(1e-6 + 1e-4 * Math.abs(value));
          });
        }
      }
    },
  );

  test.each(golden.records)(
    '$id stays within twice the error of naive float32',
    async ({ n, m, d, dv, scale, causal, Q, K, V, expected, naiveError }) => {
      for (const variant of ['flash', 'naive'] as const) {
        using scope = gpu.scope();
        const result = await gpu.read(
          attention(gpu.tensor(Q, [n, d]), gpu.tensor(K, [m, d]), gpu.tensor(V, [m, dv]), { variant, scale, causal }),
        );
        expect(largestDifference(result, expected)).toBeLessThanOrEqual(2 * Math.max(naiveError, 1e-6));
      }
    },
  );
});
