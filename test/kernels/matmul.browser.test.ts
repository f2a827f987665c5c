/** The matrix product: every variant against float64 on seeded shapes, with transposed operands and awkward edges. */
import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { matmul, matmulVariants, tuneMatmul } from '../../src/kernels/matmul';
import { openReference, openTestDevice } from '../support/device';
import { float32s, uniformSource } from '../support/numbers';
import { blas3Ratio } from '../support/product-error';

const gpu = await openTestDevice();
const plain = await openTestDevice({ features: 'none' });

// 1, primes, multiples and non-multiples of every tile (4, 16, 32, 64), thin in each direction.
const fixedShapes = [
  [1, 1, 1],
  [1, 1, 67],
  [1, 129, 5],
  [131, 1, 6],
  [4, 4, 4],
  [16, 16, 16],
  [17, 31, 13],
  [64, 64, 64],
  [65, 63, 62],
  [68, 72, 36],
  [128, 5, 33],
  [3, 130, 257],
] as const;
const draw = uniformSource(20_090_101);
const randomShapes = Array.from(
  { length: 4 },
  () => [1 + Math.floor(140 * draw()), 1 + Math.floor(140 * draw()), 1 + Math.floor(140 * draw())] as const,
);
const shapes = [...fixedShapes, ...randomShapes];

for (const variant of matmulVariants) {
  describe(variant, () => {
    for (const [transposeA, transposeB] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      test(`stays below the BLAS-3 bound with A${transposeA ? ' transposed' : ''} and B${transposeB ? ' transposed' : ''}`, async () => {
        for (const [m, n, k] of shapes) {
          using scope = gpu.scope();
          const a = float32s(m * k, m + 1000 * k);
          const b = float32s(k * n, n + 7000 * k);
          const left = gpu.tensor(a, transposeA ? [k, m] : [m, k]);
          const right = gpu.tensor(b, transposeB ? [n, k] : [k, n]);
          const c = matmul(left, right, { variant, transposeA, transposeB });
          expect(c.shape).toEqual([m, n]);
          const ratio = blas3Ratio(await c.read(), { a, b, m, n, k, transposeA, transposeB });
          expect(ratio, `${String(m)} x ${String(n)} x ${String(k)}`).toBeLessThan(16);
        }
      });
    }

    test('needs no feature and no limit beyond the defaults', async () => {
      using scope = plain.scope();
      const [m, n, k] = [70, 45, 66];
      const a = float32s(m * k, 1);
      const b = float32s(k * n, 2);
      const c = matmul(plain.tensor(a, [m, k]), plain.tensor(b, [k, n]), { variant });
      expect(blas3Ratio(await c.read(), { a, b, m, n, k })).toBeLessThan(16);
    });

    test('gives the same bits every time', async () => {
      using scope = gpu.scope();
      const a = gpu.tensor(float32s(77 * 130, 3), [77, 130]);
      const b = gpu.tensor(float32s(130 * 59, 4), [130, 59]);
      const first = await matmul(a, b, { variant }).read();
      for (let repeat = 0; repeat < 5; repeat++) expect(await matmul(a, b, { variant }).read()).toEqual(first);
    });

    test('writes into a given tensor', async () => {
      using scope = gpu.scope();
      const out = gpu.full([2, 2], 9);
      const result = matmul(gpu.tensor([1, 2, 3, 4], [2, 2]), gpu.tensor([5, 6, 7, 8], [2, 2]), { variant, out });
      expect(result).toBe(out);
      expect([...(await out.read())]).toEqual([19, 22, 43, 50]);
    });
  });
}

test('auto takes what was measured', async () => {
  using scope = gpu.scope();
  const a = gpu.tensor(float32s(96 * 96, 5), [96, 96]);
  const measured = await tuneMatmul(a, a.device.tensor(float32s(96 * 96, 6), [96, 96]), {
    variants: ['naive', 'vec4'],
    minimumMs: 2,
    samples: 3,
  });
  expect([...measured.keys()]).toEqual(['naive', 'vec4']);
  const fastest = [...measured].sort(([, x], [, y]) => x.medianMs - y.medianMs)[0]?.[0];
  expect([...gpu.tuning.entries()]).toContainEqual(['matmul 3 3 3', fastest]);
});

test('the reference says the same in float64', async () => {
  const cpu = openReference();
  const c = matmul(cpu.tensor([1, 2, 3, 4, 5, 6], [3, 2]), cpu.tensor([1, 0, 2, 1], [2, 2]), {
    transposeA: false,
    transposeB: true,
  });
  expect([...(await c.read())]).toEqual([1, 4, 3, 10, 5, 16]);
  const t = matmul(cpu.tensor([1, 2, 3, 4, 5, 6], [2, 3]), cpu.tensor([1, 1], [2, 1]), { transposeA: true });
  expect([...(await t.read())]).toEqual([5, 7, 9]);
});

describe('refuses', () => {
  test('shapes that do not agree', () => {
    using scope = gpu.scope();
    const a = gpu.full([3, 4], 1);
    expect(() => matmul(a, gpu.full([3, 4], 1))).toThrow(InvalidInputError);
    expect(() => matmul(a, gpu.full([3, 4], 1))).toThrow('A matrix of 3 x 4 cannot be multiplied by one of 3 x 4');
    expect(() => matmul(a, gpu.full([4], 1))).toThrow('b must be a matrix');
  });

  test('an out of the wrong shape, or one that is an operand', () => {
    using scope = gpu.scope();
    const a = gpu.full([4, 4], 1);
    expect(() => matmul(a, a, { out: gpu.full([4, 5], 0) })).toThrow('The product is 4 x 4, but out is 4 x 5.');
    expect(() => matmul(a, a, { out: a })).toThrow('cannot be written over its own operands');
  });
});
