/** Product-form atoms, their adjoint, the simplex projection and the dual step against float64, and what they refuse. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { histogramAscent } from '../../src/kernels/histogram-ascent';
import { contractAtoms, productAtoms, projectOntoSimplex } from '../../src/kernels/product-atoms';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);

describe.each([
  [1, 1, 1],
  [3, 5, 7],
  [2, 64, 65],
  [7, 31, 17],
])('with %i atoms on %i x %i', (atoms, height, width) => {
  const [left, right] = [float32s(atoms * height, 1, 0, 1), float32s(atoms * width, 2, 0, 1)];
  const x = float32s(atoms * height * width, 3, -1, 1);

  it('makes products and their adjoints', async () => {
    const read = async (device: typeof gpu | typeof cpu): Promise<readonly ArrayLike<number>[]> => {
      using _scope = device.scope();
      const [a, b] = [device.tensor(left, [atoms, height]), device.tensor(right, [atoms, width])];
      const values = device.tensor(x, [atoms, height * width]);
      const results = [productAtoms(a, b), contractAtoms(values, b, 'left'), contractAtoms(values, a, 'right')];
      return await Promise.all(results.map((result) => result.read()));
    };
    const [made = [], down = [], across = []] = await read(gpu);
    const [trueMade = [], trueDown = [], trueAcross = []] = await read(cpu);
    expect(largestDifference(trueMade, made)).toBeLessThanOrEqual(2 ** -24);
    // Terms of at most 1: a rounding for each of a block of 16 and for each block.
    const bound = (length: number): number => 2 ** -23 * length * (16 + length / 16);
    expect(largestDifference(trueDown, down)).toBeLessThanOrEqual(bound(width));
    expect(largestDifference(trueAcross, across)).toBeLessThanOrEqual(bound(height));
  });
});

it.each([
  [1, 1],
  [3, 2],
  [65, 7],
  [129, 33],
])('projects %i rows of %i onto the simplex', async (rows, columns) => {
  const x = float32s(rows * columns, 4, -1, 1).map(
    (value, i) => value * (i % 3 === 0 ? 1 : 0.05) + (i % 2 === 0 ? 0 : 1e-3),
  );
  using _gpuScope = gpu.scope();
  using _cpuScope = cpu.scope();
  const actual = await projectOntoSimplex(gpu.tensor(x, [rows, columns])).read();
  const exact = await projectOntoSimplex(cpu.tensor(x, [rows, columns])).read();
  expect(largestDifference(exact, actual)).toBeLessThanOrEqual(2 ** -22 * (columns + 4));
  for (let row = 0; row < rows; row++) {
    const point = Array.from(exact).slice(row * columns, (row + 1) * columns);
    const given = Array.from(x).slice(row * columns, (row + 1) * columns);
    expect(point.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
    // The nearest point: x less the point is largest, and the same, where the point is positive.
    const rests = given.map((value, i) => value - (point[i] ?? NaN));
    const most = Math.max(...rests.filter((_, i) => (point[i] ?? 0) > 0));
    rests.forEach((rest, i) => expect(rest).toBeLessThanOrEqual(most + 1e-12 * ((point[i] ?? 0) + 1)));
  }
});

it.each([
  [1, 1],
  [3, 35],
  [5, 131],
])('takes steps of %i histograms of %i places', async (count, places) => {
  const size = count * places;
  const results = [];
  for (const device of [gpu, cpu]) {
    using _scope = device.scope();
    const make = (seed: number, low: number, high: number) =>
      device.tensor(float32s(size, seed, low, high), [count, places]);
    const tensors = {
      logSums: make(5, -3, 0),
      wanted: make(6, 0, 0.5),
      metric: make(7, 0.5, 2),
      potential: make(8, -1, 1),
      previous: make(9, -1, 1),
      momentum: device.tensor(float32s(count, 10, 1, 5), [count]),
      residual: device.full([count], 0),
    };
    for (let step = 0; step < 3; step++) histogramAscent(tensors);
    const { potential, momentum, residual } = tensors;
    results.push([...(await potential.read()), ...(await momentum.read()), ...(await residual.read())]);
  }
  // Sums over the places of numbers up to 3, each off by a few roundings.
  expect(largestDifference(results[1] ?? [], results[0] ?? [])).toBeLessThanOrEqual(2 ** -22 * (32 + 3 * places));
});

it('refuses shapes that do not belong together', () => {
  using _scope = cpu.scope();
  const [three, two] = [cpu.full([3, 4], 1), cpu.full([2, 4], 1)];
  expect(() => productAtoms(three, two)).toThrow(InvalidInputError);
  expect(() => contractAtoms(three, two, 'left')).toThrow(/none of atoms/);
  expect(() => projectOntoSimplex(cpu.full([4], 1))).toThrow(InvalidInputError);
});
