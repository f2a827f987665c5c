/** The shape of mixture models and of their functions' terms, as the kernels of light Schroedinger bridges take them. */
import { InvalidInputError } from '../device/errors';
import { matrixShape, type Tensor } from '../device/tensor';

/**
 * Components with a log weight, a centre r and a matrix S = L L^T each, packed as rows of `[components, 1 + d + q]`: the log
 * weight, r, and the lower triangular L row by row (q = d^2) with the logarithms of its diagonal in the place of the diagonal.
 * Where S is diagonal, q = d and only those logarithms are there. Log weights need not be normalised.
 */
export interface MixtureModel {
  readonly parameters: Tensor;
  /** d, the number of coordinates of a point. */
  readonly dimension: number;
  readonly covariance: 'diagonal' | 'full';
}

/** Terms `a + b (x - o) + (x - o) Q (x - o) / 2`, packed as rows of `[components, 1 + 2 d + q]`: a, o, b, Q. */
export interface MixtureForms {
  readonly values: Tensor;
  readonly dimension: number;
  readonly covariance: 'diagonal' | 'full';
}

/** Which function of a model: its exponentials summed over components are c(x0), v(x1), or what drives the bridge at a time. */
export type MixtureFunction =
  | { readonly kind: 'normalizer'; readonly epsilon: number }
  | { readonly kind: 'potential'; readonly epsilon: number }
  | {
      readonly kind: 'bridge';
      readonly epsilon: number;
      /** From 0 to 1, both included. */
      readonly time: number;
    };

/** The most coordinates of a point: with full matrices, and with diagonal ones. */
export const largestDimension = { full: 8, diagonal: 64 } as const;

/** What the packed parameters hold. */
export interface MixtureSizes {
  readonly components: number;
  readonly dimension: number;
  /** Entries of a symmetric matrix, q. */
  readonly quadratic: number;
  readonly full: boolean;
}

function sizesOf(packed: Tensor, dimension: number, covariance: 'diagonal' | 'full', before: number): MixtureSizes {
  const full = covariance === 'full';
  const quadratic = full ? dimension ** 2 : dimension;
  const [components, columns] = matrixShape(packed, 'parameters');
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > largestDimension[covariance]) {
    throw new InvalidInputError(
      `Points of ${String(dimension)} coordinates do not go with ${covariance} matrices: from 1 to ${String(largestDimension[covariance])} do.`,
      { field: 'dimension' },
    );
  }
  if (columns !== before + quadratic) {
    throw new InvalidInputError(
      `A mixture in ${String(dimension)} dimensions with ${covariance} matrices has ${String(before + quadratic)} numbers a component, not ${String(columns)}.`,
      { field: 'parameters' },
    );
  }
  return { components, dimension, quadratic, full };
}

/** Checks a model and reads off its sizes. */
export function modelShape({ parameters, dimension, covariance }: MixtureModel): MixtureSizes {
  return sizesOf(parameters, dimension, covariance, 1 + dimension);
}

/** Checks points against terms and reads off the sizes of both. */
export function formShape(
  x: Tensor,
  { values, dimension, covariance }: MixtureForms,
): MixtureSizes & { readonly points: number } {
  const [points, columns] = matrixShape(x, 'x');
  if (columns !== dimension) throw wrongDimension(columns, dimension);
  return { points, ...sizesOf(values, dimension, covariance, 1 + 2 * dimension) };
}

/** Points and mixture do not go together. */
export function wrongDimension(columns: number, dimension: number): InvalidInputError {
  return new InvalidInputError(
    `The points have ${String(columns)} coordinates, but the mixture has ${String(dimension)}: give both the same.`,
    { field: 'x' },
  );
}

/** Checks that there is a weight for each point and component. */
export function checkWeights(weights: Tensor, points: number, components: number): void {
  if (weights.size !== points * components) {
    throw new InvalidInputError(
      `Weights of ${String(points)} points and ${String(components)} components are needed, but there are ${String(weights.size)}.`,
      { field: 'weights' },
    );
  }
}

/** Throws `InvalidInputError` unless the value is a positive number. */
export function requirePositive(value: number, field: string): void {
  if (!(Number.isFinite(value) && value > 0))
    throw new InvalidInputError(`${field} must be a positive number, not ${String(value)}.`, { field });
}
