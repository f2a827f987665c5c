/** The unbalanced scaling step against float64, for both penalties, and what it refuses. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { unbalancedStep, type MarginalPenalty } from '../../src/kernels/unbalanced';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

async function step(device: Device, size: number, epsilon: number, penalty: MarginalPenalty) {
  using _scope = device.scope();
  const vector = (seed: number, low: number, high: number) => device.tensor(float32s(size, seed, low, high), [size]);
  const side = {
    potential: vector(1, -1, 1),
    base: vector(2, -1, 0),
    logWeights: vector(3, -9, 0),
    moved: vector(4, 0, 1),
  };
  unbalancedStep(side, vector(5, -9, 0), epsilon, penalty);
  return { potential: await side.potential.read(), moved: await side.moved.read() };
}

describe.each(['kullback-leibler', 'total-variation'] as const)('the step with a %s penalty', (penalty) => {
  it.each([1, 63, 64, 65, 1009, 70_001])('agrees with float64 for %i rows', async (size) => {
    for (const [epsilon, rho] of [
      [0.05, 0.3],
      [0.3, 0.05],
      [0.1, Infinity],
    ] as const) {
      const actual = await step(gpu, size, epsilon, { penalty, rho });
      const exact = await step(cpu, size, epsilon, { penalty, rho });
      // Numbers up to 1 and steps up to 9 epsilon: a few roundings of their size, then divided by epsilon in the exponent.
      const bound = 2 ** -23 * 8 * (2 + 9 * epsilon);
      let [worst, worstMass] = [0, 0];
      exact.potential.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - (actual.potential[i] ?? NaN)))));
      exact.moved.forEach((value, i) => {
        // The new mass is exp(logSums + change / epsilon): its relative error is that of the exponent.
        const scale = 1 + value;
        worstMass = Math.max(worstMass, Math.abs(value - (actual.moved[i] ?? NaN)) / scale);
      });
      expect(worst).toBeLessThanOrEqual(bound);
      expect(worstMass).toBeLessThanOrEqual((2 * bound) / epsilon);
    }
  });
});

it('refuses vectors of other lengths and a rho that is not positive', () => {
  using _scope = cpu.scope();
  const vector = (size: number) => cpu.full([size], 0);
  const side = { potential: vector(3), base: vector(3), logWeights: vector(3), moved: vector(3) };
  const penalty = { penalty: 'kullback-leibler', rho: 1 } as const;
  expect(() => unbalancedStep(side, vector(2), 0.1, penalty)).toThrow(InvalidInputError);
  expect(() => unbalancedStep({ ...side, base: vector(4) }, vector(3), 0.1, penalty)).toThrow(/base has 4/);
  expect(() => unbalancedStep(side, vector(3), 0.1, { ...penalty, rho: 0 })).toThrow(/rho/);
});
