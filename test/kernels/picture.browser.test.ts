/** Pictures on the device: pooling, colours, and photographs to numbers and back. */
import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { colorMap, downsample, imageToTensor, tensorToImage } from '../../src/kernels/picture';
import { openReference, openTestDevice } from '../support/device';
import { float32s, uniformSource } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

describe('downsample', () => {
  for (const pooling of ['max', 'mean'] as const) {
    test(`takes the ${pooling} of each cell`, async () => {
      for (const [m, n, rows, columns] of [
        [1, 1, 1, 1],
        [8, 8, 2, 4],
        [7, 13, 3, 5],
        [100, 3, 1, 3],
        [3, 1031, 3, 1],
        [2, 3, 5, 7],
        [257, 130, 64, 64],
      ] as const) {
        using scope = gpu.scope();
        const numbers = float32s(m * n, m + n, -1, 3);
        const result = downsample(gpu.tensor(numbers, [m, n]), [rows, columns], pooling);
        expect(result.shape).toEqual([rows, columns]);
        const exact = await downsample(cpu.tensor(numbers, [m, n]), [rows, columns], pooling).read();
        const values = await result.read();
        // A mean adds up at most ceil(m / rows) and then ceil(n / columns) numbers below 3, each sum off by 2^-23 a step.
        const steps = Math.ceil(m / rows) + Math.ceil(n / columns) + 6;
        const allowed = pooling === 'max' ? 0 : steps * 2 ** -23 * 3;
        exact.forEach((value, i) => {
          expect(Math.abs((values[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(allowed);
        });
      }
    });
  }

  test('refuses a picture without pixels and a vector', () => {
    using scope = gpu.scope();
    expect(() => downsample(gpu.full([4, 4], 1), [0, 4], 'max')).toThrow(InvalidInputError);
    expect(() => downsample(gpu.full([4], 1), [1, 1], 'max')).toThrow('x must be a matrix');
  });
});

describe('colorMap', () => {
  for (const scale of ['linear', 'log'] as const) {
    test(`runs through viridis on a ${scale} scale`, async () => {
      using scope = gpu.scope();
      const numbers = Float32Array.from({ length: 1000 }, (_, i) => 1e-4 * 10 ** ((6 * i) / 999 - 1));
      const options = { low: 1e-4, high: 1, scale };
      const pixels = await colorMap(gpu.tensor(numbers, [10, 100]), options).read();
      const exact = await colorMap(cpu.tensor(numbers, [10, 100]), options).read();
      exact.forEach((pixel, i) => {
        for (const shift of [0, 8, 16, 24]) {
          // A channel that lies half way between two bytes may round to either.
          expect(Math.abs((((pixels[i] ?? 0) >>> shift) & 0xff) - ((pixel >>> shift) & 0xff))).toBeLessThanOrEqual(1);
        }
      });
      expect(pixels[0]).toBe((68 | (1 << 8) | (84 << 16) | 0xff000000) >>> 0);
      expect(pixels[999]).toBe((253 | (231 << 8) | (37 << 16) | 0xff000000) >>> 0);
    });
  }

  test('refuses an empty range and a log scale from zero', () => {
    using scope = gpu.scope();
    const x = gpu.full([4], 1);
    expect(() => colorMap(x, { low: 1, high: 1 })).toThrow('colorMap needs low < high');
    expect(() => colorMap(x, { low: 0, high: 1, scale: 'log' })).toThrow('low > 0 on a log scale');
  });
});

describe('photographs', () => {
  const draw = uniformSource(77);
  // Every byte value in every channel, and an odd size.
  const packed = Uint32Array.from({ length: 17 * 31 }, (_, i) =>
    i < 256 ? i * 0x010101 + 0x7f000000 : Math.floor(draw() * 2 ** 32),
  );

  for (const space of ['srgb', 'linear'] as const) {
    for (const layout of ['pixels', 'planes'] as const) {
      test(`become ${space} ${layout} and come back byte for byte`, async () => {
        using scope = gpu.scope();
        const options = { space, layout };
        const values = imageToTensor(gpu.tensor(packed, [17, 31], 'u32'), options);
        expect(values.shape).toEqual(layout === 'pixels' ? [17, 31, 3] : [3, 17, 31]);
        const exact = await imageToTensor(cpu.tensor(packed, [17, 31], 'u32'), options).read();
        const floats = await values.read();
        exact.forEach((value, i) => {
          // pow is exp2(2.4 log2 x): log2 is off by 2^-21 or 3 ULP of at most 4.4, exp2 by 3 + 2 * 10.6 ULP.
          const relative =
            space === 'srgb' ? 3 * 2 ** -23 : 2.4 * Math.LN2 * (3 * 2 ** -21 + 2 ** -21) + 25 * 2 ** -23 + 8 * 2 ** -23;
          expect(Math.abs((floats[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(relative * value);
        });
        const back = tensorToImage(values, options);
        expect(back.shape).toEqual([17, 31]);
        expect(await back.read()).toEqual(packed.map((pixel) => (pixel | 0xff000000) >>> 0));
      });
    }
  }

  test('clamp what is outside of [0, 1]', async () => {
    using scope = gpu.scope();
    const numbers = [-1, 0.5, 2];
    expect([...(await tensorToImage(gpu.tensor(numbers, [1, 1, 3])).read())]).toEqual([0xffff8000]);
    expect([...(await tensorToImage(cpu.tensor(numbers, [1, 1, 3])).read())]).toEqual([0xffff8000]);
  });

  test('refuse other shapes and element types', () => {
    using scope = gpu.scope();
    expect(() => tensorToImage(gpu.full([3, 4, 4], 0))).toThrow(
      'A picture as floats has the shape [height, width, 3], not [3, 4, 4].',
    );
    expect(() => imageToTensor(gpu.full([4, 4], 0))).toThrow(
      'imageToTensor works on a u32 tensor, but this one is f32.',
    );
  });
});
