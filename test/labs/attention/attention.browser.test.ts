/** The attention lab: what it yields, how a picked pixel and a new bandwidth come through, and that its claims are measured. */
import { describe, expect, test } from 'vitest';
import type { Device } from '../../../src/device/device';
import lab from '../../../src/labs/attention/attention';
import type { CheckedFrames } from '../../../src/labs/define';
import type { Photograph, ResolvedValues } from '../../../src/labs/parameters';
import { openReference, openTestDevice } from '../../support/device';

const gpu = await openTestDevice();

const photograph: Photograph = {
  name: 'stripes',
  width: 60,
  height: 40,
  pixels: Uint8ClampedArray.from({ length: 4 * 60 * 40 }, (_, index) =>
    index % 4 === 3 ? 255 : Math.floor((Math.floor(index / 4) % 60) / 10) % 2 === 0 ? 50 : 200,
  ),
};

type Values = { -readonly [Name in keyof ResolvedValues<typeof lab.params>]: ResolvedValues<typeof lab.params>[Name] };

const settings: Values = {
  photograph,
  size: 24,
  part: 'whole',
  noise: 0.1,
  bandwidth: 0.1,
  patch: 3,
  heads: 'one',
  mask: 'none',
  window: 100,
  variant: 'both',
  seed: 7,
  queryX: 3,
  queryY: 4,
};

/** Runs the lab to its end; `changes` are applied one after the other once the result is there. */
async function run(device: Device, patch: Partial<Values>, changes: readonly Partial<Values>[] = []) {
  const params: Values = { ...settings, ...patch };
  const waiting = [...changes];
  const session = device.session();
  const frames: CheckedFrames[] = [];
  const running = lab.run({
    device: session,
    params,
    signal: new AbortController().signal,
    frame: (frame) => frame as unknown as CheckedFrames,
    nextChange: () => {
      const change = waiting.shift();
      if (change !== undefined) Object.assign(params, change);
      return Promise.resolve(change !== undefined);
    },
  });
  let next = await running.next();
  for (; next.done !== true; next = await running.next()) frames.push(next.value);
  session.close();
  return { frames, result: next.value };
}

describe('the attention lab', () => {
  test('shows the pictures first, then the denoised one, and measures both variants', async () => {
    const { frames, result } = await run(gpu, {});
    expect(Object.keys(frames[0] ?? {})).toEqual(['pictures', 'status']);
    expect(result.pixels).toBe(24 * 16);
    expect(result.flash?.psnr).toBeGreaterThan(22);
    expect(Math.abs((result.flash?.psnr ?? 0) - (result.naive?.psnr ?? 99))).toBeLessThan(1e-3);
    expect(result.naive?.heldBytes).toBeGreaterThan(result.flash?.heldBytes ?? Infinity);
    expect(frames.at(-1)?.status?.state).toBe('done');
    for (const claim of lab.claims) {
      const measured = await claim.measure(result, async ({ photograph: _sample, ...patch }) => {
        return (await run(gpu, patch)).result;
      });
      expect(typeof measured).toBe('number');
    }
  });

  test('a picked pixel shows its row, a new bandwidth the picture again', async () => {
    const { frames } = await run(gpu, { variant: 'flash' }, [{ queryX: 20, queryY: 9 }, { bandwidth: 0.2 }]);
    const done = frames.findIndex(({ status }) => status?.state === 'done');
    const [picked, looked, ...denoised] = frames.slice(done + 1);
    expect(picked?.pictures).toMatchObject({ slot: 'row', note: 'of the pixel at 20, 9' });
    expect(looked?.row).toMatchObject({ rows: 16, columns: 24 });
    expect(denoised.at(-1)?.quality).toMatchObject({ series: 'all pixels', x: 0.2 });
  });

  test.each<Partial<Values>>([
    { heads: 'three', mask: 'causal' },
    { mask: 'both', window: 30, part: 'window' },
    { mask: 'window', patch: 1, noise: 0 },
    { size: 16, patch: 9, seed: 0, variant: 'naive' },
  ])('runs with %j', async (patch) => {
    const { frames } = await run(gpu, patch);
    expect(frames.at(-1)?.status?.state).toBe('done');
  });

  test('runs on the reference device', async () => {
    const { result } = await run(openReference(), { size: 16 });
    expect(result.flash?.error).toBeLessThan(1e-6);
  });

  test('leaves no live buffer', async () => {
    const before = gpu.memory().liveBuffers;
    await run(gpu, { size: 16, variant: 'flash' });
    await gpu.finish();
    expect(gpu.memory().liveBuffers).toBe(before);
  });
});
