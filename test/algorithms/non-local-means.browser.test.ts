/** Non-local means: the same on the GPU and in float64, sharper than a blur, and what its parts promise. */
import { describe, expect, test } from 'vitest';
import {
  attentionRow,
  denoise,
  gaussianBlur,
  nonLocalMeans,
  peakSignalToNoise,
  type DenoiseStep,
  type NonLocalMeansOptions,
  type Picture,
} from '../../src/algorithms/non-local-means';
import type { Device } from '../../src/device/device';
import { Philox } from '../../src/kernels/random';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

/** Stripes with an edge every four pixels, which any blur smears. */
function stripes(width: number, height: number): Picture {
  const at = (index: number): number => (Math.floor((Math.floor(index / 3) % width) / 4) % 2 === 0 ? 0.2 : 0.8);
  return { width, height, values: Float32Array.from({ length: 3 * width * height }, (_, index) => at(index)) };
}

function withNoise(picture: Picture, sigma: number): Picture {
  const random = new Philox(5);
  return { ...picture, values: picture.values.map((value) => value + sigma * random.normal()) };
}

const clean = stripes(31, 22);
const noisy = withNoise(clean, 0.1);

async function lastStep(
  device: Device,
  options: NonLocalMeansOptions,
  variant: 'flash' | 'naive',
  bandwidth = 0.1,
): Promise<DenoiseStep> {
  using _scope = device.scope();
  const model = nonLocalMeans(device, noisy, options);
  let last: DenoiseStep | undefined;
  for await (const step of denoise(device, model, { variant, bandwidth: () => bandwidth })) last = step;
  if (last === undefined) throw new Error('denoise() ended without a step.');
  return last;
}

function largestDifference(a: Picture, b: Picture): number {
  return a.values.reduce((most, value, index) => Math.max(most, Math.abs(value - (b.values[index] ?? Number.NaN))), 0);
}

describe('non-local means', () => {
  test.each<NonLocalMeansOptions>([
    { patchSize: 3, heads: 1 },
    { patchSize: 5, heads: 3 },
    { patchSize: 3, heads: 1, causal: true },
    { patchSize: 1, heads: 3, window: 40 },
    { patchSize: 3, heads: 1, causal: true, window: 70 },
  ])('with %j is the same in both variants and in float64', async (options) => {
    const expected = await lastStep(cpu, options, 'flash');
    expect(expected.done).toBe(31 * 22);
    // A logit is a mean of squared differences below 4, over 0.01: at most 400, with relative error below 40 units of 2^-23.
    // A weight then errs by 2 * 400 * 40 units at most, where patches are as different as black and white; their weight is 0.
    // Weights that matter have logits below 20 in magnitude.
    const bound = 2 * 20 * 40 * 2 ** -23;
    for (const variant of ['flash', 'naive'] as const) {
      expect(largestDifference((await lastStep(gpu, options, variant)).picture, expected.picture)).toBeLessThanOrEqual(
        bound,
      );
    }
  });

  test('keeps edges that the best Gaussian blur smears', async () => {
    const { picture } = await lastStep(gpu, { patchSize: 3, heads: 1 }, 'flash');
    const psnr = peakSignalToNoise(picture, clean);
    expect(psnr).toBeGreaterThan(peakSignalToNoise(noisy, clean) + 3);
    using _scope = gpu.scope();
    for (const sigma of [0.4, 0.8, 1.6]) {
      expect(psnr).toBeGreaterThan(peakSignalToNoise(await gaussianBlur(gpu, noisy, sigma), clean));
    }
  });

  test('begins again when the bandwidth changes on the way', async () => {
    using _scope = gpu.scope();
    const model = nonLocalMeans(gpu, noisy, { patchSize: 3, heads: 1 });
    let bandwidth = 0.3;
    const seen: number[] = [];
    let last: Picture | undefined;
    for await (const step of denoise(gpu, model, { variant: 'flash', bandwidth: () => bandwidth })) {
      seen.push(step.done);
      if (seen.length === 2) bandwidth = 0.1;
      last = step.picture;
    }
    expect(seen[2]).toBe(seen[0]);
    expect(seen.at(-1)).toBe(31 * 22);
    expect(last).toEqual((await lastStep(gpu, { patchSize: 3, heads: 1 }, 'flash')).picture);
  });

  test('an attention row sums to one, and its pixel looks at itself first', async () => {
    using _scope = gpu.scope();
    for (const heads of [1, 3] as const) {
      const model = nonLocalMeans(gpu, noisy, { patchSize: 3, heads });
      const row = await attentionRow(gpu, model, 0.1, 100);
      expect(row.length).toBe(31 * 22);
      expect(Math.abs(row.reduce((a, b) => a + b, 0) - 1)).toBeLessThanOrEqual(682 * 2 ** -23);
      expect(row.indexOf(Math.max(...row))).toBe(100);
    }
  });

  test('flash holds far less than naive', async () => {
    const flash = await lastStep(gpu, { patchSize: 3, heads: 1 }, 'flash');
    const naive = await lastStep(gpu, { patchSize: 3, heads: 1 }, 'naive');
    const pixels = 31 * 22;
    expect(naive.heldBytes - flash.heldBytes).toBeGreaterThanOrEqual(4 * pixels ** 2);
    expect(flash.heldBytes).toBeLessThanOrEqual(4 * pixels * (28 + 4 + 4 + 2) * 1.25);
  });

  test('the Gaussian blur by attention is the blur of a point', async () => {
    using _scope = gpu.scope();
    const point: Picture = { width: 15, height: 15, values: new Float32Array(3 * 225) };
    point.values.fill(1, 3 * 112, 3 * 113);
    const { values } = await gaussianBlur(gpu, point, 1);
    let total = 0;
    for (let y = -7; y <= 7; y++) for (let x = -7; x <= 7; x++) total += Math.exp(-(x * x + y * y) / 2);
    for (const [x, y] of [
      [7, 7],
      [8, 7],
      [7, 9],
    ] as const) {
      const expected = Math.exp(-((x - 7) ** 2 + (y - 7) ** 2) / 2) / total;
      // Beyond four sigma, in reading order, the blur is cut off: less than 2 exp(-8) of the weight.
      expect(Math.abs((values[3 * (15 * y + x)] ?? 0) - expected)).toBeLessThanOrEqual(expected * 2 * Math.exp(-8));
    }
  });
});
