/** Gradients of both metrics of uniformity against differences in float64, and descents from a collapse, on both devices. */
import { describe, expect, it } from 'vitest';
import { inverseMatrixRoot } from '../../src/algorithms/matrix-root';
import { unitRows, uniformityMetrics } from '../../src/algorithms/uniformity';
import { uniformityDescent, uniformityGradient, type UniformityStep } from '../../src/algorithms/uniformity-descent';
import type { Device } from '../../src/device';
import { DivergedError, InvalidInputError } from '../../src/device/errors';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();
const [count, dimension] = [40, 5];
const points = float32s(count * dimension, 4);

/** By central differences of the metric, whose rows are scaled to length one again. */
async function differences(loss: 'wasserstein' | 'potential'): Promise<readonly number[]> {
  using _scope = cpu.scope();
  const unit = Array.from(await (await unitRows(cpu.tensor(points, [count, dimension]))).read());
  const step = 1e-4;
  const slopes: number[] = [];
  for (let at = 0; at < 4 * dimension; at++) {
    const value = async (shift: number): Promise<number> => {
      const moved = unit.with(at, (unit[at] ?? NaN) + shift);
      return (await uniformityMetrics(cpu.tensor(moved, [count, dimension])))[loss];
    };
    slopes.push(((await value(step)) - (await value(-step))) / (2 * step));
  }
  return slopes;
}

describe.each([
  // The ridge moves a distance W by about ridge / 2 W, here twice itself; the square of the difference step is 1e-8.
  { name: 'GPU', device: gpu, ridge: 1e-6, tolerance: 1e-4 },
  { name: 'reference device', device: cpu, ridge: 1e-8, tolerance: 1e-6 },
])('on the $name', ({ device, ridge, tolerance }: { device: Device; ridge: number; tolerance: number }) => {
  it.each(['wasserstein', 'potential'] as const)('has the gradient of the %s metric', async (loss) => {
    using _scope = device.scope();
    const unit = await unitRows(device.tensor(points, [count, dimension]));
    const { gradient, ...values } = await uniformityGradient(unit, loss, ridge);
    const metrics = await uniformityMetrics(device.tensor(points, [count, dimension]));
    expect(Math.abs(values.wasserstein - metrics.wasserstein)).toBeLessThanOrEqual(tolerance);
    expect(Math.abs(values.potential - metrics.potential)).toBeLessThanOrEqual(tolerance);
    const made = await gradient.read();
    const scale = Math.hypot(...made) / Math.sqrt(made.length);
    (await differences(loss)).forEach((slope, at) => {
      expect(Math.abs((made[at] ?? NaN) - slope)).toBeLessThanOrEqual(100 * tolerance * scale);
    });
  });

  it.each(['wasserstein', 'potential'] as const)('descends the %s metric into empty directions', async (loss) => {
    const session = device.session();
    const values = points.map((value, at) => (at % dimension < 2 ? value : 0.02 * value));
    const steps: UniformityStep[] = [];
    const start = { values, count, dimension };
    for await (const step of uniformityDescent(session, start, loss, { steps: 20 })) steps.push(step);
    session.close();
    const [first, last] = [steps[0], steps.at(-1)];
    expect(steps).toHaveLength(21);
    expect(last?.[loss]).toBeLessThan(first?.[loss] ?? NaN);
    expect(last?.effectiveRank).toBeGreaterThan(1.5 * (first?.effectiveRank ?? NaN));
  });

  it('finds an inverse root, and says where there is none', async () => {
    using _scope = device.scope();
    const { inverse } = await inverseMatrixRoot(device.tensor([4, 0, 0, 0.01], [2, 2]), 0.01);
    const made = await inverse.read();
    expect(Math.abs((made[0] ?? NaN) - 0.5)).toBeLessThanOrEqual(1e-4);
    expect(Math.abs((made[3] ?? NaN) - 10)).toBeLessThanOrEqual(1e-3);
    await expect(inverseMatrixRoot(device.tensor([1, 0, 0, -1], [2, 2]), 0.1)).rejects.toThrow(DivergedError);
    await expect(inverseMatrixRoot(device.tensor([1, 0, 0, 1], [2, 2]), 0)).rejects.toThrow(InvalidInputError);
  });
});

it('refuses a descent without steps', async () => {
  const start = { values: points, count, dimension };
  await expect(uniformityDescent(cpu, start, 'potential', { steps: 0 }).next()).rejects.toThrow(InvalidInputError);
});
