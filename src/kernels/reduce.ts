/** Sums, maxima and log-sum-exps of rows, of columns and of everything: blocked, a tree of fixed shape, the same bits every time. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, sizeOf, type Shape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { rowWorkgroup } from './row-workgroup';

/** What is computed of many numbers. */
export type Reduction = 'sum' | 'maximum' | 'logSumExp';

/** Options of the reductions. */
export interface ReduceOptions {
  /** Where to put the result; a new tensor unless given. It must not be the input. */
  readonly out?: Tensor;
}

/** Elements that one invocation takes one after the other: the square root of what a workgroup of 256 takes. */
const serialCount = 256;
const rowsPerColumnChunk = 8 * serialCount;

/** Reduces each row: [rows, columns] -> [rows]. */
export const reduceRows = defineKernel({
  name: 'reduceRows',
  summary: 'The sum, maximum or log-sum-exp of each row: [rows, columns] becomes [rows].',
  shaders: ['reduce/rows'],
  cost: (x: Tensor, reduction: Reduction, options: ReduceOptions = {}) => {
    const [rows] = checkMatrix('reduceRows', x);
    checkOut('reduceRows', x, options.out, [rows]);
    return cost(x, reduction, rows);
  },
  webgpu(gpu, x, reduction, options = {}): Tensor {
    const [rows, columns] = matrixShape(x, 'x');
    const out = options.out ?? gpu.empty([rows]);
    using scope = gpu.scope();
    recordRows(gpu, { x, out, rows, columns, reduction, total: x.size });
    return out;
  },
  reference(cpu, x, reduction, options = {}): Tensor {
    const [rows, columns] = checkMatrix('reduceRows', x);
    checkOut('reduceRows', x, options.out, [rows]);
    const out = options.out ?? cpu.empty([rows]);
    for (let row = 0; row < rows; row++)
      out.data[row] = reduceNumbers(x.data.slice(row * columns, (row + 1) * columns), reduction);
    return out;
  },
});

/** Reduces each column: [rows, columns] -> [columns]. */
export const reduceColumns = defineKernel({
  name: 'reduceColumns',
  summary: 'The sum, maximum or log-sum-exp of each column: [rows, columns] becomes [columns].',
  shaders: ['reduce/columns'],
  cost: (x: Tensor, reduction: Reduction, options: ReduceOptions = {}) => {
    const [, columns] = checkMatrix('reduceColumns', x);
    checkOut('reduceColumns', x, options.out, [columns]);
    return cost(x, reduction, columns);
  },
  webgpu(gpu, x, reduction, options = {}): Tensor {
    const [rows, columns] = matrixShape(x, 'x');
    const out = options.out ?? gpu.empty([columns]);
    using scope = gpu.scope();
    recordColumns(gpu, { x, out, rows, columns, reduction, total: x.size });
    return out;
  },
  reference(cpu, x, reduction, options = {}): Tensor {
    const [rows, columns] = checkMatrix('reduceColumns', x);
    checkOut('reduceColumns', x, options.out, [columns]);
    const out = options.out ?? cpu.empty([columns]);
    for (let column = 0; column < columns; column++) {
      out.data[column] = reduceNumbers(
        Float64Array.from({ length: rows }, (_, row) => x.data[row * columns + column] ?? 0),
        reduction,
      );
    }
    return out;
  },
});

/** Reduces all elements of a tensor of any shape: -> [1]. */
export const reduceAll = defineKernel({
  name: 'reduceAll',
  summary: 'The sum, maximum or log-sum-exp of all elements: any shape becomes [1].',
  shaders: ['reduce/rows'],
  cost: (x: Tensor, reduction: Reduction, options: ReduceOptions = {}) => {
    checkType('reduceAll', x);
    checkOut('reduceAll', x, options.out, [1]);
    return cost(x, reduction, 1);
  },
  webgpu(gpu, x, reduction, options = {}): Tensor {
    const out = options.out ?? gpu.empty([1]);
    using scope = gpu.scope();
    recordRows(gpu, { x, out, rows: 1, columns: x.size, reduction, total: x.size });
    return out;
  },
  reference(cpu, x, reduction, options = {}): Tensor {
    checkType('reduceAll', x);
    checkOut('reduceAll', x, options.out, [1]);
    const out = options.out ?? cpu.empty([1]);
    out.data[0] = reduceNumbers(x.data, reduction);
    return out;
  },
});

interface MatrixReduction {
  readonly x: GpuTensor;
  readonly out: GpuTensor;
  readonly rows: number;
  readonly columns: number;
  readonly reduction: Reduction;
  /** How many elements the whole call reduces; a later pass is a small share of it. */
  readonly total: number;
}

/** Records passes until one chunk is left; partial results belong to the scope that is open. */
function recordRows(gpu: WebGpuDevice, { x, out, rows, columns, reduction, total }: MatrixReduction): void {
  const workgroup = rowWorkgroup(gpu, columns);
  const chunks = Math.ceil(columns / (serialCount * workgroup.lanes));
  const target = chunks === 1 ? out : gpu.empty([rows, chunks]);
  gpu.dispatch({
    shader: 'reduce/rows',
    conditions: { [reduction]: true },
    constants: { LANES: workgroup.lanes, ROWS: workgroup.rows },
    uniforms: { rows: u32(rows), columns: u32(columns), chunks: u32(chunks) },
    reads: [x],
    writes: [target],
    workgroups: [chunks, Math.ceil(rows / workgroup.rows)],
    share: (rows * columns) / total,
  });
  if (chunks > 1) recordRows(gpu, { x: target, out, rows, columns: chunks, reduction, total });
}

function recordColumns(gpu: WebGpuDevice, { x, out, rows, columns, reduction, total }: MatrixReduction): void {
  const chunks = Math.ceil(rows / rowsPerColumnChunk);
  const target = chunks === 1 ? out : gpu.empty([chunks, columns]);
  gpu.dispatch({
    shader: 'reduce/columns',
    conditions: { [reduction]: true },
    uniforms: { rows: u32(rows), columns: u32(columns) },
    reads: [x],
    writes: [target],
    workgroups: [Math.ceil(columns / 32), chunks],
    share: (rows * columns) / total,
  });
  if (chunks > 1) recordColumns(gpu, { x: target, out, rows: chunks, columns, reduction, total });
}

/** One of a few numbers, in float64. */
function reduceNumbers(values: Iterable<number>, reduction: Reduction): number {
  let largest = -Infinity;
  let sum = 0;
  for (const value of values) {
    largest = Math.max(largest, value);
    sum += value;
  }
  switch (reduction) {
    case 'sum':
      return sum;
    case 'maximum':
      return largest;
    case 'logSumExp': {
      let exponentials = 0;
      for (const value of values) exponentials += Math.exp(value - largest);
      return largest + Math.log(exponentials);
    }
    default:
      return reduction satisfies never;
  }
}

function cost(x: Tensor, reduction: Reduction, results: number): { readonly flops: number; readonly bytes: number } {
  return { flops: (reduction === 'logSumExp' ? 4 : 1) * x.size, bytes: 4 * (x.size + results) };
}

function checkType(kernel: string, x: Tensor): void {
  if (x.type !== 'f32') throw new InvalidInputError(`${kernel} works on f32 tensors, but this one is ${x.type}.`);
}

function checkMatrix(kernel: string, x: Tensor): [rows: number, columns: number] {
  checkType(kernel, x);
  return matrixShape(x, 'x');
}

function checkOut(kernel: string, x: Tensor, out: Tensor | undefined, shape: Shape): void {
  if (out === undefined) return;
  if (out === x || out.type !== 'f32' || out.size !== sizeOf(shape)) {
    throw new InvalidInputError(`${kernel} needs another f32 tensor of ${String(sizeOf(shape))} elements as out.`, {
      field: 'out',
    });
  }
}
