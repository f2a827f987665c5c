/** Sums over cost tensors of two to five axes, past one chunk, against float64; the step; what they refuse. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { logSumExpOverTensor, tensorPlanCosts, tensorStep } from '../../src/kernels/tensor-transport';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

type TestDevice = typeof gpu | typeof cpu;

function planOn(device: TestDevice, shape: readonly number[]) {
  const total = shape.reduce((sum, size) => sum + size, 0);
  const size = shape.reduce((product, length) => product * length, 1);
  return {
    cost: device.tensor(float32s(size, 11, 0, 2), shape),
    axes: device.tensor(shape, [shape.length], 'u32'),
    potentials: device.tensor(float32s(total, 12), [total]),
  };
}

const shapes = [
  [1, 1],
  [3, 5],
  [7, 1, 11],
  [17, 19, 23],
  [64, 65, 3],
  [2, 3, 4, 5],
  [3, 2, 5, 2, 7],
  [2, 131, 67],
  [66_001, 2],
];

describe.each(shapes.map((shape) => [shape]))('a tensor of %j', (shape) => {
  it('has the marginals and costs of float64', async () => {
    for (const epsilon of [1, 0.05]) {
      for (const axis of shape.keys()) {
        using _gpuScope = gpu.scope();
        using _cpuScope = cpu.scope();
        const [actual, exact] = [
          tensorPlanCosts(planOn(gpu, shape), axis, epsilon),
          tensorPlanCosts(planOn(cpu, shape), axis, epsilon),
        ];
        const alone = await logSumExpOverTensor(planOn(gpu, shape), axis, epsilon).read();
        const [sums, truth] = [await actual.logSums.read(), await exact.logSums.read()];
        const [costs, trueCosts] = [await actual.costs.read(), await exact.costs.read()];
        expect(Array.from(alone)).toEqual(Array.from(sums));
        // An exponent of up to (axes + 2) / epsilon is off by a rounding for each of its axes + 1 terms; the sum takes at most
        // 64 + 6 steps in a workgroup and one per chunk, each with an exponential of 4 ULP where the largest term changes.
        const exponent = ((shape.length + 2) * (shape.length + 2)) / epsilon;
        const bound = 2 ** -23 * (exponent + 6 * (70 + 40) + 3 * Math.max(...Array.from(truth, Math.abs)));
        truth.forEach((value, i) => expect(Math.abs(value - (sums[i] ?? NaN))).toBeLessThanOrEqual(bound));
        trueCosts.forEach((value, i) =>
          expect(Math.abs(value - (costs[i] ?? NaN))).toBeLessThanOrEqual(2 * bound * Math.max(value, 1e-30)),
        );
      }
    }
  });
});

describe('tensorStep', () => {
  it('changes the potentials of one axis only', async () => {
    for (const [axis, offset, length] of [
      [0, 0, 17],
      [1, 17, 19],
      [2, 36, 23],
    ] as const) {
      const run = async (device: TestDevice) => {
        using _scope = device.scope();
        const plan = planOn(device, [17, 19, 23]);
        const before = Float64Array.from(await plan.potentials.read());
        const [logSums, logWeights] = [
          device.tensor(float32s(length, 3), [length]),
          device.tensor(float32s(59, 4), [59]),
        ];
        tensorStep(plan, axis, logSums, logWeights, 0.5);
        return [before, Float64Array.from(await plan.potentials.read())] as const;
      };
      const [[before, actual], [, exact]] = [await run(gpu), await run(cpu)];
      actual.forEach((value, at) => {
        if (at < offset || at >= offset + length) expect(value).toBe(before[at]);
        else expect(Math.abs(value - (exact[at] ?? NaN))).toBeLessThanOrEqual(4 * 2 ** -23);
      });
    }
  });
});

it('refuses an axis that is not there and potentials of another length', () => {
  using _scope = cpu.scope();
  const plan = planOn(cpu, [2, 3]);
  expect(() => logSumExpOverTensor(plan, 2, 1)).toThrow(InvalidInputError);
  expect(() => logSumExpOverTensor({ ...plan, potentials: cpu.full([4], 0) }, 0, 1)).toThrow(/potentials has 4/);
});
