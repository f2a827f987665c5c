/** The scaling of the rows of a stored plan, and the plan of a transposed cost, against float64. */
import { describe, expect, it } from 'vitest';
import type { Device, Tensor } from '../../src/device';
import type { Pairs } from '../../src/kernels/pairs';
import { Philox } from '../../src/kernels/random';
import { serialTuning } from '../../src/kernels/serial';
import { rowScaling, scaledLogSums } from '../../src/kernels/scaling';
import { planMatrix } from '../../src/kernels/stored-plan';
import { openReference, openTestDevice, tuneTests } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

async function results(device: Device, rows: number, columns: number, transposed: boolean): Promise<number[][]> {
  using _scope = device.scope();
  const random = new Philox(rows, columns);
  const numbers = (shape: readonly number[], scale = 1): Tensor =>
    device.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * random.uniform()),
      shape,
    );
  const pairs: Pairs = { matrix: numbers(transposed ? [columns, rows] : [rows, columns]), transposed };
  const potentials = { rows: numbers([rows], 0.2), columns: numbers([columns], 0.2) };
  const plan = planMatrix(pairs, potentials, 0.1);
  const [scaling, weights] = [numbers([columns]), numbers([rows])];
  const all = [plan, rowScaling(plan, scaling, weights), scaledLogSums(plan, scaling)];
  const read: number[][] = [];
  for (const tensor of all) read.push(Array.from(await tensor.read()));
  return read;
}

describe.each(['true', 'false'])('serial: %s', (serial) => {
  tuneTests(gpu, serialTuning, serial);

  it.each([
    [1, 1, false],
    [4, 33, false],
    [65, 64, true],
    [257, 130, false],
    [257, 130, true],
  ])('a plan of %i x %i (transposed: %s) and its scalings are those of float64', async (rows, columns, transposed) => {
    const actual = await results(gpu, rows, columns, transposed);
    const expected = await results(cpu, rows, columns, transposed);
    // The exponent is at most 10 in magnitude and rounded three times; sums of up to 130 positive terms add a few units.
    const allowed = 2 ** -24 * (3 * 10 + 16);
    for (const [k, values] of expected.entries()) {
      expect(actual[k]?.length).toBe(values.length);
      values.forEach((value, at) => {
        expect(Math.abs((actual[k]?.[at] ?? NaN) - value)).toBeLessThanOrEqual(
          allowed * Math.max(Math.abs(value), k === 2 ? 1 : 0),
        );
      });
    }
  });
});

it('refuses factors that do not fit the plan', () => {
  using _scope = gpu.scope();
  expect(() => rowScaling(gpu.full([2, 3], 1), gpu.full([2], 1), gpu.full([2], 1))).toThrow(/3 columns needs as many/);
  expect(() => rowScaling(gpu.full([2, 3], 1), gpu.full([3], 1), gpu.full([3], 1))).toThrow(/weights has 3/);
});
