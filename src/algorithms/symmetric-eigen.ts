/** Eigenvalues and functions of small symmetric matrices in float64, by Jacobi's rotations: the truth for iterations on a GPU. */
import { InvalidInputError } from '../device/errors';

/** A = V diag(values) V^T. */
export interface SymmetricEigen {
  /** In the order they were found. */
  readonly values: Float64Array;
  /** Eigenvectors as columns, row-major. */
  readonly vectors: Float64Array;
}

/** Sweeps after which a matrix that was finite has always converged. */
const mostSweeps = 60;

/** Cyclic Jacobi (Golub and Van Loan, section 8.5). Throws `InvalidInputError` unless the matrix is square, finite and symmetric. */
export function symmetricEigen(matrix: ArrayLike<number>, size: number): SymmetricEigen {
  checkSymmetric(matrix, size);
  const a = Float64Array.from(matrix);
  const vectors = Float64Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
  const at = (values: Float64Array, i: number, j: number): number => values[i * size + j] ?? NaN;
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    let outside = 0;
    let all = 0;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        all += at(a, i, j) ** 2;
        if (i !== j) outside += at(a, i, j) ** 2;
      }
    }
    if (outside <= 1e-32 * all) break;
    for (let p = 0; p < size - 1; p++) {
      for (let q = p + 1; q < size; q++) {
        const off = at(a, p, q);
        if (off === 0) continue;
        const ratio = (at(a, q, q) - at(a, p, p)) / (2 * off);
        const tangent = (ratio >= 0 ? 1 : -1) / (Math.abs(ratio) + Math.hypot(1, ratio));
        const cosine = 1 / Math.hypot(1, tangent);
        const sine = tangent * cosine;
        const rotate = (values: Float64Array, first: number, second: number): void => {
          const [x, y] = [values[first] ?? NaN, values[second] ?? NaN];
          values[first] = cosine * x - sine * y;
          values[second] = sine * x + cosine * y;
        };
        for (let k = 0; k < size; k++) rotate(a, k * size + p, k * size + q);
        for (let k = 0; k < size; k++) rotate(a, p * size + k, q * size + k);
        for (let k = 0; k < size; k++) rotate(vectors, k * size + p, k * size + q);
      }
    }
  }
  return { values: Float64Array.from({ length: size }, (_, i) => at(a, i, i)), vectors };
}

/** V diag(f(values)) V^T. */
export function symmetricFunction(
  matrix: ArrayLike<number>,
  size: number,
  apply: (value: number) => number,
): Float64Array<ArrayBuffer> {
  const { values, vectors } = symmetricEigen(matrix, size);
  const applied = Array.from(values, apply);
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    return applied.reduce(
      (sum, value, k) => sum + (vectors[i * size + k] ?? NaN) * value * (vectors[j * size + k] ?? NaN),
      0,
    );
  });
}

/** The symmetric square root of a positive semidefinite matrix; eigenvalues that are negative by rounding count as zero. */
export function symmetricRoot(matrix: ArrayLike<number>, size: number): Float64Array<ArrayBuffer> {
  return symmetricFunction(matrix, size, (value) => Math.sqrt(Math.max(0, value)));
}

function checkSymmetric(matrix: ArrayLike<number>, size: number): void {
  if (matrix.length !== size * size || size < 1)
    throw new InvalidInputError(`A ${String(size)} x ${String(size)} matrix is needed.`, { field: 'matrix' });
  let largest = 0;
  for (const value of Array.from(matrix)) {
    if (!Number.isFinite(value))
      throw new InvalidInputError('The matrix has an entry that is not a number: leave it out.', { field: 'matrix' });
    largest = Math.max(largest, Math.abs(value));
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      // What float32 rounding of the two entries may differ by.
      if (Math.abs((matrix[i * size + j] ?? 0) - (matrix[j * size + i] ?? 0)) > 1e-5 * largest)
        throw new InvalidInputError('The matrix is not symmetric: use (A + A^T) / 2 if it should be.', {
          field: 'matrix',
        });
    }
  }
}
