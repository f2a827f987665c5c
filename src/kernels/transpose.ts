/** The transpose of a matrix. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';

/** Options of `transpose`. */
export interface TransposeOptions {
  /** Where to put the result, [columns, rows]; a new tensor unless given. It must not be the input. */
  readonly out?: Tensor;
}

/** Swaps rows and columns of a matrix of any element type: [rows, columns] -> [columns, rows]. */
export const transpose = defineKernel({
  name: 'transpose',
  summary: 'Swaps rows and columns: [rows, columns] becomes [columns, rows].',
  shaders: ['matrix/transpose'],
  cost: (x: Tensor, options: TransposeOptions = {}) => {
    checkOut(x, options.out);
    return { flops: 0, bytes: 8 * x.size };
  },
  webgpu(gpu, x, options = {}): Tensor {
    const [rows, columns] = matrixShape(x, 'x');
    const out = options.out ?? gpu.empty([columns, rows], x.type);
    gpu.dispatch({
      shader: 'matrix/transpose',
      uniforms: { rows: u32(rows), columns: u32(columns) },
      reads: [x],
      writes: [out],
      workgroups: [Math.ceil(columns / 16), Math.ceil(rows / 16)],
    });
    return out;
  },
  reference(cpu, x, options = {}): Tensor {
    const [rows, columns] = checkOut(x, options.out);
    const out = options.out ?? cpu.empty([columns, rows], x.type);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++)
        out.data[column * rows + row] = x.data[row * columns + column] ?? 0;
    }
    return out;
  },
});

function checkOut(x: Tensor, out: Tensor | undefined): [rows: number, columns: number] {
  const [rows, columns] = matrixShape(x, 'x');
  if (out === undefined) return [rows, columns];
  const [outRows, outColumns] = matrixShape(out, 'out');
  if (out === x || outRows !== columns || outColumns !== rows || out.type !== x.type) {
    throw new InvalidInputError(
      `The transpose needs another tensor of shape [${String(columns)}, ${String(rows)}] and the same element type as out.`,
      {
        field: 'out',
      },
    );
  }
  return [rows, columns];
}
