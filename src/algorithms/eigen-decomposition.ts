/**
 * Perturb, then diagonalise (Yu et al. 2023): A + E = V L V^-1 for a real matrix that may be far from normal, in float64, with
 * what tells how far it can be trusted. Import it dynamically: it brings a library of matrix decompositions along.
 */
import { EigenvalueDecomposition, LuDecomposition, Matrix, SingularValueDecomposition } from 'ml-matrix';
import { InvalidInputError } from '../device/errors';
import { Philox } from '../kernels/random';
import type { DiagonalSystem } from './state-space';

/** A system x' = A x + B u in diagonal form. */
export interface Diagonalization extends DiagonalSystem {
  /** The condition number of the eigenvectors, each of norm 1, in the spectral norm. */
  readonly condition: number;
  /** The spectral norm of E. */
  readonly perturbation: number;
  /** |A - V L V^-1| over |A|, Frobenius norms: what both the perturbation and rounding changed. */
  readonly backwardError: number;
}

/** Options of `diagonalize`. */
export interface DiagonalizeOptions {
  /** The spectral norm of the Gaussian E that is added. Default 0. */
  readonly perturbation?: number;
  /** Seed of E. Default 0. */
  readonly seed?: number;
}

/**
 * Diagonalises A + E, A real [size, size], and writes B [size] in the eigenvectors. Throws `InvalidInputError` for sizes that do not fit, a negative
 * perturbation, or eigenvectors that are dependent to rounding (raise the perturbation).
 */
export function diagonalize(
  state: ArrayLike<number>,
  input: ArrayLike<number>,
  { perturbation = 0, seed = 0 }: DiagonalizeOptions = {},
): Diagonalization {
  const size = input.length;
  if (state.length !== size * size || size < 1 || !(perturbation >= 0)) {
    throw new InvalidInputError(
      'diagonalize needs a square matrix, as long an input and a perturbation of at least 0.',
      {
        field: 'state',
      },
    );
  }
  const entries = Array.from(state);
  if (![...entries, ...Array.from(input)].every(Number.isFinite))
    throw new InvalidInputError('The matrix or the input has an entry that is not a number.', { field: 'state' });
  const matrix = new Matrix(Array.from({ length: size }, (_, i) => entries.slice(i * size, (i + 1) * size)));
  return decompose(matrix, input, perturbation, new Philox(seed));
}

function decompose(matrix: Matrix, input: ArrayLike<number>, perturbation: number, random: Philox): Diagonalization {
  const size = matrix.rows;
  const moved = matrix.clone();
  if (perturbation > 0) {
    const noise = new Matrix(size, size).apply(function draw(i, j) {
      this.set(i, j, random.normal());
    });
    moved.add(noise.mul(perturbation / new SingularValueDecomposition(noise).norm2));
  }
  const eigen = new EigenvalueDecomposition(moved);
  const [vectors, blocks] = [eigen.eigenvectorMatrix, eigen.diagonalMatrix];
  // Columns are real vectors, or real and imaginary part of the first of a conjugate pair: norm 1 for each eigenvector.
  const real: number[] = [];
  const pairs: number[] = [];
  for (let i = 0; i < size; i++) {
    if ((eigen.imaginaryEigenvalues[i] ?? 0) === 0) {
      real.push(i);
      vectors.mulColumn(i, 1 / vectors.getColumnVector(i).norm());
    } else {
      pairs.push(i);
      const norm = Math.hypot(vectors.getColumnVector(i).norm(), vectors.getColumnVector(i + 1).norm());
      for (const column of [i, ++i]) vectors.mulColumn(column, 1 / norm);
    }
  }
  // [v, conj v] is [Re v, Im v] times sqrt(2) and a unitary matrix, so real columns tell the singular values.
  const scaled = vectors.clone();
  for (const i of pairs) for (const column of [i, i + 1]) scaled.mulColumn(column, Math.SQRT2);
  const condition = new SingularValueDecomposition(scaled).condition;
  if (!(condition < 1e15)) {
    throw new InvalidInputError('The eigenvectors are dependent to rounding: raise the perturbation.', {
      field: 'perturbation',
    });
  }
  const inverse = new LuDecomposition(vectors);
  const parts = inverse.solve(Matrix.columnVector(Array.from(input))).to1DArray();
  const back = vectors.mmul(blocks).mmul(inverse.solve(Matrix.eye(size)));
  const chosen = [...real, ...pairs];
  const isPair = (i: number): boolean => pairs.includes(i);
  return {
    states: size,
    modes: chosen.length,
    poles: Float64Array.from(
      chosen.flatMap((i) => [eigen.realEigenvalues[i] ?? NaN, eigen.imaginaryEigenvalues[i] ?? NaN]),
    ),
    inputs: Float64Array.from(chosen.flatMap((i) => [parts[i] ?? NaN, isPair(i) ? -(parts[i + 1] ?? NaN) : 0])),
    outputs: Float64Array.from(
      Array.from({ length: size }, (_, row) =>
        chosen.flatMap((i) => [vectors.get(row, i), isPair(i) ? vectors.get(row, i + 1) : 0]),
      ).flat(),
    ),
    condition,
    perturbation,
    backwardError: back.sub(matrix).norm() / matrix.norm(),
  };
}
