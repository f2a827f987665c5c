/** The roofline: its two kernels compute what they say, and the measurement is made once per adapter. */
import { expect, test } from 'vitest';
import { attainableFlops, copy, measureRoofline, multiplyAddChains } from '../../src/kernels/roofline';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();

test('copy copies, chains compute what the reference does', async () => {
  using scope = gpu.scope();
  const numbers = float32s(4100, 3);
  expect(await copy(gpu.tensor(numbers, [4100]), gpu.empty([4100])).read()).toEqual(numbers);
  const work = { invocations: 128, iterations: 9 };
  const sums = await multiplyAddChains(gpu, work).read();
  const exact = await multiplyAddChains(openReference(), work).read();
  exact.forEach((value, i) => {
    // 9 steps of two roundings that shrink by 0.75 each, and 31 additions of positive numbers.
    expect(Math.abs((sums[i] ?? Number.NaN) - value)).toBeLessThanOrEqual((8 + 31) * 2 ** -23 * value);
  });
  expect(() => copy(gpu.empty([6]), gpu.empty([6]))).toThrow('a multiple of 4');
  expect(() => multiplyAddChains(gpu, { invocations: 65, iterations: 1 })).toThrow('a multiple of 64');
});

test('is measured, plausible, and remembered', async () => {
  const roofline = await measureRoofline(gpu);
  // Any machine that runs a browser copies between 100 MB and 100 TB a second and adds between 10 MFLOP and 1 PFLOP a second.
  expect(roofline.copyBytesPerSecond).toBeGreaterThan(1e8);
  expect(roofline.copyBytesPerSecond).toBeLessThan(1e14);
  expect(roofline.flopsPerSecond).toBeGreaterThan(1e7);
  expect(roofline.flopsPerSecond).toBeLessThan(1e15);
  expect(await measureRoofline(gpu)).toEqual(roofline);
  expect(attainableFlops(roofline, { flops: 1, bytes: 1e9 })).toBeCloseTo(roofline.copyBytesPerSecond / 1e9, 6);
  expect(attainableFlops(roofline, { flops: 1e12, bytes: 1 })).toBe(roofline.flopsPerSecond);
});

test('is measured on the reference device too', async () => {
  const { copyBytesPerSecond, flopsPerSecond } = await measureRoofline(openReference());
  expect(copyBytesPerSecond).toBeGreaterThan(1e7);
  expect(flopsPerSecond).toBeGreaterThan(1e6);
});
