/** The light bridge lab at a small size, on both devices: what it shows, how it ends, and what it refuses. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../src/device';
import { InvalidInputError } from '../../../src/device/errors';
import { loadTable } from '../../../src/data/tables';
import { makeClouds } from '../../../src/labs/bridge-clouds';
import type { NumericMatrix } from '../../../src/labs/parameters';
import lab from '../../../src/labs/transport/light-bridge';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';
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

const run = (device: Device, patch: Partial<Parameters<typeof lab.run>[0]['params']> = {}) =>
  runLab(device, lab, { ...defaults, ...patch });

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

const extent = (points: ArrayLike<number>): number => Array.from(points).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
const meanOf = (points: ArrayLike<number>, axis: number): number =>
  Array.from(points).reduce((sum, value, at) => (at % 2 === axis ? sum + value : sum), 0) / (points.length / 2);

describe('real and painted points', () => {
  it('of a painting stay where they were painted', () => {
    const values = Float64Array.of(1, 2, 2.5, 2, 1.5, -1, 2, 0.5);
    const targetPoints: NumericMatrix = { name: 'painted', rows: 4, columns: 2, values };
    const { source, target } = makeClouds({ ...defaults, targetPoints });
    expect(target).toEqual(Float32Array.from(values));
    expect(source.length).toBe(2 * defaults.samples);
  });

  it('of a map are centred, in proportion, and two sets of one map together', async () => {
    const [sourcePoints, targetPoints] = [await loadTable('capitals'), await loadTable('airports')];
    const { source, target } = makeClouds({ ...defaults, sourcePoints, targetPoints });
    expect([source.length, target.length]).toEqual([2 * sourcePoints.rows, 2 * targetPoints.rows]);
    for (const axis of [0, 1]) expect(Math.abs(meanOf(target, axis))).toBeLessThan(1e-5);
    const square = Array.from(target).reduce((sum, value) => sum + value * value, 0) / target.length;
    expect(Math.abs(square - 1)).toBeLessThan(1e-5);
    // Capitals lie further east than airports on average; scaled on their own they would not.
    expect(meanOf(source, 0)).toBeGreaterThan(0.1);
    // A degree of longitude is as long as one of latitude at the equator of the map: 58 degrees across, 25 to 49 up.
    const width = extent(target.filter((_, at) => at % 2 === 0)) / extent(target.filter((_, at) => at % 2 === 1));
    expect(width).toBeGreaterThan(1.5);
    expect(width).toBeLessThan(2.5);
  });

  it('with columns of different units get a variance of one each', () => {
    const values = Float64Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? 4000 + 10 * at : 40 + (at % 5)));
    const { target } = makeClouds({ ...defaults, targetPoints: { name: 'own', rows: 100, columns: 2, values } });
    for (const axis of [0, 1]) {
      const square = Array.from(target).reduce((sum, value, at) => (at % 2 === axis ? sum + value ** 2 : sum), 0) / 100;
      expect(Math.abs(square - 1)).toBeLessThan(1e-5);
    }
  });

  it('are reached by a bridge: airports from a Gaussian', async () => {
    const all = await loadTable('airports');
    // Every fifth: two columns of ten stay.
    const values = all.values.filter((_, at) => at % 10 < 2);
    const targetPoints = { ...all, values, rows: values.length / 2 };
    const patch = { targetPoints, epsilon: 0.1, components: 12, steps: 150, samples: 256 };
    const { result } = await run(gpu, patch);
    // Three standard errors of the moments of 256 particles.
    expect(result.moments).toBeLessThanOrEqual(0.33);
    expect(result.sinkhorn).toBeLessThanOrEqual(0.2);
  });
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
