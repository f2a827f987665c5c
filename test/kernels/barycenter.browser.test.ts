/** Gaussian sums and the barycenter's step against float64, past a single dispatch, and what they refuse. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { barycenterStep, logGaussianSums } from '../../src/kernels/barycenter';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);

describe('logGaussianSums', () => {
  it.each([
    [1, 1, 1],
    [1, 1, 7],
    [2, 5, 1],
    [3, 17, 31],
    [2, 64, 65],
    [1, 3, 1009],
    [1_400_001, 1, 3],
  ])('agrees with float64 for [%i, %i, %i]', async (count, height, width) => {
    const x = float32s(count * height * width, 7, -20, 20);
    for (const axis of ['rows', 'columns'] as const) {
      for (const sharpness of count > 1000 ? [0.01] : [0.01, 4]) {
        using _gpuScope = gpu.scope();
        using _cpuScope = cpu.scope();
        const actual = await logGaussianSums(gpu.tensor(x, [count, height, width]), axis, sharpness).read();
        const exact = await logGaussianSums(cpu.tensor(x, [count, height, width]), axis, sharpness).read();
        // Terms that matter have exponents of at most 60, each off by three roundings of its size; then a sum of at most
        // 1,009 terms in blocks of 16, an exponential (4 ULP), a logarithm (2 ULP) and the last addition.
        const length = axis === 'rows' ? width : height;
        const bound = 2 ** -23 * (3 * 60 + 16 + length / 16 + 4 + 2 * Math.log(length) + 30);
        expect(largestDifference(exact, actual)).toBeLessThanOrEqual(bound);
      }
    }
  });

  it('keeps sums that the kernel form would lose', async () => {
    using _scope = gpu.scope();
    const x = gpu.tensor([0, -1e30, -1e30], [1, 1, 3]);
    const [near, middle, far] = await logGaussianSums(x, 'rows', 500).read();
    expect([near, middle, far]).toEqual([0, -500, -2000]);
  });

  it('refuses what is no stack of images', () => {
    using _scope = cpu.scope();
    expect(() => logGaussianSums(cpu.full([3, 4], 0), 'rows', 1)).toThrow(InvalidInputError);
  });
});

describe('barycenterStep', () => {
  it.each([
    [1, 1],
    [2, 63],
    [3, 65],
    [5, 1009],
    [1, 4_200_000],
  ])('agrees with float64 for %i histograms of %i places', async (count, size) => {
    const run = async (device: typeof gpu | typeof cpu) => {
      using _scope = device.scope();
      const tensors = {
        logSums: device.tensor(float32s(count * size, 3, -50, 50), [count, size]),
        weights: device.tensor(new Array<number>(count).fill(1 / count), [count]),
        prior: device.tensor(float32s(size, 4), [size]),
        potentials: device.empty([count, size]),
        barycenter: device.empty([size]),
      };
      barycenterStep(tensors);
      return [await tensors.barycenter.read(), await tensors.potentials.read()] as const;
    };
    const [actual, exact] = [await run(gpu), await run(cpu)];
    const bound = 2 ** -23 * (count + 3) * 101;
    let worst = 0;
    for (const which of [0, 1] as const) {
      exact[which].forEach((value, i) => (worst = Math.max(worst, Math.abs(value - (actual[which][i] ?? NaN)))));
    }
    expect(worst).toBeLessThanOrEqual(bound);
  });

  it('refuses tensors that do not belong together', () => {
    using _scope = cpu.scope();
    const [logSums, weights, prior] = [cpu.full([2, 3], 0), cpu.full([2], 0.5), cpu.full([3], 0)];
    const rest = { potentials: cpu.full([2, 3], 0), barycenter: cpu.full([3], 0) };
    expect(() => barycenterStep({ logSums: cpu.full([5], 0), weights, prior, ...rest })).toThrow(/logSums has 5/);
    expect(() => barycenterStep({ logSums, weights, prior: cpu.full([2], 0), ...rest })).toThrow(InvalidInputError);
  });
});
