/** The colour transfer lab on small made-up photographs: what it shows, how it ends, on both devices. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../src/device';
import { Philox } from '../../../src/kernels/random';
import type { Photograph } from '../../../src/labs/parameters';
import lab from '../../../src/labs/transport/sinkhorn';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();

/** A photograph whose colours lie around one colour. */
function photograph(name: string, [red, green, blue]: readonly [number, number, number]): Photograph {
  const random = new Philox(1, red);
  const [width, height] = [37, 23];
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let at = 0; at < pixels.length; at += 4) {
    const light = 0.4 + 0.8 * random.uniform();
    pixels.set([red * light, green * light, blue * (light + 0.1 * random.uniform()), 255], at);
  }
  return { name, width, height, pixels };
}

const defaults = {
  source: photograph('bluish', [60, 90, 180]),
  target: photograph('reddish', [190, 90, 50]),
  epsilon: 0.02,
  samples: 128,
  space: 'oklab',
  tolerance: 1e-5,
  maximumIterations: 500,
  check: false,
  seed: 7,
} as const;

async function run(device: Device, patch: Partial<Parameters<typeof lab.run>[0]['params']> = {}) {
  const { result, shown } = await runLab(device, lab, { ...defaults, ...patch });
  const last = shown.at(-1);
  const picture = last?.pictures;
  if (last === undefined || picture === undefined || !('slot' in picture))
    throw new Error('the last frame has no result');
  return { result, shown, last, picture };
}

function meanColor(pixels: Uint8ClampedArray): number[] {
  return [0, 1, 2].map((channel) => {
    let sum = 0;
    for (let at = channel; at < pixels.length; at += 4) sum += pixels[at] ?? 0;
    return (4 * sum) / pixels.length;
  });
}

describe.each(['GPU', 'reference device'])('on the %s', (name) => {
  const device = name === 'GPU' ? gpu : openReference();

  it('gives one photograph the colours of the other', async () => {
    const { result, shown, last, picture } = await run(device);
    expect(result.status).toBe('converged');
    expect(last.status?.text).toMatch(/^converged to 1e-5 in \d+ iterations$/);
    expect(new Set(shown.flatMap((frames) => Object.keys(frames)))).toEqual(
      new Set(['pictures', 'clouds', 'error', 'status', 'plan', 'cost', 'numbers']),
    );
    expect([picture.slot, picture.width, picture.height]).toEqual(['result', 37, 23]);
    meanColor(picture.pixels).forEach((value, channel) => {
      expect(Math.abs(value - (meanColor(defaults.target.pixels)[channel] ?? 0))).toBeLessThan(12);
    });
    expect(result.lower).toBeLessThan(result.transportCost);
    expect(result.upper).toBeGreaterThan(result.lower);
  });
});

it('shows the same numbers for the same seed, and others for another', async () => {
  const first = await run(gpu);
  const again = await run(gpu);
  const other = await run(gpu, { seed: 8 });
  expect(again.result.transportCost).toBe(first.result.transportCost);
  expect(other.result.transportCost).not.toBe(first.result.transportCost);
});

it('knows the exact cost in one dimension, and agrees with float64', async () => {
  const { result } = await run(gpu, { space: 'lightness', check: true });
  expect(result.exact).toBeGreaterThanOrEqual(result.lower);
  expect(result.exact).toBeLessThanOrEqual(result.upper);
  expect(result.difference).toBeLessThanOrEqual(1e-5);
});

it('says so when it did not converge, and when float32 cannot hold epsilon', async () => {
  const short = await run(gpu, { maximumIterations: 3, epsilon: 1e-3 });
  expect(short.last.status?.state).toBe('not-converged');
  expect(short.last.status?.text).toContain('did not converge in 3 iterations');
  const tiny = await run(gpu, { epsilon: 1e-8, tolerance: 1e-6 });
  expect(tiny.last.status?.state).toBe('precision-limited');
  expect(tiny.last.status?.warning).toMatch(
    /smallest that works is about [\d.e-]+, which is [\d.e-]+ of the largest cost/,
  );
});

it('takes photographs of a single pixel and of a single colour', async () => {
  const pixel: Photograph = { name: 'pixel', width: 1, height: 1, pixels: new Uint8ClampedArray([10, 200, 30, 255]) };
  const { result, picture } = await run(gpu, { source: pixel, target: pixel });
  expect(result.status).toBe('converged');
  Array.from(picture.pixels).forEach((value, at) =>
    expect(Math.abs(value - (pixel.pixels[at] ?? 0))).toBeLessThanOrEqual(1),
  );
});
