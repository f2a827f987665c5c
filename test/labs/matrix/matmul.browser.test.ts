/** The matrix-product lab, run as the engine runs it: what it yields, what it measures, what it refuses. */
import { describe, expect, test } from 'vitest';
import type { Device } from '../../../src/device';
import { InvalidInputError } from '../../../src/device/errors';
import { matmulVariants } from '../../../src/kernels/matmul';
import type { CheckedFrames } from '../../../src/labs/define';
import lab from '../../../src/labs/matrix/matmul';
import type { NumericMatrix } from '../../../src/labs/parameters';
import { openReference, openTestDevice } from '../../support/device';

const gpu = await openTestDevice();

type Params = Parameters<typeof lab.run>[0]['params'];

const defaults: Params = {
  m: 64,
  n: 48,
  k: 80,
  variant: 'all',
  a: undefined,
  b: undefined,
  samples: 3,
  side: 8,
  seed: 7,
};

async function runOn(device: Device, patch: Partial<Params> = {}) {
  const controller = new AbortController();
  const session = device.session(controller.signal);
  const frames: CheckedFrames[] = [];
  try {
    const run = lab.run({
      device: session,
      params: { ...defaults, ...patch },
      signal: controller.signal,
      frame: (frame) => frame as CheckedFrames,
      nextChange: () => Promise.resolve(false),
    });
    for (;;) {
      const next = await run.next();
      if (next.done === true) return { frames, result: next.value };
      frames.push(next.value);
    }
  } finally {
    session.close();
  }
}

const matrix = (rows: number, columns: number, value: number): NumericMatrix => ({
  name: 'given.csv',
  rows,
  columns,
  values: new Float64Array(rows * columns).fill(value),
});

test('races every variant, checks its numbers and ends with a sentence', async () => {
  const { frames, result } = await runOn(gpu);
  expect(result.results.map(({ variant }) => variant)).toEqual(matmulVariants);
  for (const { error, timing, readBackMs } of result.results) {
    expect(error.largest).toBeLessThan(16);
    expect(error.ratios.length).toBe(64);
    expect(timing.medianMs).toBeGreaterThan(0);
    expect(readBackMs).toBeGreaterThan(0);
  }
  for (const figure of Object.keys(lab.figures))
    expect(
      frames.some((frame) => figure in frame),
      figure,
    ).toBe(true);
  const end = frames.at(-1)?.status;
  expect(end?.state).toBe('done');
  expect(end?.text).toMatch(/GFLOP\/s, \d+ % of the roofline/);
  const rows = frames.filter((frame) => 'times' in frame).length;
  expect(rows).toBe(matmulVariants.length);
  expect(gpu.memory().liveBuffers).toBe(0);
});

test('a generated product of 128 or more is timed at an eighth, a quarter and a half as well', async () => {
  const { result } = await runOn(gpu, { m: 128, n: 128, k: 128, variant: 'vec4' });
  expect(result.all.map(({ sizes }) => sizes.m)).toEqual([16, 32, 64, 128]);
  expect(result.results.map(({ variant }) => variant)).toEqual(['vec4']);
  // What was compiled at the first size is not forgotten at the last.
  expect(result.results[0]?.compileMs).toBe(Math.max(...result.all.map(({ timing }) => timing.compileMs)));
});

test('every claim holds that does not depend on the clock, at the quick preset', async () => {
  const { result } = await runOn(gpu, { m: 256, n: 256, k: 256, variant: 'vec4' });
  const claim = lab.claims.find(({ id }) => id === 'accuracy');
  const ratio = await claim?.measure(result, () => Promise.resolve(result));
  expect(ratio).toBeGreaterThan(0);
  expect(ratio).toBeLessThan(16);
  expect(claim?.holds(ratio ?? Number.NaN)).toBe(true);
  expect(claim?.holds(16)).toBe(false);
  expect(claim?.holds(Number.NaN)).toBe(false);
});

test('runs on the reference device and says that it is the wall clock', async () => {
  const cpu = openReference();
  const { frames, result } = await runOn(cpu);
  expect(result.results.map(({ variant }) => variant)).toEqual(['naive']);
  expect(result.results[0]?.error.largest).toBeLessThan(1e-6);
  expect(JSON.stringify(frames)).toContain('wall clock');
  expect(JSON.stringify(frames)).toContain('float64 on the CPU');
  expect(cpu.memory().liveBuffers).toBe(0);
});

describe('a person’s own matrices', () => {
  test('set the sizes', async () => {
    const { result } = await runOn(gpu, { a: matrix(5, 7, 2), variant: 'vec4' });
    expect(result.results[0]?.sizes).toEqual({ m: 5, n: 48, k: 7 });
    const both = await runOn(gpu, { a: matrix(5, 7, 2), b: matrix(7, 3, 0.5), variant: 'tiled' });
    expect(both.result.results[0]?.sizes).toEqual({ m: 5, n: 3, k: 7 });
    expect(both.result.results[0]?.error.largest).toBe(0);
    expect(lab.memory.bytes({ ...defaults, a: matrix(5, 7, 2), b: matrix(7, 3, 0.5) })).toBe(
      8 * (35 + 21 + 15) + 2 ** 27,
    );
  });

  test('are refused in words where they do not fit together or into float32', async () => {
    await expect(runOn(gpu, { a: matrix(5, 7, 1), b: matrix(6, 3, 1) })).rejects.toThrow(InvalidInputError);
    await expect(runOn(gpu, { a: matrix(5, 7, 1), b: matrix(6, 3, 1) })).rejects.toThrow(
      'A is 5 x 7 and B is 6 x 3: A needs as many columns as B has rows.',
    );
    await expect(runOn(gpu, { b: matrix(2, 2, 1e39) })).rejects.toThrow(
      'given.csv has 1e+39 in row 1, column 1, which float32 cannot hold',
    );
    expect(gpu.memory().liveBuffers).toBe(0);
  });
});
