/** Layer and root-mean-square normalization: within a derived bound of float64 for any length and offset; gradients that are ones. */
import { describe, expect, test } from 'vitest';
import type { Device, NumberArray, Tensor } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { layerNorm, layerNormGradient, rmsNorm, rmsNormGradient, rowMoments } from '../../src/kernels/normalization';
import { serialTuning } from '../../src/kernels/serial';
import { openReference, openTestDevice, tuneTests } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

const u = 2 ** -24;
// One, primes, both sides of what each workgroup shape holds, and a row in several blocks.
const shapes = [
  [1, 1],
  [67, 3],
  [5, 17],
  [13, 257],
  [3, 1024],
  [2, 1031],
  [1, 65_537],
] as const;

/** Terms that one invocation adds up one after the other, with the depth of the tree and the steps of a quotient and a root. */
const steps = (columns: number): number =>
  Math.min(256, Math.max(4, Math.ceil(columns / 256))) + Math.ceil(columns / 65_536) + 16;

const at = (values: NumberArray, index: number): number => values[index] ?? Number.NaN;

interface Operands {
  readonly x: Tensor;
  readonly scale: Tensor;
  readonly bias: Tensor;
  readonly change: Tensor;
}

function operandsOn(device: Device, rows: number, columns: number, offset: number): Operands {
  const shifted = float32s(rows * columns, columns).map((value) => value + offset);
  return {
    x: device.tensor(shifted, [rows, columns]),
    scale: device.tensor(float32s(columns, 2, -2, 2), [columns]),
    bias: device.tensor(float32s(columns, 3), [columns]),
    change: device.tensor(float32s(rows * columns, 4), [rows, columns]),
  };
}

interface Form {
  readonly name: string;
  readonly isCentred: boolean;
  forward(operands: Operands): Tensor;
  gradient(operands: Operands): { readonly x: Tensor; readonly scale: Tensor; readonly bias?: Tensor };
}

const forms: readonly Form[] = [
  {
    name: 'layerNorm',
    isCentred: true,
    forward: ({ x, scale, bias }) => layerNorm(x, scale, { bias }),
    gradient: ({ x, scale, change }) => layerNormGradient(x, scale, change),
  },
  {
    name: 'rmsNorm',
    isCentred: false,
    forward: ({ x, scale }) => rmsNorm(x, scale),
    gradient: ({ x, scale, change }) => rmsNormGradient(x, scale, change),
  },
];

/** The worst of |result - exact| over what it may be. */
function worst(result: NumberArray, exact: NumberArray, allowed: (index: number) => number): number {
  expect(result.length).toBe(exact.length);
  let ratio = 0;
  exact.forEach((value, index) => {
    const own = Math.abs(at(result, index) - value) / allowed(index);
    if (!(own <= ratio)) ratio = own;
  });
  return ratio;
}

const serialForms = ['true', 'false'].flatMap((serial) => forms.map((form) => ({ serial, ...form })));

describe.each(serialForms)('$name, serial: $serial', ({ serial, isCentred, forward, gradient }) => {
  tuneTests(gpu, serialTuning, serial);

  test.each(shapes)('[%i, %i] is within its bound of float64, far from zero too', async (rows, columns) => {
    for (const offset of columns > 2000 ? [4000] : [0, 4000]) {
      using _scope = gpu.scope();
      const onGpu = operandsOn(gpu, rows, columns, offset);
      const exact = operandsOn(cpu, rows, columns, offset);
      const ones = cpu.full([columns], 1);
      const unit = await (isCentred ? layerNorm(exact.x, ones) : rmsNorm(exact.x, ones)).read();
      const [scale, bias, change] = [await exact.scale.read(), await exact.bias.read(), await exact.change.read()];
      // Sums are off by the steps of their trees; the variance of a row of equal numbers is nothing but epsilon.
      const unitError = (index: number): number => u * steps(columns) * (1 + Math.abs(at(unit, index)));
      const forwardError = worst(await forward(onGpu).read(), await forward(exact).read(), (index) => {
        const column = index % columns;
        return Math.abs(at(scale, column)) * unitError(index) + u * Math.abs(at(bias, column)) + 2 ** -126;
      });
      expect(forwardError).toBeLessThanOrEqual(1);

      const made = gradient(onGpu);
      const right = gradient(exact);
      const inverse = (row: number): number => {
        const start = row * columns;
        const values = Array.from({ length: columns }, (_, c) => at(x, start + c));
        const mean = isCentred ? values.reduce((sum, value) => sum + value, 0) / columns : 0;
        return 1 / Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns + 1e-5);
      };
      const x = await exact.x.read();
      const inverses = Array.from({ length: rows }, (_, row) => inverse(row));
      // Slopes are at most 2; five rounded terms of that size, each with the error of a sum over the row.
      const inputError = worst(await made.x.read(), await right.x.read(), (index) => {
        return 2 * 5 * (inverses[Math.floor(index / columns)] ?? 0) * unitError(index);
      });
      expect(inputError).toBeLessThanOrEqual(1);
      const sumSteps = Math.min(256, Math.ceil(rows / 8)) + 4;
      const columnError = (column: number, term: (index: number) => number): number => {
        let sum = 2 ** -126;
        for (let row = 0; row < rows; row++) sum += term(row * columns + column);
        return sum;
      };
      const scaleError = worst(await made.scale.read(), await right.scale.read(), (column) =>
        columnError(
          column,
          (i) => Math.abs(at(change, i)) * (unitError(i) + u * (sumSteps + 1) * Math.abs(at(unit, i))),
        ),
      );
      expect(scaleError).toBeLessThanOrEqual(1);
      if (made.bias === undefined || right.bias === undefined) continue;
      const biasError = worst(await made.bias.read(), await right.bias.read(), (column) =>
        columnError(column, (i) => u * sumSteps * Math.abs(at(change, i))),
      );
      expect(biasError).toBeLessThanOrEqual(1);
    }
  });

  test('the gradient is that of the result', async () => {
    const [rows, columns] = [3, 7];
    const operands = operandsOn(cpu, rows, columns, 0.5);
    const change = await operands.change.read();
    const gradients = gradient(operands);
    const loss = async (moved: Operands): Promise<number> =>
      Array.from(await forward(moved).read()).reduce((sum, value, i) => sum + value * at(change, i), 0);
    for (const name of ['x', 'scale', 'bias'] as const) {
      const slopes = await gradients[name]?.read();
      const values = Float64Array.from(await operands[name].read());
      for (let i = 0; i < (slopes?.length ?? 0); i++) {
        const ends: number[] = [];
        for (const step of [1e-5, -1e-5]) {
          const moved = cpu.tensor(
            values.map((value, j) => (i === j ? value + step : value)),
            operands[name].shape,
          );
          ends.push(await loss({ ...operands, [name]: moved }));
        }
        // Third derivatives are below 100 (deviations are about 0.5): 100 * 1e-10 / 6; rounding adds 20 * 2^-52 / 1e-5.
        expect(
          Math.abs((at(Float64Array.from(ends), 0) - (ends[1] ?? 0)) / 2e-5 - (slopes?.[i] ?? 0)),
        ).toBeLessThanOrEqual(3e-9);
      }
    }
  });

  test('the same input gives the same bits', async () => {
    using _scope = gpu.scope();
    const operands = operandsOn(gpu, 67, 83, 1);
    const once = async (): Promise<NumberArray[]> => {
      const { x, scale } = gradient(operands);
      return [await forward(operands).read(), await x.read(), await scale.read()];
    };
    expect(await once()).toEqual(await once());
  });
});

test('a constant row becomes its bias, a small one is held up by epsilon, and moments are what they say', async () => {
  for (const device of [gpu, cpu]) {
    using _scope = device.scope();
    const x = device.tensor([7e6, 7e6, 7e6, 7e6, 1, 2, 3, 6], [2, 4]);
    const [scale, bias] = [device.full([4], 3), device.tensor([1, 2, 3, 4], [4])];
    expect([...(await layerNorm(x, scale, { bias }).read())].slice(0, 4)).toEqual([1, 2, 3, 4]);
    const moments = await rowMoments(x, { epsilon: 0.5 }).read();
    [7e6, Math.SQRT2, 3, 0.5].forEach((value, i) => {
      expect(Math.abs(at(moments, i) / value - 1)).toBeLessThanOrEqual(8 * u);
    });
    const zeros = rmsNorm(device.full([1, 5], 0), device.full([5], 1), { epsilon: 1e-12 });
    expect([...(await zeros.read())]).toEqual([0, 0, 0, 0, 0]);
  }
});

test('refuses operands that do not fit', () => {
  for (const device of [gpu, cpu] as const) {
    using _scope = device.scope();
    const x = device.full([2, 3], 1);
    const scale = device.full([3], 1);
    expect(() => layerNorm(x, device.full([2], 1))).toThrow(
      'layerNorm needs one f32 number for each of the 3 columns as scale, not 2 of f32.',
    );
    expect(() => layerNorm(x, scale, { bias: device.full([4], 1) })).toThrow('as bias, not 4 of f32.');
    expect(() => rmsNorm(x, scale, { epsilon: 0 })).toThrow('rmsNorm needs an epsilon of at least 2^-126, not 0.');
    expect(() => rmsNorm(x, scale, { out: x })).toThrow('rmsNorm cannot write over its input.');
    expect(() => rmsNormGradient(x, scale, device.full([3, 2], 1))).toThrow(
      'rmsNormGradient needs an f32 tensor of shape [2, 3] as resultGradient.',
    );
    expect(() => layerNormGradient(x, scale, scale)).toThrow(InvalidInputError);
    expect(() => layerNorm(device.full([2, 3], 1, 'u32'), scale)).toThrow(InvalidInputError);
    expect(() => rowMoments(device.full([6], 1))).toThrow(InvalidInputError);
  }
});
