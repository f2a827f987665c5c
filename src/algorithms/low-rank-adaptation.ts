/**
 * The gradient of low-rank adaptation through one head of attention: W = W* + (alpha / r) A B for queries, keys and values, loss
 * half the squared distance of the output to targets. Exact with n^2 weights, or nearly linear through polynomial features
 * (Hu, Su, Kuo, Song, Liu, ICLR 2025).
 */
import type { Tensor } from '../device/device';
import { affine, axpy, combine } from '../kernels/elementwise';
import { matmul } from '../kernels/matmul';
import { gradientsThrough, exactOperator, polynomialOperator } from './attention-operator';
import type { PolynomialAttentionOptions } from './polynomial-attention';

/** The matrices of one projection: what is frozen, and the two thin factors that are trained. */
export interface AdaptedWeights {
  /** W*, [D, d]. */
  readonly frozen: Tensor;
  /** A, [D, rank]. */
  readonly down: Tensor;
  /** B, [rank, d]. */
  readonly up: Tensor;
}

/** What a head projects its tokens to. */
export type Projection = 'queries' | 'keys' | 'values';

/** A layer, its input and what it should give. */
export interface AdaptationProblem {
  /** X, [n, D]. */
  readonly tokens: Tensor;
  /** What the output should be, [n, d of the values]. */
  readonly targets: Tensor;
  readonly weights: Readonly<Record<Projection, AdaptedWeights>>;
  /** The factor (alpha / r) before A B. */
  readonly strength: number;
}

/** Gradients of the two factors of each projection. */
export type AdaptationGradient = Readonly<Record<Projection, { readonly down: Tensor; readonly up: Tensor }>>;

/** The output of the layer, and the gradient of the loss with respect to all factors. */
export interface AdaptationStep {
  readonly output: Tensor;
  readonly gradient: AdaptationGradient;
}

/**
 * One forward and backward pass: exact where `approximation` is 'exact', else by polynomial features. Results belong to the
 * current scope.
 */
export function adaptationStep(
  { tokens, targets, weights, strength }: AdaptationProblem,
  approximation: PolynomialAttentionOptions | 'exact',
): AdaptationStep {
  using scope = tokens.device.scope();
  const project = ({ frozen, down, up }: AdaptedWeights): Tensor =>
    matmul(tokens, axpy(strength, matmul(down, up), frozen));
  const [queries, keys, values] = [project(weights.queries), project(weights.keys), project(weights.values)];
  const operator =
    approximation === 'exact' ? exactOperator(queries, keys) : polynomialOperator(queries, keys, approximation);
  const output = operator.apply(values);
  const outputGradient = combine(output, targets, 'subtract');
  const through = gradientsThrough(operator, { queries, keys, values, output, outputGradient });
  const factors = (projection: Projection) => {
    const { down, up } = weights[projection];
    const full = matmul(tokens, through[projection], { transposeA: true });
    const scaled = affine(full, { scale: strength, out: full });
    return {
      down: scope.keep(matmul(scaled, up, { transposeB: true })),
      up: scope.keep(matmul(down, scaled, { transposeA: true })),
    };
  };
  return {
    output: scope.keep(output),
    gradient: { queries: factors('queries'), keys: factors('keys'), values: factors('values') },
  };
}
