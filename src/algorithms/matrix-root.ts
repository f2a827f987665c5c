/**
 * The square root of a symmetric positive semidefinite matrix by the coupled Newton-Schulz iteration (Higham, "Functions of
 * Matrices", section 6.7): products only, so it runs on a GPU, and in float64 on the reference device.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import { matrixShape, type Tensor } from '../device/tensor';
import { affine, axpy, combine } from '../kernels/elementwise';
import { matmul } from '../kernels/matmul';
import { reduceAll } from '../kernels/reduce';

/** How to iterate. */
export interface MatrixRootOptions {
  /** Stop when |R R - A| / |A| (Frobenius) is this small. Default n times the rounding unit of the device. */
  readonly tolerance?: number;
  /** Default 60. Each doubles the digits of eigenvalues near the largest and multiplies tiny ones by 1.5. */
  readonly maximumIterations?: number;
}

/** A root and how good it is. */
export interface MatrixRoot {
  /** R, `[n, n]`. */
  readonly root: Tensor;
  /** The trace of R. */
  readonly trace: number;
  /** |R R - A| / |A|, Frobenius. */
  readonly residual: number;
  readonly iterations: number;
  /** False where the residual stopped falling above the tolerance. */
  readonly converged: boolean;
}

/** A residual above this means that the matrix has no real root, or none that the iteration can reach. */
const largestResidual = 1e-2;

/**
 * R with R R = A, in the scope that is open. A singular matrix has a root too; eigenvalues below about the rounding unit times
 * the largest come out between 0 and the root of that, which is as much as the matrix itself says about them. Throws
 * `InvalidInputError` for a matrix that is not square or has entries that are not numbers, `DivergedError` for one with a
 * negative eigenvalue.
 */
export async function matrixRoot(a: Tensor, options: MatrixRootOptions = {}): Promise<MatrixRoot> {
  const { device } = a;
  const [n, columns] = matrixShape(a, 'matrix');
  if (n !== columns)
    throw new InvalidInputError(
      `Only a square matrix has a square root, not one of ${String(n)} x ${String(columns)}.`,
      {
        field: 'matrix',
      },
    );
  const { tolerance = n * (device.kind === 'reference' ? 2 ** -50 : 2 ** -24), maximumIterations = 60 } = options;
  using scope = device.scope();
  const identity = identityMatrix(device, n);
  const norm = await frobenius(a);
  if (!Number.isFinite(norm))
    throw new InvalidInputError('The matrix has entries that are not numbers, or too large to square.', {
      field: 'matrix',
    });
  if (norm === 0)
    return { root: scope.keep(device.full([n, n], 0)), trace: 0, residual: 0, iterations: 0, converged: true };

  // Eigenvalues of y = A / |A| lie in [0, 1], where the iteration converges: y to the root, z to its inverse.
  const scaled = affine(a, { scale: 1 / norm });
  let best: { readonly y: Tensor; readonly residual: number; readonly iterations: number } | undefined;
  const roots = [device.empty([n, n]), device.empty([n, n]), device.empty([n, n])];
  const inverses = [device.empty([n, n]), device.empty([n, n])];
  let y = scaled;
  let z = identity;
  let rises = 0;
  let iterations = 0;
  while (iterations < maximumIterations) {
    using _step = device.scope();
    iterations += 1;
    const correction = axpy(-0.5, matmul(z, y), affine(identity, { scale: 1.5 }));
    y = matmul(y, correction, unused(roots, y, best?.y));
    z = matmul(correction, z, unused(inverses, z));
    const residual = await frobenius(axpy(-1, scaled, matmul(y, y)));
    if (!Number.isFinite(residual)) break;
    rises = best !== undefined && residual >= best.residual ? rises + 1 : 0;
    if (best === undefined || residual < best.residual) best = { y, residual, iterations };
    // Rounding lets the residual rise for a step or two; after three it has reached its floor, or diverges.
    if (residual <= tolerance || rises === 3) break;
  }
  if (best === undefined || best.residual > largestResidual) {
    throw new DivergedError(
      `The square root did not converge in ${String(iterations)} iterations: the matrix must be symmetric without negative eigenvalues.`,
      { parameter: 'matrix', iteration: iterations },
    );
  }
  const root = scope.keep(affine(best.y, { scale: Math.sqrt(norm) }));
  const { residual } = best;
  return {
    root,
    trace: await traceOf(root, identity),
    residual,
    iterations: best.iterations,
    converged: residual <= tolerance,
  };
}

/** An inverse root and how good it is. */
export interface InverseMatrixRoot {
  /** Z with Z Z A = I, `[n, n]`. */
  readonly inverse: Tensor;
  /** |I - Z Y| / |I| (Frobenius) with Y the root that came with it. */
  readonly residual: number;
  readonly iterations: number;
}

/**
 * A^-1/2 of a symmetric positive definite matrix whose eigenvalues are at least `smallest`, in the scope that is open: the other
 * half of the same iteration. How often it is repeated follows from the condition number, so nothing is read in between. Errors
 * as for `matrixRoot`, and `DivergedError` where an eigenvalue is smaller than said.
 */
export async function inverseMatrixRoot(a: Tensor, smallest: number): Promise<InverseMatrixRoot> {
  const { device } = a;
  const [n, columns] = matrixShape(a, 'matrix');
  const norm = await frobenius(a);
  if (n !== columns || !Number.isFinite(norm) || !(smallest > 0) || !(norm > 0))
    throw new InvalidInputError('An inverse root needs a square matrix of numbers with positive eigenvalues.', {
      field: 'matrix',
    });
  using scope = device.scope();
  const identity = identityMatrix(device, n);
  let y = affine(a, { scale: 1 / norm });
  let z = identity;
  // Eigenvalues of the root grow by a factor of 1.5 until they are near one; then the digits double.
  const iterations = Math.min(100, Math.ceil(Math.log(Math.max(1, norm / smallest)) / (2 * Math.log(1.5))) + 6);
  for (let k = 0; k < iterations; k++) {
    const correction = axpy(-0.5, matmul(z, y), affine(identity, { scale: 1.5 }));
    [y, z] = [matmul(y, correction), matmul(correction, z)];
  }
  const residual = (await frobenius(axpy(-1, matmul(z, y), identity))) / Math.sqrt(n);
  if (!(residual <= largestResidual)) {
    throw new DivergedError(
      `The inverse root did not converge in ${String(iterations)} iterations: no eigenvalue may be smaller than ${String(smallest)}.`,
      { parameter: 'matrix', iteration: iterations },
    );
  }
  return { inverse: scope.keep(affine(z, { scale: 1 / Math.sqrt(norm) })), residual, iterations };
}

/** What the distance between two Gaussians is made of. */
export interface GaussianMoments {
  /** `[n]`. */
  readonly mean: ArrayLike<number>;
  /** `[n, n]` on a device. */
  readonly covariance: Tensor;
}

/**
 * The squared quadratic Wasserstein distance between two Gaussians, cost |x - y|^2 without a factor 1/2:
 * |m0 - m1|^2 + tr(S0 + S1 - 2 (S0^1/2 S1 S0^1/2)^1/2). Errors as for `matrixRoot`; both covariances are on one device.
 */
export async function gaussianDistanceSquared(first: GaussianMoments, second: GaussianMoments): Promise<number> {
  const { device } = first.covariance;
  const [n] = matrixShape(first.covariance, 'covariance');
  const [m] = matrixShape(second.covariance, 'covariance');
  if (n !== m || first.mean.length !== n || second.mean.length !== n)
    throw new InvalidInputError('The two Gaussians must have one dimension.', { field: 'covariance' });
  using _scope = device.scope();
  const { root } = await matrixRoot(first.covariance);
  const inner = matmul(matmul(root, second.covariance), root);
  const cross = await matrixRoot(affine(axpy(1, inner, matmul(root, matmul(second.covariance, root))), { scale: 0.5 }));
  const identity = identityMatrix(device, n);
  const traces = (await traceOf(first.covariance, identity)) + (await traceOf(second.covariance, identity));
  let shift = 0;
  for (let i = 0; i < n; i++) shift += ((first.mean[i] ?? NaN) - (second.mean[i] ?? NaN)) ** 2;
  return Math.max(0, shift + traces - 2 * cross.trace);
}

/** The identity on a device. */
export function identityMatrix(device: Device, n: number): Tensor {
  return device.tensor(
    Float32Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0)),
    [n, n],
  );
}

/** The first buffer that is none of those in use, as where to put a result. */
function unused(buffers: readonly Tensor[], ...used: readonly (Tensor | undefined)[]): { readonly out?: Tensor } {
  const out = buffers.find((buffer) => !used.includes(buffer));
  return out === undefined ? {} : { out };
}

async function frobenius(x: Tensor): Promise<number> {
  const [sum = NaN] = await reduceAll(combine(x, x, 'multiply'), 'sum').read();
  return Math.sqrt(sum);
}

/** The sum of the diagonal. */
export async function traceOf(x: Tensor, identity: Tensor): Promise<number> {
  const [sum = NaN] = await reduceAll(combine(x, identity, 'multiply'), 'sum').read();
  return sum;
}
