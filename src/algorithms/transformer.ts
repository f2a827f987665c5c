/**
 * Transformer layers as they are written down: tokens are rows, heads read and write columns of them through matrices, attention
 * is linear or softmax, and everything is added to what was there.
 */
import type { Device } from '../device/device';
import type { Tensor } from '../device/tensor';
import { affine, axpy, combine } from '../kernels/elementwise';
import { attention } from '../kernels/attention';
import { matmul } from '../kernels/matmul';

/** A matrix of weights before it is on a device: row-major, mostly zeros where it was built by hand. */
export interface WeightMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array<ArrayBuffer>;
}

/** One head: Z gains (Z Q)(Z K)^T (Z V) O. Q and K are [width, k], V is [width, v], O is [v, width]. */
export interface HeadWeights<Matrix = WeightMatrix> {
  readonly query: Matrix;
  readonly key: Matrix;
  readonly value: Matrix;
  readonly output: Matrix;
}

/** One layer: Z gains its heads; then Z gains relu(Z A) B, with A [width, hidden] and B [hidden, width]. */
export interface LayerWeights<Matrix = WeightMatrix> {
  readonly heads: readonly HeadWeights<Matrix>[];
  readonly perceptron?: { readonly inward: Matrix; readonly outward: Matrix };
}

/**
 * How heads compare tokens. `linear`: by the product of query and key. `softmax`: two softmax heads of temperature 1 / `scale` and
 * opposite signs, whose difference is the linear head as `scale` goes to 0, up to scale^2, where keys have mean zero.
 */
export type HeadKind = { readonly kind: 'linear' } | { readonly kind: 'softmax'; readonly scale: number };

/** All matrices of some layers. */
function matricesOf<Matrix>(layers: readonly LayerWeights<Matrix>[]): Matrix[] {
  return layers.flatMap(({ heads, perceptron }) => [
    ...heads.flatMap(({ query, key, value, output }) => [query, key, value, output]),
    ...(perceptron === undefined ? [] : [perceptron.inward, perceptron.outward]),
  ]);
}

/** How many weights some layers have: all entries of their matrices, zeros included. */
export function parameterCount(layers: readonly LayerWeights[]): number {
  return matricesOf(layers).reduce((sum, { values }) => sum + values.length, 0);
}

/** Layers on a device, in the scope that is open. */
export function placeLayers(device: Device, layers: readonly LayerWeights[]): readonly LayerWeights<Tensor>[] {
  const place = ({ values, rows, columns }: WeightMatrix): Tensor => device.tensor(values, [rows, columns]);
  return layers.map(({ heads, perceptron }) => ({
    heads: heads.map(({ query, key, value, output }) => ({
      query: place(query),
      key: place(key),
      value: place(value),
      output: place(output),
    })),
    ...(perceptron && { perceptron: { inward: place(perceptron.inward), outward: place(perceptron.outward) } }),
  }));
}

/** Tokens [tokens, width] after some layers, in the scope that is open; `tokens` itself is not written to. */
export function passThrough(tokens: Tensor, layers: readonly LayerWeights<Tensor>[], kind: HeadKind): Tensor {
  return layers.reduce((state, { heads, perceptron }) => {
    // All heads of a layer read the same state.
    const attended = heads.reduce((sum, head) => combine(sum, attend(state, head, kind), 'add'), state);
    if (perceptron === undefined) return attended;
    const hidden = matmul(attended, perceptron.inward);
    const active = combine(hidden, tokens.device.full(hidden.shape, 0), 'maximum', { out: hidden });
    return combine(attended, matmul(active, perceptron.outward), 'add');
  }, tokens);
}

function attend(state: Tensor, { query, key, value, output }: HeadWeights<Tensor>, kind: HeadKind): Tensor {
  const [queries, keys, values] = [matmul(state, query), matmul(state, key), matmul(state, value)];
  if (kind.kind === 'linear') {
    // (Q K^T) V = Q (K^T V): no matrix of tokens by tokens.
    return matmul(matmul(queries, matmul(keys, values, { transposeA: true })), output);
  }
  const { scale } = kind;
  const tokens = state.shape[0] ?? 1;
  const positive = attention(queries, keys, values, { scale, heads: 1 });
  const negative = attention(queries, keys, values, { scale: -scale, heads: 1 });
  const difference = axpy(-1, negative, positive);
  return matmul(affine(difference, { scale: tokens / (2 * scale) }), output);
}
