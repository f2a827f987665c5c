/**
 * The matrix of attention weights P as an operator: P v and P^T y, from stored weights or through polynomial features. With the
 * two, forward and gradients of attention are the same few lines whether P is exact (n^2) or of low rank (n).
 */
import type { Tensor } from '../device/device';
import { affine, combine, map } from '../kernels/elementwise';
import { matmul } from '../kernels/matmul';
import { contractRows, rowProducts } from '../kernels/polynomial';
import { softmaxRows } from '../kernels/softmax';
import { makeFeatureMap, type PolynomialAttentionOptions } from './polynomial-attention';

/** P = softmax(scale Q K^T), [n, m]. Results belong to the current scope. */
export interface AttentionOperator {
  readonly scale: number;
  /** P times [m, columns]: [n, columns]. */
  apply(values: Tensor): Tensor;
  /** P transposed times [n, columns]: [m, columns]. */
  applyTransposed(rows: Tensor): Tensor;
}

/** The exact operator: n m weights are stored. Queries [n, d], keys [m, d]; scale 1 / d unless given. */
export function exactOperator(queries: Tensor, keys: Tensor, scale = 1 / (queries.shape[1] ?? 1)): AttentionOperator {
  const logits = matmul(queries, keys, { transposeB: true });
  const weights = softmaxRows(affine(logits, { scale, out: logits }));
  return {
    scale,
    apply: (values) => matmul(weights, values),
    applyTransposed: (rows) => matmul(weights, rows, { transposeA: true }),
  };
}

/**
 * The operator through polynomial features: P is close to D^-1 Phi(Q) Phi(K)^T, of rank (d + degree choose degree), and is never
 * formed (Alman and Song, NeurIPS 2023).
 */
export function polynomialOperator(
  queries: Tensor,
  keys: Tensor,
  options: PolynomialAttentionOptions,
): AttentionOperator {
  const [device, dimension = 1] = [queries.device, queries.shape[1]];
  const features = makeFeatureMap(device, dimension, options);
  const [phiKeys, phiQueries] = [features.keys(keys), features.queries(queries)];
  const counts = matmul(phiKeys, device.full([keys.shape[0] ?? 1, 1], 1), { transposeA: true });
  const normaliser = matmul(phiQueries, counts);
  const inverse = map(normaliser, 'reciprocal', { out: normaliser });
  return {
    scale: options.scale ?? 1 / dimension,
    apply: (values) => contractRows(matmul(phiQueries, matmul(phiKeys, values, { transposeA: true })), inverse),
    applyTransposed: (rows) => matmul(phiKeys, matmul(phiQueries, contractRows(rows, inverse), { transposeA: true })),
  };
}

/** What `gradientsThrough` works on: a forward pass and the gradient of a loss with respect to its result. */
export interface AttentionForward {
  /** [n, d]. */
  readonly queries: Tensor;
  /** [m, d]. */
  readonly keys: Tensor;
  /** [m, dv]. */
  readonly values: Tensor;
  /** P V, [n, dv]. */
  readonly output: Tensor;
  /** d loss / d output, [n, dv]. */
  readonly outputGradient: Tensor;
}

/** Gradients with respect to queries, keys and values. */
export interface AttentionGradients {
  readonly queries: Tensor;
  readonly keys: Tensor;
  readonly values: Tensor;
}

/**
 * Gradients of a loss through O = P V, using P only as an operator: with G = dO and D_i = G_i . O_i,
 * dQ_i = scale (sum_j P_ij (G_i . V_j) K_j - D_i sum_j P_ij K_j), where the first sum is P applied to all products of a column of K
 * with one of V, contracted with G_i; likewise dK through P^T (the chain of low-rank factors in Hu, Su, Kuo, Song, Liu, ICLR 2025).
 */
export function gradientsThrough(operator: AttentionOperator, forward: AttentionForward): AttentionGradients {
  const { queries, keys, values, output, outputGradient } = forward;
  using scope = queries.device.scope();
  const { scale } = operator;
  const along = contractRows(output, outputGradient);
  const difference = (left: Tensor, right: Tensor): Tensor =>
    affine(combine(left, right, 'subtract', { out: left }), { scale, out: left });
  const queryGradient = difference(
    contractRows(operator.apply(rowProducts(keys, values)), outputGradient),
    contractRows(operator.apply(keys), along),
  );
  const keyGradient = difference(
    contractRows(operator.applyTransposed(rowProducts(queries, outputGradient)), values),
    operator.applyTransposed(contractRows(queries, along)),
  );
  return {
    queries: scope.keep(queryGradient),
    keys: scope.keep(keyGradient),
    values: scope.keep(operator.applyTransposed(outputGradient)),
  };
}
