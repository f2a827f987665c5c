/**
 * Weights of looped transformers, built by hand: a pre-block, a block that is run again and again, and a post-block (Gao, Zheng,
 * Xie, Shi, Hu, Li, Ng, Li, Liu, "AlgoFormer", 2024). They know the sizes of the prompt, the step and the features, but neither
 * an example nor the answer.
 */
import { InvalidInputError } from '../device/errors';
import { TokenColumns, type TokenLayout } from './token-columns';
import { parameterCount, type HeadKind, type HeadWeights, type LayerWeights, type WeightMatrix } from './transformer';

/** phi(u) = relu(u A) B: A is `[inputs, hidden]`, B is `[hidden, features]`. */
export interface FeatureMap {
  readonly inward: WeightMatrix;
  readonly outward: WeightMatrix;
}

/** What each loop does. */
export type LoopMethod = 'gradient' | 'newton';

/** What to build. */
export interface SolverOptions {
  /**
   * `gradient`: a loop is a step of gradient descent on |X w - y|^2 / (2 N) from w = 0 (von Oswald et al., ICML 2023).
   * `newton`: a loop is a step of Newton's iteration for the inverse of S = X^T X / N, A <- 2 A - A S A from A = step I, so that
   * t loops are 2^t steps of gradient descent (Schulz 1933; in context: Fu, Chen, Jia, Sharan, NeurIPS 2024).
   */
  readonly method: LoopMethod;
  /** Below 2 / (largest eigenvalue of S), or the loop diverges. */
  readonly step: number;
  /** The pre-block's perceptron; without it inputs are features. */
  readonly features?: FeatureMap;
  /** Linear unless given; softmax heads serve `gradient` only, with features of mean zero over the examples. */
  readonly heads?: HeadKind;
}

/** A transformer and how prompts are written into its tokens. */
export interface LoopedTransformer {
  readonly layout: TokenLayout;
  /** Numbers in a token. */
  readonly width: number;
  readonly before: readonly LayerWeights[];
  readonly loop: readonly LayerWeights[];
  readonly after: readonly LayerWeights[];
  /** `[width, 1]`: the prediction, read off a query's token. */
  readonly readout: WeightMatrix;
  readonly heads: HeadKind;
  /** Tokens that hold the rows of S and of its inverse; none for `gradient`. */
  readonly matrixTokens: number;
}

/**
 * Builds the weights. Columns of a token: `input` and `query input` (where there are features to compute), `example` and `query`
 * (the features; a query's are in columns of their own, so that nobody takes it for an example), `residual` (y - x w) for
 * gradient descent; or `target`, and in a token for each feature `unit` (a row of I), `moment` (of S), `inverse` (of A), `product`
 * (of X^T y / N), `weight` (of w), and `answer`. Throws `InvalidInputError` for sizes or a step that make no sense.
 */
export function buildSolver(
  { examples, inputs }: { readonly examples: number; readonly inputs: number },
  { method, step, features, heads = { kind: 'linear' } }: SolverOptions,
): LoopedTransformer {
  requireCount(examples, 'examples');
  requireCount(inputs, 'inputs');
  if (!(step > 0 && step < Infinity))
    throw new InvalidInputError(`The step must be a positive number, but is ${String(step)}.`, { field: 'step' });
  if (heads.kind === 'softmax' && (method !== 'gradient' || !(heads.scale > 0)))
    throw new InvalidInputError('Softmax heads need a positive scale, and serve gradient descent only.', {
      field: 'heads',
    });
  if (features !== undefined && (features.inward.rows !== inputs || features.outward.rows !== features.inward.columns))
    throw new InvalidInputError(`The features must be computed from ${String(inputs)} inputs.`, { field: 'features' });
  const size = features?.outward.columns ?? inputs;
  const raw: [string, number][] =
    features === undefined
      ? []
      : [
          ['input', inputs],
          ['query input', inputs],
        ];
  const own: [string, number][] =
    method === 'gradient'
      ? [['residual', 1]]
      : [
          ['target', 1],
          ['unit', size],
          ['moment', size],
          ['inverse', size],
          ['product', 1],
          ['weight', 1],
          ['answer', 1],
        ];
  const columns = new TokenColumns([...raw, ['example', size], ['query', size], ...own]);
  const prepare = features === undefined ? [] : [featureLayer(columns, features)];
  const blocks =
    method === 'gradient' ? gradientBlocks(columns, step / examples) : newtonBlocks(columns, step, examples);
  return {
    layout: columns.layout,
    width: columns.width,
    before: [...prepare, ...blocks.before],
    loop: blocks.loop,
    after: blocks.after,
    readout: blocks.readout,
    heads,
    matrixTokens: method === 'gradient' ? 0 : size,
  };
}

/** How many weights each part has, and how many numbers a token. */
export function countParameters({ before, loop, after, readout }: LoopedTransformer) {
  return {
    before: parameterCount(before),
    loop: parameterCount(loop),
    after: parameterCount(after) + readout.values.length,
  };
}

/** The three blocks and how to read the answer. */
type Blocks = Pick<LoopedTransformer, 'before' | 'loop' | 'after' | 'readout'>;

/** Token i gains -rate sum_j <x_i, x_j> r_j in its residual: what a step changes in y_i - x_i w. A query's residual is -prediction. */
function gradientBlocks(columns: TokenColumns, rate: number): Blocks {
  const head: HeadWeights = {
    query: columns.read(['example'], ['query']),
    key: columns.read(['example']),
    value: columns.read(['residual']),
    output: columns.write(['residual', -rate]),
  };
  return { before: [], loop: [{ heads: [head] }], after: [], readout: columns.read(['residual', -1]) };
}

/** Matrix tokens gather S and X^T y, iterate for the inverse, multiply the two; queries then read the weights. */
function newtonBlocks(columns: TokenColumns, step: number, examples: number): Blocks {
  const gather: HeadWeights = {
    query: columns.read(['unit']),
    key: columns.read(['example']),
    value: columns.side('example', 'target'),
    output: columns.writeSide(1 / examples, 'moment', 'product'),
  };
  // Units are orthonormal, so each matrix token sees itself alone.
  const own = (from: string, to: string, scale: number): HeadWeights => ({
    query: columns.read(['unit']),
    key: columns.read(['unit']),
    value: columns.read([from]),
    output: columns.write([to, scale]),
  });
  const schulz: HeadWeights = {
    query: columns.read(['inverse']),
    key: columns.read(['moment']),
    value: columns.read(['inverse']),
    output: columns.write(['inverse', -1]),
  };
  const multiply: HeadWeights = {
    query: columns.read(['inverse']),
    key: columns.read(['unit']),
    value: columns.read(['product']),
    output: columns.write(['weight', 1]),
  };
  const answer: HeadWeights = {
    query: columns.read(['query']),
    key: columns.read(['unit']),
    value: columns.read(['weight']),
    output: columns.write(['answer', 1]),
  };
  return {
    before: [{ heads: [gather, own('unit', 'inverse', step)] }],
    loop: [{ heads: [schulz, own('inverse', 'inverse', 1)] }],
    after: [{ heads: [multiply] }, { heads: [answer] }],
    readout: columns.read(['answer']),
  };
}

/** One perceptron for examples and queries alike: hidden units and features of both lie side by side. */
function featureLayer(columns: TokenColumns, { inward, outward }: FeatureMap): LayerWeights {
  const hidden = inward.columns;
  const wide = columns.zeros(columns.width, 2 * hidden);
  const back = columns.zeros(2 * hidden, columns.width);
  [
    ['input', 'example'],
    ['query input', 'query'],
  ].forEach(([from = '', to = ''], side) => {
    const [source, goal] = [columns.first(from), columns.first(to)];
    for (let unit = 0; unit < hidden; unit++) {
      for (let row = 0; row < inward.rows; row++)
        wide.values[(source + row) * wide.columns + side * hidden + unit] = inward.values[row * hidden + unit] ?? NaN;
      for (let feature = 0; feature < outward.columns; feature++)
        back.values[(side * hidden + unit) * back.columns + goal + feature] =
          outward.values[unit * outward.columns + feature] ?? NaN;
    }
  });
  return { heads: [], perceptron: { inward: wide, outward: back } };
}

/** Throws `InvalidInputError` for what is no whole number of at least 1. */
export function requireCount(count: number, field: string): void {
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidInputError(`${field} must be a whole number of at least 1, but is ${String(count)}.`, { field });
}
