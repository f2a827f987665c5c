/** Log-softmax, log-sum-exp and cross-entropy: published cases, float64, and a gradient that is one. */
import { describe, expect, test } from 'vitest';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { crossEntropyGradient, crossEntropyRows } from '../../src/kernels/cross-entropy';
import { reduceRows } from '../../src/kernels/reduce';
import { logSoftmaxRows, softmaxMethods, softmaxRows } from '../../src/kernels/softmax';
import golden from '../golden/onnx-softmax.json';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

/** Brings one axis, or all of them, to the end: the rows, and where each element of them came from. */
function rowsAlong(shape: readonly number[], data: readonly number[], axes: readonly number[]) {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, length) => product * length, 1));
  const inner = axes.map((axis) => (axis + shape.length) % shape.length);
  const outer = shape.map((_, axis) => axis).filter((axis) => !inner.includes(axis));
  const offsets = (over: readonly number[]): number[] =>
    over.reduce(
      (all, axis) =>
        all.flatMap((offset) => Array.from({ length: shape[axis] ?? 1 }, (_, i) => offset + i * (strides[axis] ?? 1))),
      [0],
    );
  const [outerOffsets, innerOffsets] = [offsets(outer), offsets(inner)];
  const order = outerOffsets.flatMap((first) => innerOffsets.map((offset) => first + offset));
  return { rows: outerOffsets.length, columns: innerOffsets.length, order, values: order.map((at) => data[at] ?? NaN) };
}

function expectClose(result: ArrayLike<number>, expected: readonly number[], order?: readonly number[]): void {
  expected.forEach((_, i) => {
    const value = expected[order?.[i] ?? i] ?? Number.NaN;
    expect(Math.abs((result[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-6 + 1e-4 * Math.abs(value));
  });
}

describe('the cases of ONNX', () => {
  test.each(golden.cases)('$id', async ({ op, attributes, inputs, expected }) => {
    const [x, axes] = inputs;
    if (x === undefined) throw new Error('A case without an input.');
    const all = x.shape.map((_, axis) => axis);
    const given = op === 'ReduceLogSumExp' ? (axes?.data ?? []) : [('axis' in attributes && attributes.axis) || 0];
    const isAxisNamed = op === 'ReduceLogSumExp' ? given.length > 0 : 'axis' in attributes;
    const last = op === 'ReduceLogSumExp' ? all : [-1];
    const { rows, columns, order, values } = rowsAlong(x.shape, x.data, isAxisNamed ? given : last);
    for (const device of [gpu, cpu] as readonly Device[]) {
      using _scope = device.scope();
      const tensor = device.tensor(values, [rows, columns]);
      if (op === 'ReduceLogSumExp') expectClose(await reduceRows(tensor, 'logSumExp').read(), expected);
      else if (op === 'LogSoftmax') expectClose(await logSoftmaxRows(tensor).read(), expected, order);
      else
        for (const method of softmaxMethods) expectClose(await softmaxRows(tensor, { method }).read(), expected, order);
    }
  });
});

const shapes = [
  [1, 1],
  [301, 3],
  [7, 67],
  [3, 4097],
  [2, 20_001],
] as const;

test('log-softmax and cross-entropy are within their bounds of float64', async () => {
  for (const [rows, columns] of shapes) {
    for (const [low, high] of [
      [-12, 9],
      [9000, 9010],
    ] as const) {
      using _scope = gpu.scope();
      const numbers = float32s(rows * columns, rows + columns, low, high);
      const targets = Uint32Array.from({ length: rows }, (_, row) => (row * 31) % columns);
      const [x, y] = [gpu.tensor(numbers, [rows, columns]), cpu.tensor(numbers, [rows, columns])];
      const [goal, exactGoal] = [gpu.tensor(targets, [rows], 'u32'), cpu.tensor(targets, [rows], 'u32')];
      const check = (result: ArrayLike<number>, exact: ArrayLike<number>): void => {
        let worst = 0;
        for (let i = 0; i < exact.length; i++) {
          const value = exact[i] ?? Number.NaN;
          worst = Math.max(worst, Math.abs((result[i] ?? Number.NaN) - value) / (1 + Math.abs(value)));
        }
        expect(worst).toBeLessThanOrEqual(5e-7);
      };
      check(await logSoftmaxRows(x).read(), await logSoftmaxRows(y).read());
      check(await crossEntropyRows(x, goal).read(), await crossEntropyRows(y, exactGoal).read());
      check(
        await crossEntropyGradient(x, goal, { scale: 0.5 }).read(),
        await crossEntropyGradient(y, exactGoal, { scale: 0.5 }).read(),
      );
    }
  }
});

test('the gradient is that of the loss', async () => {
  const [rows, columns] = [4, 9];
  const numbers = Float64Array.from(float32s(rows * columns, 3, -3, 3));
  const targets = cpu.tensor([2, 0, 8, 5], [rows], 'u32');
  const total = async (logits: Float64Array): Promise<number> =>
    Array.from(await crossEntropyRows(cpu.tensor(logits, [rows, columns]), targets).read()).reduce((a, b) => a + b, 0);
  const gradient = await crossEntropyGradient(cpu.tensor(numbers, [rows, columns]), targets).read();
  for (let i = 0; i < numbers.length; i++) {
    const moved = (step: number) => numbers.map((value, j) => (i === j ? value + step : value));
    const slope = ((await total(moved(1e-4))) - (await total(moved(-1e-4)))) / 2e-4;
    // The third derivative is below 0.1 in magnitude, and the losses sum to about 20: 1e-9 / 60 + 20 * 2^-52 / 1e-4.
    expect(Math.abs(slope - (gradient[i] ?? Number.NaN))).toBeLessThanOrEqual(1e-9);
  }
});

test('a row without a target has no loss and no gradient; far logits are exact', async () => {
  for (const device of [gpu, cpu] as readonly Device[]) {
    using _scope = device.scope();
    const logits = device.tensor([1, 2, 3, 1e30, -1e30, 0, -1e30, 1e30, 0], [3, 3]);
    const targets = device.tensor([7, 0, 0], [3], 'u32');
    expect(Array.from(await crossEntropyRows(logits, targets).read(), Math.fround)).toEqual([0, 0, Math.fround(2e30)]);
    expect([...(await crossEntropyGradient(logits, targets).read())]).toEqual([0, 0, 0, 0, 0, 0, -1, 1, 0]);
  }
});

test('refuses targets that do not fit and outs of another shape', () => {
  using _scope = gpu.scope();
  const logits = gpu.full([2, 3], 1);
  const targets = gpu.full([2], 1, 'u32');
  expect(() => crossEntropyRows(logits, gpu.full([3], 1, 'u32'))).toThrow(
    'crossEntropyRows needs one u32 target for each of the 2 rows, not 3 of u32.',
  );
  expect(() => crossEntropyGradient(logits, gpu.full([2], 1))).toThrow(InvalidInputError);
  expect(() => crossEntropyRows(logits, targets, { out: gpu.empty([3]) })).toThrow(InvalidInputError);
  expect(() => crossEntropyGradient(logits, targets, { out: logits })).toThrow(InvalidInputError);
  expect(() => logSoftmaxRows(logits, { out: logits })).toThrow('logSoftmaxRows needs another f32 tensor');
});
