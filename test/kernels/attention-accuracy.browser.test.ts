/** Attention: golden cases, at most twice the error of naive float32, and 16,384 keys in O(N d) memory. */
import { describe, expect, test } from 'vitest';
import { OutOfMemoryError } from '../../src/device/errors';
import type { Device } from '../../src/device/device';
import type { Tensor } from '../../src/device/tensor';
import { attention } from '../../src/kernels/attention';
import { attentionGradient } from '../../src/kernels/attention-gradient';
import golden from '../golden/attention.json';
import { naiveFloat32 } from '../support/naive-attention';
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
      const plain = largestDifference(naiveFloat32(n, d, Math.fround(amplitude / Math.sqrt(d))).result, expected);
      expect(largestDifference(flash, expected)).toBeLessThanOrEqual(2 * plain);
      expect(largestDifference(naive, expected)).toBeLessThanOrEqual(2 * plain);
    },
  );

  test.each([1, 4, 16])(
    'at logit scale %i gradients err at most three times as much as the naive float32 ones',
    async (amplitude) => {
      const [n, d] = [192, 64];
      const scale = amplitude / Math.sqrt(d);
      const on = async (device: Device) => {
        using scope = device.scope();
        const [q, k, v, o] = [1, 2, 3, 9].map((stream) => device.tensor(normals(n * d, stream), [n, d]));
        if (!q || !k || !v || !o) throw new TypeError('four operands');
        const made = attentionGradient(q, k, v, o, { scale });
        const read = async (tensor: Tensor) => Float64Array.from(await device.read(tensor));
        return { queries: await read(made.queries), keys: await read(made.keys), values: await read(made.values) };
      };
      const [expected, made] = [await on(cpu), await on(gpu)];
      const plain = naiveFloat32(n, d, Math.fround(scale));
      for (const name of ['queries', 'keys', 'values'] as const) {
        expect(largestDifference(made[name], expected[name]), name).toBeLessThanOrEqual(
          3 * largestDifference(plain[name], expected[name]),
        );
      }
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

describe('golden attention', () => {
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
