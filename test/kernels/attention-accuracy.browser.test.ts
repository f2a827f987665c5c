/** Attention: golden cases, at most twice the error of naive float32, and 16,384 keys in O(N d) memory. */
import { describe, expect, test } from 'vitest';
import { OutOfMemoryError } from '../../src/device/errors';
import type { Device } from '../../src/device/device';
import { attention } from '../../src/kernels/attention';
import golden from '../golden/attention.json';
import { largestDifference, normals, run, unit, type AttentionCase } from '../support/attention';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

describe('attention', () => {
  test.each([1, 4, 16])(
    'at logit scale %i flash errs at most twice as much as naive float32 attention',
    async (amplitude) => {
      const [n, d] = [192, 64];
      const each: AttentionCase = {
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
