/** Rows of a matrix picked by indices, put where indices say, and added up by indices: nothing depends on who comes first. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { segmentedReduce } from './segments';
import { countingSort } from './sort';

/** Options of `gatherRows`. */
export interface GatherOptions {
  /** Where to put the result; a new tensor unless given. It must not be the input. */
  readonly out?: Tensor;
}

/**
 * The rows of x `[rows, width]` that u32 `indices` `[m]` name, one after the other: `[m, width]`, of the type of x. An index
 * of `rows` or more gives a row of zeros. A vector x `[rows]` gives `[m]`. Throws `InvalidInputError` for other shapes.
 */
export const gatherRows = defineKernel({
  name: 'gatherRows',
  summary: 'The rows of x [rows, width] that indices [m] name: [m, width].',
  shaders: ['gather/rows'],
  cost(x: Tensor, indices: Tensor, options: GatherOptions = {}) {
    const { width } = rowsShape(x, 'x');
    checkIndices(indices);
    checkOut(options.out, x, indices.size * width);
    return { flops: 0, bytes: 4 * indices.size * (2 * width + 1) };
  },
  webgpu(gpu, x, indices, options = {}): Tensor {
    const { rows, width } = rowsShape(x, 'x');
    const out = options.out ?? gpu.empty([indices.size, ...x.shape.slice(1)], x.type);
    recordMove(gpu, x, indices, out, rows, width, false);
    return out;
  },
  reference(cpu, x, indices, options = {}): Tensor {
    const { rows, width } = rowsShape(x, 'x');
    checkIndices(indices);
    checkOut(options.out, x, indices.size * width);
    const out = options.out ?? cpu.empty([indices.size, ...x.shape.slice(1)], x.type);
    indices.data.forEach((named, i) => {
      for (let c = 0; c < width; c++) out.data[i * width + c] = named < rows ? (x.data[named * width + c] ?? 0) : 0;
    });
    return out;
  },
});

/**
 * Puts row i of x `[m, width]` into row `indices[i]` of `out` `[rows, width]`, which keeps its other rows. Indices must
 * differ: of two rows for one place either may stay. An index of `rows` or more is left out. Returns `out`. Throws
 * `InvalidInputError` for shapes or types that do not fit.
 */
export const scatterRows = defineKernel({
  name: 'scatterRows',
  summary: 'Puts the rows of x [m, width] where indices [m] say in out [rows, width].',
  shaders: ['gather/rows'],
  cost(x: Tensor, indices: Tensor, out: Tensor) {
    const { width } = scatterShape(x, indices, out);
    return { flops: 0, bytes: 4 * indices.size * (2 * width + 1) };
  },
  webgpu(gpu, x, indices, out): Tensor {
    const { rows, width } = scatterShape(x, indices, out);
    recordMove(gpu, x, indices, out, rows, width, true);
    return out;
  },
  reference(_cpu, x, indices, out): Tensor {
    const { rows, width } = scatterShape(x, indices, out);
    indices.data.forEach((named, i) => {
      if (named < rows) out.data.set(x.data.subarray(i * width, (i + 1) * width), named * width);
    });
    return out;
  },
});

/**
 * The sums of all rows of x `[m, width]` (f32) that have the same index, into `[rows, width]`: row r is the sum of the rows
 * whose index is r, zeros where there is none. By sorting the indices and adding segment by segment: no atomics, so
 * the same bits every time. An index of `rows` or more is left out.
 */
export const scatterAddRows = defineKernel({
  name: 'scatterAddRows',
  summary: 'Adds the rows of x [m, width] up by their indices [m]: [rows, width], the same bits every time.',
  shaders: ['sort/count', 'sort/scatter', 'sort/bounds', 'gather/segments'],
  cost(x: Tensor, indices: Tensor, rows: number) {
    const { width } = rowsShape(x, 'x');
    checkRowsOfIndices(x, indices);
    const sorting = countingSort.definition.cost(indices, rows);
    return { flops: x.size + sorting.flops, bytes: 4 * (x.size + rows * width) + sorting.bytes };
  },
  webgpu(gpu, x, indices, rows): Tensor {
    using scope = gpu.scope();
    const { permutation, offsets } = countingSort(indices, rows);
    return scope.keep(segmentedReduce(x, offsets, 'sum', { order: permutation }));
  },
  reference(cpu, x, indices, rows): Tensor {
    const { width } = rowsShape(x, 'x');
    checkRowsOfIndices(x, indices);
    const out = cpu.full([rows, ...x.shape.slice(1)], 0);
    indices.data.forEach((named, i) => {
      if (named >= rows) return;
      for (let c = 0; c < width; c++)
        out.data[named * width + c] = (out.data[named * width + c] ?? 0) + (x.data[i * width + c] ?? 0);
    });
    return out;
  },
});

/** Records a move of whole rows, four columns at a time where they are as many; neighbours take neighbouring columns. */
function recordMove(
  gpu: WebGpuDevice,
  x: GpuTensor,
  indices: GpuTensor,
  out: GpuTensor,
  rows: number,
  width: number,
  scatter: boolean,
): void {
  const quads = width % 4 === 0;
  const across = quads ? width / 4 : width;
  const columns = Math.min(32, 2 ** Math.ceil(Math.log2(across)));
  gpu.dispatch({
    shader: 'gather/rows',
    conditions: { scatter, quads },
    constants: { COLUMNS: columns },
    uniforms: { count: u32(indices.size), rows: u32(rows), width: u32(across) },
    reads: [x, indices],
    writes: [out],
    workgroups: [Math.ceil(across / columns), Math.ceil((indices.size * columns) / 256)],
  });
}

function rowsShape(x: Tensor, name: string): { readonly rows: number; readonly width: number } {
  if (x.shape.length === 1) return { rows: x.size, width: 1 };
  const [rows, width] = matrixShape(x, name);
  return { rows, width };
}

function checkIndices(indices: Tensor): void {
  if (indices.type !== 'u32' || indices.shape.length !== 1) {
    throw new InvalidInputError(
      `indices must be a u32 vector, but are ${indices.type} of shape [${indices.shape.join(', ')}].`,
      { field: 'indices' },
    );
  }
}

function checkRowsOfIndices(x: Tensor, indices: Tensor): void {
  checkIndices(indices);
  const { rows } = rowsShape(x, 'x');
  if (rows !== indices.size) {
    throw new InvalidInputError(
      `There are ${String(indices.size)} indices for ${String(rows)} rows of x: give one for each row.`,
      { field: 'indices' },
    );
  }
}

function checkOut(out: Tensor | undefined, x: Tensor, size: number): void {
  if (out !== undefined && (out === x || out.size !== size || out.type !== x.type)) {
    throw new InvalidInputError(`gatherRows needs another ${x.type} tensor of ${String(size)} elements as out.`, {
      field: 'out',
    });
  }
}

function scatterShape(x: Tensor, indices: Tensor, out: Tensor): { readonly rows: number; readonly width: number } {
  checkRowsOfIndices(x, indices);
  const target = rowsShape(out, 'out');
  if (out === x || target.width !== rowsShape(x, 'x').width || out.type !== x.type) {
    throw new InvalidInputError(
      `out must be another ${x.type} tensor whose rows are as wide as those of x, but its shape is [${out.shape.join(', ')}].`,
      { field: 'out' },
    );
  }
  return target;
}
