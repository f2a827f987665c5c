/** The uniformity lab at a small size, on both devices: both metrics as representations collapse, and the five properties. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../src/device';
import { InvalidInputError } from '../../../src/device/errors';
import { collapse, makeRepresentations } from '../../../src/labs/collapse';
import type { CheckedFrames } from '../../../src/labs/define';
import lab from '../../../src/labs/transport/uniformity';
import { openReference, openTestDevice } from '../../support/device';

const gpu = await openTestDevice();

const defaults = {
  representations: undefined,
  kind: 'dimensions',
  level: 0.5,
  points: 128,
  dimension: 16,
  seed: 7,
} as const;

async function run(device: Device, patch: Partial<Parameters<typeof lab.run>[0]['params']> = {}, changes = 0) {
  const session = device.session();
  const shown: Parameters<Parameters<typeof lab.run>[0]['frame']>[0][] = [];
  let left = changes;
  const steps = lab.run({
    device: session,
    params: { ...defaults, ...patch },
    signal: new AbortController().signal,
    frame: (frames) => {
      shown.push(frames);
      return frames as CheckedFrames;
    },
    nextChange: () => Promise.resolve(left-- > 0),
  });
  try {
    let next = await steps.next();
    while (next.done !== true) next = await steps.next();
    return { result: next.value, shown };
  } finally {
    session.close();
  }
}

describe.each(['GPU', 'reference device'])('on the %s', (name) => {
  it('sees dimensions collapse in the distance, and keeps the claims', async () => {
    const { result, shown } = await run(name === 'GPU' ? gpu : openReference(), {}, 2);
    const distances = result.sweep.map(({ wasserstein }) => wasserstein);
    distances.slice(1).forEach((distance, i) => expect(distance).toBeGreaterThan(distances[i] ?? NaN));
    for (const { id, measure, holds } of lab.claims.filter(({ id }) => id !== 'sees-dimensional-collapse')) {
      const measured = await measure(result, () => Promise.resolve(result));
      expect({ id, measured, holds: holds(measured) }).toMatchObject({ id, holds: true });
    }
    expect(shown.filter(({ cloud }) => cloud !== undefined)).toHaveLength(3);
  });
});

it('agrees with float64', async () => {
  const [made, expected] = [await run(gpu), await run(openReference())];
  made.result.sweep.forEach(({ wasserstein, potential }, i) => {
    const truth = expected.result.sweep[i];
    expect(Math.abs(wasserstein - (truth?.wasserstein ?? NaN))).toBeLessThan(1e-4);
    expect(Math.abs(potential - (truth?.potential ?? NaN))).toBeLessThan(1e-5);
  });
});

it.each(['features', 'instances', 'constant'] as const)('grows less uniform with %s', async (kind) => {
  const { result } = await run(gpu, { kind });
  expect(result.sweep.at(-1)?.wasserstein).toBeGreaterThan(result.sweep[0]?.wasserstein ?? NaN);
});

it('collapses to one point, and refuses rows without direction', async () => {
  const points = makeRepresentations(undefined, 8, 4, 1);
  const { values } = collapse(points, 'constant', 1);
  for (let i = 4; i < values.length; i++) expect(values[i]).toBeCloseTo(values[i % 4] ?? NaN, 6);
  const zero = { name: 'zero.npy', rows: 3, columns: 2, values: new Float64Array(6) };
  await expect(run(gpu, { representations: zero })).rejects.toThrow(InvalidInputError);
  const tooFew = { name: 'one.npy', rows: 1, columns: 2, values: new Float64Array([1, 2]) };
  await expect(run(gpu, { representations: tooFew })).rejects.toThrow(InvalidInputError);
});
