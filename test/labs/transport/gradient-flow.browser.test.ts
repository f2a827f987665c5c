/** The gradient flow lab on small clouds, on both devices: what it shows, how it ends, and its live parameters. */
import { describe, expect, it } from 'vitest';
import { loadTable } from '../../../src/data/tables';
import type { Device } from '../../../src/device';
import type { CheckedFrames } from '../../../src/labs/define';
import lab from '../../../src/labs/transport/gradient-flow';
import { openReference, openTestDevice } from '../../support/device';

const gpu = await openTestDevice();

type Params = {
  -readonly [Name in keyof Parameters<typeof lab.run>[0]['params']]: Parameters<typeof lab.run>[0]['params'][Name];
};

const defaults: Params = {
  source: 'discs',
  target: 'ring',
  photograph: { name: 'none', width: 1, height: 1, pixels: new Uint8ClampedArray(4) },
  sourcePoints: undefined,
  targetPoints: undefined,
  count: 48,
  blur: 0.25,
  stepSize: 0.5,
  steps: 8,
  biased: true,
  check: false,
  seed: 7,
};

async function run(device: Device, patch: Partial<Params> = {}, changes: readonly Partial<Params>[] = []) {
  const session = device.session();
  const shown: Parameters<Parameters<typeof lab.run>[0]['frame']>[0][] = [];
  const params = { ...defaults, ...patch };
  const waiting = [...changes];
  const steps = lab.run({
    device: session,
    params,
    signal: new AbortController().signal,
    frame: (frames) => {
      shown.push(frames);
      return frames as CheckedFrames;
    },
    nextChange: () => {
      const change = waiting.shift();
      if (change !== undefined) Object.assign(params, change);
      return Promise.resolve(change !== undefined);
    },
  });
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  session.close();
  return { result: next.value, shown };
}

describe.each(['GPU', 'reference device'])('on the %s', (name) => {
  const device = name === 'GPU' ? gpu : openReference();

  it('moves a cloud to the other, and shows that the biased cost shrinks it', async () => {
    const { result, shown } = await run(device);
    expect(result.failed).toBe(0);
    expect(result.smallest).toBeGreaterThan(0);
    expect(result.decrease).toBeLessThan(0.1);
    expect(result.biased).toBeLessThan(0.9 * result.debiased);
    expect(new Set(shown.flatMap((frames) => Object.keys(frames)))).toEqual(
      new Set(['clouds', 'divergence', 'spread', 'numbers', 'status']),
    );
    expect(shown.at(-1)?.status?.state).toBe('done');
    expect(shown.at(-1)?.numbers?.rows.length).toBe(4);
  });
});

it('knows two divergences beforehand', async () => {
  const { result } = await run(gpu, { check: true, steps: 1, biased: false });
  expect(result.self).toBeLessThanOrEqual(1e-5);
  expect(result.shifted).toBeLessThanOrEqual(1e-5);
  expect(result.biased).toBeNaN();
});

it('goes on with a live parameter that changed', async () => {
  const { shown } = await run(gpu, { steps: 2, biased: false, count: 16 }, [{ blur: 0.3 }]);
  const steps = shown.flatMap(({ spread }) => (spread !== undefined && 'x' in spread ? [spread.x] : []));
  expect(steps).toEqual([0, 1, 2, 3, 4, 5]);
});

it('says so where the blur is too small for the iterations it allows', async () => {
  const { shown, result } = await run(gpu, { steps: 1, biased: false, count: 24, blur: 0.01 });
  expect(result.failed).toBeGreaterThan(0);
  expect(shown.at(-1)?.status?.warning).toMatch(/raise the blur/);
});

it('flows to real points', async () => {
  const targetPoints = await loadTable('capitals');
  const { result } = await run(gpu, { targetPoints, steps: 8, biased: false });
  expect(result.failed).toBe(0);
  expect(result.decrease).toBeLessThan(0.1);
});

it('takes a single point, and points that are all equal', async () => {
  const points = { name: 'same.csv', rows: 3, columns: 2, values: new Float64Array(6).fill(4) };
  const { result } = await run(gpu, { sourcePoints: points, targetPoints: points, count: 16, steps: 1 });
  expect(result.smallest).toBeGreaterThanOrEqual(-1e-6);
});
