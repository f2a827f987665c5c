/** Fourier transforms and convolutions by them against float64: every size of pass, real numbers, any length. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import type { NumberArray } from '../../src/device';
import { convolve } from '../../src/kernels/convolution';
import { fft, inverseRealFft, multiplySpectra, realFft } from '../../src/kernels/fourier';
import { discreteTransform } from '../../src/kernels/fourier-reference';
import { openReference, openTestDevice } from '../support/device';
import { inBothForms } from '../support/forms';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

/** The relative error in the Euclidean norm. */
function relativeError(actual: NumberArray, expected: NumberArray): number {
  let [off, size] = [0, 0];
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    off += ((actual[i] ?? NaN) - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(off / size);
}

/**
 * A number passes log2(n) additions (an ULP each, 2^-23, in the worst direction) and a product with a root of unity for
 * every three of them (three ULP and the root's own, which is a product of up to three with about 1.5 each).
 */
const bound = (n: number): number => 3e-7 * Math.max(1, Math.log2(n));

it('has a reference that is the definition', () => {
  for (const n of [1, 2, 5, 12, 16]) {
    const x = Float64Array.from(float32s(2 * n, n));
    const direct = Float64Array.from({ length: 2 * n }, (_, at) => {
      const k = Math.floor(at / 2);
      let sum = 0;
      for (let t = 0; t < n; t++) {
        const angle = (-2 * Math.PI * k * t) / n;
        const [re = 0, im = 0] = x.subarray(2 * t, 2 * t + 2);
        sum += at % 2 === 0 ? re * Math.cos(angle) - im * Math.sin(angle) : re * Math.sin(angle) + im * Math.cos(angle);
      }
      return sum;
    });
    expect(relativeError(discreteTransform(x, -1), direct)).toBeLessThan(1e-14);
  }
});

async function checkComplex(batch: number, n: number): Promise<void> {
  using _scope = gpu.scope();
  const numbers = float32s(2 * batch * n, n);
  const transformed = fft(gpu.tensor(numbers, [batch, n, 2]));
  const expected = await fft(cpu.tensor(numbers, [batch, n, 2])).read();
  expect(relativeError(await transformed.read(), expected)).toBeLessThanOrEqual(bound(n));
  expect(relativeError(await fft(transformed, { inverse: true }).read(), numbers)).toBeLessThanOrEqual(2 * bound(n));
}

describe('the transform of complex numbers', () => {
  inBothForms(gpu, () => {
    // Every first step (1, 2, 4, 8), the largest in one workgroup, the first in two passes and all passes of 4 and 8;
    // batches that fill no workgroup.
    it.each([
      { batch: 1, n: 1 },
      { batch: 3, n: 2 },
      { batch: 1, n: 4 },
      { batch: 301, n: 8 },
      { batch: 5, n: 16 },
      { batch: 3, n: 512 },
      { batch: 3, n: 1024 },
      { batch: 1, n: 2 ** 11 },
      { batch: 1, n: 2 ** 13 },
      { batch: 1, n: 2 ** 17 },
    ])('of $n, $batch at once, and back', ({ batch, n }) => checkComplex(batch, n));
  });

  it('is inverted with its factor', async () => {
    using _scope = gpu.scope();
    const numbers = float32s(2 * 64, 5);
    const expected = await fft(cpu.tensor(numbers, [64, 2]), { inverse: true }).read();
    expect(
      relativeError(await fft(gpu.tensor(numbers, [64, 2]), { inverse: true }).read(), expected),
    ).toBeLessThanOrEqual(bound(64));
  });

  it('puts a pure wave of 2^20 into one place', async () => {
    using _scope = gpu.scope();
    const n = 2 ** 20;
    const frequency = 123_457;
    const wave = new Float64Array(2 * n).map((_, at) => {
      const angle = (2 * Math.PI * ((Math.floor(at / 2) * frequency) % n)) / n;
      return at % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
    });
    const values = await fft(gpu.tensor(wave, [n, 2])).read();
    const expected = new Float64Array(2 * n);
    expected[2 * frequency] = n;
    expect(relativeError(values, expected)).toBeLessThanOrEqual(bound(n));
  });

  it.each([3, 7, 100])('of %i, which is no power of two', async (n) => {
    using _scope = gpu.scope();
    const numbers = float32s(4 * n, n);
    for (const inverse of [false, true]) {
      const expected = await fft(cpu.tensor(numbers, [2, n, 2]), { inverse }).read();
      // Two transforms of the next powers of two, and three products.
      const actual = await fft(gpu.tensor(numbers, [2, n, 2]), { inverse }).read();
      expect(relativeError(actual, expected)).toBeLessThanOrEqual(3 * bound(4 * n));
    }
  });
});

inBothForms(gpu, () => {
  describe('the transform of real numbers', () => {
    it.each([
      { batch: 1, n: 2, length: 2 },
      { batch: 5, n: 16, length: 16 },
      { batch: 3, n: 7, length: 16 },
      { batch: 2, n: 257, length: 512 },
      { batch: 3, n: 8192, length: 8192 },
    ])('$batch rows of $n, with zeros to $length, and back', async ({ batch, n, length }) => {
      using _scope = gpu.scope();
      const numbers = float32s(batch * n, n);
      const transformed = realFft(gpu.tensor(numbers, [batch, n]), { length });
      expect(transformed.shape).toEqual([batch, length / 2 + 1, 2]);
      const expected = await realFft(cpu.tensor(numbers, [batch, n]), { length }).read();
      expect(relativeError(await transformed.read(), expected)).toBeLessThanOrEqual(2 * bound(length));
      const back = await inverseRealFft(transformed, { keep: n }).read();
      expect(relativeError(back, numbers)).toBeLessThanOrEqual(4 * bound(length));
      const [spectrum, keep] = [float32s(batch * (length + 2), 3), n];
      const inverse = await inverseRealFft(cpu.tensor(spectrum, transformed.shape), { keep }).read();
      const actual = await inverseRealFft(gpu.tensor(spectrum, transformed.shape), { keep }).read();
      expect(relativeError(actual, inverse)).toBeLessThanOrEqual(2 * bound(length));
    });
  });
});

it('multiplies spectra, by all or by one row', async () => {
  using _scope = gpu.scope();
  const [x, y] = [float32s(3 * 67 * 2, 1), float32s(67 * 2, 2)];
  for (const conjugate of [false, true]) {
    const options = { conjugate, scale: 0.5 };
    const actual = multiplySpectra(gpu.tensor(x, [3, 67, 2]), gpu.tensor(y, [67, 2]), options);
    const expected = multiplySpectra(cpu.tensor(x, [3, 67, 2]), cpu.tensor(y, [67, 2]), options);
    expect(relativeError(await actual.read(), await expected.read())).toBeLessThan(4 * 2 ** -23);
  }
});

describe('a causal convolution', () => {
  it.each([
    { channels: 1, length: 1, taps: 1, shared: false },
    { channels: 3, length: 67, taps: 67, shared: false },
    { channels: 2, length: 1031, taps: 5, shared: true },
    { channels: 2, length: 5, taps: 40, shared: false },
    { channels: 1, length: 5000, taps: 3000, shared: false },
  ])('$channels channels of $length by $taps taps', async ({ channels, length, taps, shared }) => {
    using _scope = gpu.scope();
    const [x, kernel] = [float32s(channels * length, 1), float32s((shared ? 1 : channels) * taps, 2)];
    for (const adjoint of [false, true]) {
      const run = (device: typeof gpu | typeof cpu) =>
        convolve(device.tensor(x, [channels, length]), device.tensor(kernel, shared ? [taps] : [channels, taps]), {
          adjoint,
        }).read();
      expect(relativeError(await run(gpu), await run(cpu))).toBeLessThanOrEqual(6 * bound(2 * (length + taps)));
    }
  });
});

describe('bad input', () => {
  it('is refused', () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      expect(() => fft(device.full([8], 0))).toThrow(InvalidInputError);
      expect(() => fft(device.full([8, 2], 0, 'u32'))).toThrow(/but this one is u32/);
      expect(() => realFft(device.full([3, 100], 0))).toThrow(/give length 128/);
      expect(() => realFft(device.full([100], 0), { length: 64 })).toThrow(/give length 128/);
      expect(() => realFft(device.full([1], 0))).toThrow(/give length 2/);
      expect(() => inverseRealFft(device.full([4, 2], 0))).toThrow(/n \/ 2 \+ 1 values/);
      expect(() => inverseRealFft(device.full([5, 2], 0), { keep: 9 })).toThrow(/from 1 to 8/);
      expect(() => multiplySpectra(device.full([5, 2], 0), device.full([4, 2], 0))).toThrow(/one row of 5/);
      expect(() => convolve(device.full([2, 5], 0), device.full([3, 5], 0))).toThrow(/a row for each channel/);
    }
  });
});
