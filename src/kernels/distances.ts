/** Distances between all pairs of points, stored: for problems small enough to hold a matrix. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';

/** Squared Euclidean distances `|x_i - y_j|^2`, `[rows, columns]`, for x of `[rows, dimension]` and y of `[columns, dimension]`. */
export const squaredDistances = defineKernel({
  name: 'squaredDistances',
  summary: 'The matrix of squared Euclidean distances between the rows of x and the rows of y.',
  shaders: ['transport/squared_distances'],
  cost: (x: Tensor, y: Tensor) => {
    const [rows, columns, dimension] = shapes(x, y);
    return { flops: 3 * rows * columns * dimension, bytes: 4 * (x.size + y.size + rows * columns) };
  },
  webgpu(gpu, x, y): Tensor {
    const [rows, columns, dimension] = shapes(x, y);
    const distances = gpu.empty([rows, columns]);
    gpu.dispatch({
      shader: 'transport/squared_distances',
      constants: { DIMENSION: dimension },
      uniforms: { rows: u32(rows), columns: u32(columns) },
      reads: [x, y],
      writes: [distances],
      workgroups: [Math.ceil(columns / 64), Math.ceil(rows / 16)],
    });
    return distances;
  },
  reference(cpu, x, y) {
    const [rows, columns, dimension] = shapes(x, y);
    const distances = cpu.empty([rows, columns]);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let total = 0;
        for (let k = 0; k < dimension; k++)
          total += ((x.data[i * dimension + k] ?? 0) - (y.data[j * dimension + k] ?? 0)) ** 2;
        distances.data[i * columns + j] = total;
      }
    }
    return distances;
  },
});

function shapes(x: Tensor, y: Tensor): [rows: number, columns: number, dimension: number] {
  const [rows, dimension] = matrixShape(x, 'x');
  const [columns, otherDimension] = matrixShape(y, 'y');
  if (dimension !== otherDimension) {
    throw new InvalidInputError(
      `x has points of ${String(dimension)} coordinates and y of ${String(otherDimension)}: give both the same.`,
      { field: 'y' },
    );
  }
  return [rows, columns, dimension];
}
