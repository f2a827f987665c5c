/** Gradients of low-rank adaptation: finite differences in float64, both devices, and the error of the polynomial. */
import { describe, expect, it } from 'vitest';
import { adaptationStep, type AdaptationProblem, type Projection } from '../../src/algorithms/low-rank-adaptation';
import type { Device } from '../../src/device';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();
const [count, width, columns, rank] = [13, 5, 3, 2];
const projections = ['queries', 'keys', 'values'] as const;

function numbersOf(size: number) {
  const draw = (length: number, seed: number) => Array.from(float32s(length, seed, -size, size));
  return {
    tokens: draw(count * width, 1),
    targets: draw(count * columns, 2),
    weights: Object.fromEntries(
      projections.map((name, at) => [
        name,
        {
          frozen: draw(width * columns, 3 + at),
          down: draw(width * rank, 13 + at),
          up: draw(rank * columns, 23 + at),
        },
      ]),
    ) as Record<Projection, Record<'frozen' | 'down' | 'up', number[]>>,
  };
}

function place(device: Device, numbers: ReturnType<typeof numbersOf>): AdaptationProblem {
  const of = (name: Projection) => ({
    frozen: device.tensor(numbers.weights[name].frozen, [width, columns]),
    down: device.tensor(numbers.weights[name].down, [width, rank]),
    up: device.tensor(numbers.weights[name].up, [rank, columns]),
  });
  return {
    tokens: device.tensor(numbers.tokens, [count, width]),
    targets: device.tensor(numbers.targets, [count, columns]),
    weights: { queries: of('queries'), keys: of('keys'), values: of('values') },
    strength: 0.5,
  };
}

async function lossOf(numbers: ReturnType<typeof numbersOf>): Promise<number> {
  using _scope = cpu.scope();
  const output = await adaptationStep(place(cpu, numbers), 'exact').output.read();
  return Array.from(output).reduce((sum, value, at) => sum + (value - (numbers.targets[at] ?? 0)) ** 2 / 2, 0);
}

describe('adaptationStep', () => {
  it.each(projections)('has the gradient of the loss with respect to the %s', async (projection) => {
    const numbers = numbersOf(1);
    for (const factor of ['down', 'up'] as const) {
      using _scope = cpu.scope();
      const gradient = await adaptationStep(place(cpu, numbers), 'exact').gradient[projection][factor].read();
      for (let at = 0; at < gradient.length; at++) {
        const moved = async (by: number): Promise<number> => {
          const changed = structuredClone(numbers);
          const list = changed.weights[projection][factor];
          list[at] = (list[at] ?? 0) + by;
          return await lossOf(changed);
        };
        const slope = ((await moved(1e-5)) - (await moved(-1e-5))) / 2e-5;
        expect(Math.abs((gradient[at] ?? NaN) - slope)).toBeLessThanOrEqual(1e-7);
      }
    }
  });

  it.each([['exact', 'exact'] as const, ['polynomial', { degree: 4 }] as const])(
    'is the same on both devices: %s',
    async (_, approximation) => {
      const run = async (device: Device) => {
        using _scope = device.scope();
        const { output, gradient } = adaptationStep(place(device, numbersOf(1)), approximation);
        const all = [output, ...projections.flatMap((name) => [gradient[name].down, gradient[name].up])];
        const read: number[] = [];
        for (const tensor of all) read.push(...(await tensor.read()));
        return read;
      };
      const [actual, expected] = [await run(gpu), await run(cpu)];
      const largest = Math.max(...expected.map(Math.abs));
      actual.forEach((value, at) =>
        expect(Math.abs(value - (expected[at] ?? NaN))).toBeLessThanOrEqual(2e-6 * largest),
      );
    },
  );

  it('comes closer to the exact gradient with the degree, and worse with larger numbers', async () => {
    const errorOf = async (size: number, degree: number): Promise<number> => {
      using _scope = cpu.scope();
      const problem = place(cpu, numbersOf(size));
      const [exact, fast] = [adaptationStep(problem, 'exact'), adaptationStep(problem, { degree })];
      const [truth, value] = [await exact.gradient.queries.down.read(), await fast.gradient.queries.down.read()];
      const distance = Math.hypot(...Array.from(truth, (entry, at) => entry - (value[at] ?? NaN)));
      return distance / Math.hypot(...truth);
    };
    const byDegree = [await errorOf(0.7, 2), await errorOf(0.7, 4), await errorOf(0.7, 8)];
    expect(byDegree[1]).toBeLessThan(byDegree[0] ?? 0);
    expect(byDegree[2]).toBeLessThan(byDegree[1] ?? 0);
    expect(byDegree[2]).toBeLessThan(1e-6);
    expect(await errorOf(1.5, 4)).toBeGreaterThan(100 * (byDegree[1] ?? 0));
  });
});
