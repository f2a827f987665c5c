/** The light bridge lab at a small size, on both devices: what it shows, how it ends, and what it refuses. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../src/device';
import { InvalidInputError } from '../../../src/device/errors';
import type { CheckedFrames } from '../../../src/labs/define';
import type { NumericMatrix } from '../../../src/labs/parameters';
import lab from '../../../src/labs/transport/light-bridge';
import { openReference, openTestDevice } from '../../support/device';
import { float32s } from '../../support/numbers';

const gpu = await openTestDevice();

const defaults = {
  source: 'gaussian',
  target: 'moons',
  sourcePoints: undefined,
  targetPoints: undefined,
  epsilon: 0.5,
  components: 4,
  covariance: 'diagonal',
  learningRate: 0.1,
  steps: 60,
  batch: 64,
  samples: 128,
  seed: 7,
} as const;

async function run(device: Device, patch: Partial<Parameters<typeof lab.run>[0]['params']> = {}) {
  const session = device.session();
  const shown: Parameters<Parameters<typeof lab.run>[0]['frame']>[0][] = [];
  const steps = lab.run({
    device: session,
    params: { ...defaults, ...patch },
    signal: new AbortController().signal,
    frame: (frames) => {
      shown.push(frames);
      return frames as CheckedFrames;
    },
    nextChange: () => Promise.resolve(false),
  });
  try {
    let next = await steps.next();
    while (next.done !== true) next = await steps.next();
    return { result: next.value, shown };
  } finally {
    session.close();
  }
}

function matrix(rows: number, columns: number, seed: number, scale = 1): NumericMatrix {
  const values = Float64Array.from(float32s(rows * columns, seed), (value) => scale * value + 5);
  return { name: 'own.csv', rows, columns, values };
}

describe.each(['GPU', 'reference device'])('on the %s', (name) => {
  it('trains, follows particles and compares', async () => {
    const { result, shown } = await run(name === 'GPU' ? gpu : openReference());
    expect(new Set(shown.flatMap((frames) => Object.keys(frames)))).toEqual(
      new Set(['clouds', 'paths', 'loss', 'speed', 'status', 'numbers']),
    );
    const losses = shown.flatMap(({ loss }) => (loss !== undefined && 'y' in loss ? [Number(loss.y)] : []));
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? NaN);
    expect(result.sinkhorn).toBeLessThan(0.2);
    expect(result.moments).toBeLessThan(0.5);
    expect(shown.at(-1)?.status?.state).toBe('done');
  });
});

it('shows the same for the same seed', async () => {
  const [first, again, other] = [await run(gpu), await run(gpu), await run(gpu, { seed: 8 })];
  expect(again.result.loss).toBe(first.result.loss);
  expect(other.result.loss).not.toBe(first.result.loss);
});

it('takes a person’s points in any number of dimensions, wherever they lie', async () => {
  const targetPoints = matrix(90, 5, 2, 1e6);
  const { result } = await run(gpu, { targetPoints });
  expect(Number.isFinite(result.moments)).toBe(true);
  const line = await run(gpu, { sourcePoints: matrix(50, 1, 3), targetPoints: matrix(70, 1, 4) });
  expect(Number.isFinite(line.result.loss)).toBe(true);
});

it('says what does not go together', async () => {
  await expect(run(gpu, { source: 'ring', targetPoints: matrix(90, 5, 2) })).rejects.toThrow(InvalidInputError);
  await expect(run(gpu, { sourcePoints: matrix(9, 3, 1), targetPoints: matrix(9, 2, 2) })).rejects.toThrow(
    /give both the same/,
  );
  const broken = { ...matrix(9, 2, 1), values: new Float64Array(18).fill(NaN) };
  await expect(run(gpu, { targetPoints: broken })).rejects.toThrow(InvalidInputError);
  const flat = { ...matrix(9, 2, 1), values: new Float64Array(18).fill(3) };
  expect(Number.isFinite((await run(gpu, { targetPoints: flat, epsilon: 1 })).result.loss)).toBe(true);
});
