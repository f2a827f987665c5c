/** The race of matrix products on the reference device: its steps, its sizes, and an error measure that finds errors. */
import { expect, test } from 'vitest';
import { raceProduct, sampleError, type Operands, type Race } from '../../src/algorithms/product-race';
import { openReferenceDevice } from '../../src/device';
import { matmul } from '../../src/kernels/matmul';
import { float32s } from '../support/numbers';

const race: Race = {
  m: 128,
  n: 130,
  k: 129,
  a: undefined,
  b: undefined,
  seed: 3,
  side: 4,
  samples: 1,
  variants: ['naive'],
};

test('announces each variant, then reports it, at growing sizes', async () => {
  const device = openReferenceDevice();
  const seen: string[] = [];
  const run = raceProduct(device, race);
  let next = await run.next();
  for (; next.done !== true; next = await run.next()) {
    const { operands, result, step, steps } = next.value;
    expect(steps).toBe(4);
    seen.push(`${String(operands.sizes.m)} ${String(step)} ${result === undefined ? 'starts' : 'ends'}`);
  }
  expect(seen).toEqual([
    '16 0 starts',
    '16 1 ends',
    '32 1 starts',
    '32 2 ends',
    '64 2 starts',
    '64 3 ends',
    '128 3 starts',
    '128 4 ends',
  ]);
  expect(next.value.map(({ sizes }) => sizes)).toEqual([
    { m: 16, n: 17, k: 17 },
    { m: 32, n: 33, k: 33 },
    { m: 64, n: 65, k: 65 },
    { m: 128, n: 130, k: 129 },
  ]);
  expect(device.memory().liveBuffers).toBe(0);
});

test('the sampled error is small for a right product and large for a wrong one', async () => {
  const device = openReferenceDevice();
  const [m, n, k] = [12, 9, 20];
  const left = { rows: m, columns: k, values: float32s(m * k, 1) };
  const right = { rows: k, columns: n, values: float32s(k * n, 2) };
  const a = device.tensor(left.values, [m, k]);
  const b = device.tensor(right.values, [k, n]);
  const operands: Operands = { a, b, left, right, sizes: { m, n, k }, uploadMs: 0 };
  const product = Float32Array.from(await matmul(a, b).read());
  const right16 = sampleError(product, operands, 100, 7);
  expect([right16.rows, right16.columns, right16.ratios.length]).toEqual([m, n, m * n]);
  // Rounding the float64 product to float32 is off by at most u of it, and |C| is at most |A||B|.
  expect(right16.largest).toBeLessThanOrEqual(1);
  product[5 * n + 4] = (product[5 * n + 4] ?? 0) + 1e-3;
  expect(sampleError(product, operands, 100, 7).largest).toBeGreaterThan(100);
  product[5 * n + 4] = Number.NaN;
  expect(sampleError(product, operands, 100, 7).largest).toBeGreaterThan(1e38);
  expect(sampleError(product, operands, 3, 7).ratios.length).toBe(9);
});
