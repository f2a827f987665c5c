/** Norms of the resolvent (z I - A)^-1, whose level sets are the pseudospectra of A. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';

const defaultIterations = 12;

/** Options of `resolventNorms`. */
export interface ResolventOptions {
  /** Steps of the power iteration. Default 12. The norm is approached from below. */
  readonly iterations?: number;
}

/**
 * |(z I - A)^-1|, the spectral norm, for a real lower triangular A [n, n] (what is above the diagonal is not looked at) and
 * points z [points, 2] -> [points]; its inverse is the smallest singular value of z I - A, the distance in which an
 * eigenvalue can be moved to z (Trefethen and Embree 2005, section 39). By power iteration, from below. On an eigenvalue the
 * result is large and finite. Norms must stay below 1e34. Throws `InvalidInputError` for other shapes.
 */
export const resolventNorms = defineKernel({
  name: 'resolventNorms',
  summary: 'Norms of (z I - A)^-1 for a lower triangular A [n, n] and points z [points, 2]: [points].',
  shaders: ['state_space/resolvent'],
  cost(matrix: Tensor, places: Tensor, { iterations = defaultIterations }: ResolventOptions = {}) {
    const { size, points } = resolventShape(matrix, places, iterations);
    return { flops: 4 * points * iterations * size * size, bytes: 8 * points * iterations * size * size };
  },
  webgpu(gpu, matrix, places, { iterations = defaultIterations } = {}): Tensor {
    const { size, points } = resolventShape(matrix, places, iterations);
    using scope = gpu.scope();
    const [work, out] = [gpu.empty([size, points, 2]), scope.keep(gpu.empty([points]))];
    gpu.dispatch({
      shader: 'state_space/resolvent',
      uniforms: { size: u32(size), points: u32(points), iterations: u32(iterations) },
      reads: [matrix, places],
      writes: [work, out],
      workgroups: [Math.ceil(points / 64)],
    });
    return out;
  },
  reference(cpu, matrix, places, { iterations = defaultIterations } = {}): Tensor {
    const { size, points } = resolventShape(matrix, places, iterations);
    const out = cpu.empty([points]);
    for (let point = 0; point < points; point++) {
      const [re = 0, im = 0] = places.data.subarray(2 * point, 2 * point + 2);
      out.data[point] = resolventNorm(matrix.data, size, [re, im], iterations);
    }
    return out;
  },
});

function resolventNorm(
  matrix: ArrayLike<number>,
  size: number,
  [re, im]: readonly [number, number],
  iterations: number,
): number {
  const [real, imaginary] = [new Float64Array(size).fill(1 / Math.sqrt(size)), new Float64Array(size)];
  /** Divides (z - A), or with `upper` its conjugate transpose, out of the vector, in place; normalises it and gives its norm. */
  const solve = (upper: boolean): number => {
    let square = 0;
    for (let step = 0; step < size; step++) {
      const i = upper ? size - 1 - step : step;
      let [sumRe, sumIm] = [real[i] ?? 0, imaginary[i] ?? 0];
      for (let done = 0; done < step; done++) {
        const j = upper ? size - 1 - done : done;
        const entry = matrix[upper ? j * size + i : i * size + j] ?? 0;
        sumRe += entry * (real[j] ?? 0);
        sumIm += entry * (imaginary[j] ?? 0);
      }
      const [a, b] = [re - (matrix[i * (size + 1)] ?? 0), upper ? -im : im];
      const divisor = a * a + b * b;
      const isEigenvalue = divisor < 1e-20;
      real[i] = isEigenvalue ? 1e10 * sumRe : (sumRe * a + sumIm * b) / divisor;
      imaginary[i] = isEigenvalue ? 1e10 * sumIm : (sumIm * a - sumRe * b) / divisor;
      square += (real[i] ?? 0) ** 2 + (imaginary[i] ?? 0) ** 2;
    }
    const norm = Math.sqrt(square);
    for (const part of [real, imaginary]) part.forEach((value, i) => (part[i] = value / norm));
    return norm;
  };
  let norm = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    norm = solve(false);
    solve(true);
  }
  return norm;
}

function resolventShape(matrix: Tensor, places: Tensor, iterations: number): { size: number; points: number } {
  const [size, columns] = matrixShape(matrix, 'matrix');
  const [points, parts] = matrixShape(places, 'places');
  if (size !== columns || parts !== 2) {
    throw new InvalidInputError(
      `resolventNorms needs a square matrix and complex points [points, 2], but got [${matrix.shape.join(', ')}] and [${places.shape.join(', ')}].`,
      { field: 'matrix' },
    );
  }
  if (!Number.isInteger(iterations) || iterations < 1) {
    throw new InvalidInputError('The power iteration needs at least one step: raise iterations.', {
      field: 'iterations',
    });
  }
  return { size, points };
}
