/** Softmax of the rows of a matrix. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import { rowWorkgroup } from './reduce';

/** Options of `softmaxRows`. */
export interface SoftmaxOptions {
  /** Where to put the result, of the same shape; a new tensor unless given. It must not be the input. */
  readonly out?: Tensor;
}

/**
 * exp(x) / sum exp(x) of each row, with the row's maximum taken off first, so that |x| up to 1e30 is safe
 * (Milakov and Gimelshein 2018): [rows, columns] -> [rows, columns].
 */
export const softmaxRows = defineKernel({
  name: 'softmaxRows',
  summary: 'Softmax of each row: [rows, columns] stays [rows, columns], every row sums to one.',
  shaders: ['reduce/softmax', 'reduce/state'],
  cost: (x: Tensor, options: SoftmaxOptions = {}) => {
    checkOut(x, options.out);
    return { flops: 6 * x.size, bytes: 12 * x.size };
  },
  webgpu(gpu, x, options = {}): Tensor {
    const [rows, columns] = matrixShape(x, 'x');
    const out = options.out ?? gpu.empty(x.shape);
    const workgroup = rowWorkgroup(columns);
    gpu.dispatch({
      shader: 'reduce/softmax',
      conditions: { logSumExp: true },
      constants: { LANES: workgroup.lanes, ROWS: workgroup.rows },
      uniforms: { rows: u32(rows), columns: u32(columns) },
      reads: [x],
      writes: [out],
      workgroups: [1, Math.ceil(rows / workgroup.rows)],
    });
    return out;
  },
  reference(cpu, x, options = {}): Tensor {
    const [rows, columns] = checkOut(x, options.out);
    const out = options.out ?? cpu.empty(x.shape);
    for (let row = 0; row < rows; row++) {
      const values = Float64Array.from(x.data.subarray(row * columns, (row + 1) * columns));
      const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
      const exponentials = values.map((value) => Math.exp(value - largest));
      const sum = exponentials.reduce((total, value) => total + value, 0);
      out.data.set(
        exponentials.map((value) => value / sum),
        row * columns,
      );
    }
    return out;
  },
});

function checkOut(x: Tensor, out: Tensor | undefined): [rows: number, columns: number] {
  const [rows, columns] = matrixShape(x, 'x');
  if (x.type !== 'f32') throw new InvalidInputError(`softmaxRows works on f32 tensors, but this one is ${x.type}.`);
  if (out !== undefined && (out === x || out.type !== 'f32' || out.shape.join() !== x.shape.join())) {
    throw new InvalidInputError(`softmaxRows needs another f32 tensor of shape [${x.shape.join(', ')}] as out.`, {
      field: 'out',
    });
  }
  return [rows, columns];
}
