/** The race of plain Sinkhorn against sparse Newton steps at small sizes: what it shows, how it ends, on both devices. */
import { describe, expect, it } from 'vitest';
import { loadDigit } from '../../../src/data/digits';
import type { Device } from '../../../src/device';
import { EngineError } from '../../../src/device/errors';
import { makeProblem, pointsOf } from '../../../src/labs/newton-race';
import lab from '../../../src/labs/transport/sinkhorn-newton';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();

const defaults = {
  problem: 'assignment',
  size: 60,
  eta: 300,
  rule: 'mass',
  kept: 2,
  switching: 'error',
  warmUp: 20,
  tolerance: 1e-6,
  limit: 400,
  seed: 0,
} as const;

async function run(device: Device, patch: Partial<Parameters<typeof lab.run>[0]['params']> = {}) {
  const { result, shown } = await runLab(device, lab, { ...defaults, ...patch });
  return { result, shown, last: shown.at(-1) };
}

describe.each(['GPU', 'reference device'])('on the %s', (name) => {
  const device = name === 'GPU' ? gpu : openReference();

  it('is won by Newton, and shows both', async () => {
    const { result, shown, last } = await run(device);
    expect(result.status).toBe('converged');
    expect(result.plain.iterations / (result.sinkhornIterations + result.newtonSteps)).toBeGreaterThan(5);
    expect(last?.status?.text).toMatch(/^converged to 1e-6 in \d+ Sinkhorn \+ \d+ Newton steps \(\d+ CG\)$/);
    expect(new Set(shown.flatMap((frames) => Object.keys(frames)))).toEqual(
      new Set(['error', 'time', 'plan', 'kept', 'race', 'status']),
    );
    const lines = shown.flatMap(({ error }) => (error === undefined ? [] : [error].flat()));
    expect(new Set(lines.map(({ series }) => series))).toEqual(new Set(['Sinkhorn, then Newton', 'plain Sinkhorn']));
    const kept = shown.find((frames) => frames.kept !== undefined)?.kept;
    expect(kept?.values.reduce((sum, value) => sum + value, 0)).toBe(result.nonzeros);
    expect(last?.race?.rows.map(({ method }) => method)).toEqual([
      'sparse Newton',
      result.plain.isConverged ? 'plain Sinkhorn' : 'plain Sinkhorn, stopped',
    ]);
    expect(last?.race?.rows[0]?.published).toBe('20 + 9');
  });
});

it('takes more steps where fewer entries are kept', async () => {
  const published = { rule: 'count', switching: 'count', limit: 50 } as const;
  const few = await run(openReference(), { ...published, kept: 2 });
  const more = await run(openReference(), { ...published, kept: 8 });
  expect(few.result.nonzeros).toBe(120);
  expect(more.result.status).toBe('converged');
  expect(few.result.newtonSteps).toBeGreaterThanOrEqual(2 * more.result.newtonSteps);
});

it('moves one digit onto another', async () => {
  const { result } = await run(gpu, { problem: 'digits-l2', size: 100, eta: 1200, limit: 50 });
  expect(result.status).toBe('converged');
  expect(result.newtonSteps).toBeLessThanOrEqual(10);
});

describe('digits', () => {
  it('are real ones, whole and different', async () => {
    const [first, second] = [await loadDigit(3), await loadDigit(3, 1)];
    expect(first).toHaveLength(784);
    expect(first).not.toEqual(second);
    expect(Math.max(...first)).toBeLessThanOrEqual(1);
    // Ink in the middle, paper in the corners.
    expect(first.reduce((sum, value) => sum + value, 0)).toBeGreaterThan(30);
    expect([0, 27, 756, 783].map((at) => first[at])).toEqual([0, 0, 0, 0]);
    await expect(loadDigit(8, 100_000)).rejects.toThrow(EngineError);
  });

  it('weigh one in all at any size, under costs of at most one', async () => {
    for (const size of [16, 400, 784, 2000]) {
      const problem = await makeProblem('digits-l1', size, 3);
      if (!('x' in problem)) throw new Error('points expected');
      const points = pointsOf('digits-l1', size);
      expect(points).toBe(Math.min(28, Math.round(Math.sqrt(size))) ** 2);
      for (const weights of [problem.rowWeights, problem.columnWeights]) {
        expect(weights?.length).toBe(points);
        expect(Array.from(weights ?? []).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
        expect(Math.min(...Array.from(weights ?? []))).toBeGreaterThan(0);
      }
      expect(Math.max(...Array.from(problem.x))).toBeCloseTo(0.5, 6);
    }
  });
});
