/** What attention kernels are asked for: options, the layout of their operands, and which keys a query sees. */
import { InvalidInputError } from '../device/errors';
import type { Shape, Tensor } from '../device/tensor';

/** How `attention` and `attentionWeights` compare queries with keys. */
export interface AttentionOptions {
  /** `dot`: logits are scale * <q, k> (default). `squared-distance`: logits are -scale * |q - k|^2. */
  readonly metric?: 'dot' | 'squared-distance';
  /** Default 1 / sqrt(d) for `dot`, 1 for `squared-distance`. */
  readonly scale?: number;
  /** Query i sees keys j <= i only. Default false. */
  readonly causal?: boolean;
  /** Query i sees keys from i - before to i + after only; one number stands for both. Default: all keys. */
  readonly window?: number | readonly [before: number, after: number];
  /** How many heads lie side by side in the columns of matrices; tensors of rank 3 bring their own number. Default 1. */
  readonly heads?: number;
  /** Added to the logits of each key: [keys], or [heads, keys]. */
  readonly keyBias?: Tensor;
  /** Only these queries, from `start` up to but without `end`. Default: all. */
  readonly rows?: readonly [start: number, end: number];
}

/** Where a head's row lies in an operand, in elements. */
export interface Operand {
  readonly heads: number;
  readonly rows: number;
  /** Elements of one head's row. */
  readonly dimension: number;
  readonly rowStride: number;
  readonly headStride: number;
}

/** Everything that follows from shapes and options. */
export interface AttentionPlan {
  readonly queries: Operand;
  readonly keys: Operand;
  readonly heads: number;
  /** First query, and the one after the last. */
  readonly rows: readonly [start: number, end: number];
  /** Query i sees keys i - before to i + after. */
  readonly before: number;
  readonly after: number;
  /** The factor on the similarity, negative for distances. */
  readonly scale: number;
  readonly isDistance: boolean;
  /** Elements of `keyBias` from one head to the next. */
  readonly biasStride: number;
}

/** Stands for no limit to a window: positions stay below it, and differences fit an i32. */
const UNLIMITED = 2 ** 30;

/** Reads an operand's layout: a matrix [rows, heads * d], or [heads, rows, d]. Throws `InvalidInputError`. */
export function operandOf(tensor: Tensor, name: string, heads: number | undefined): Operand {
  const [first = 0, second = 0, third] = tensor.shape;
  if (tensor.shape.length === 3 && third !== undefined) {
    if (heads !== undefined && heads !== first) {
      throw new InvalidInputError(
        `${name} of shape [${tensor.shape.join(', ')}] have ${String(first)} heads, not ${String(heads)}: leave the option out.`,
        { field: 'heads' },
      );
    }
    return { heads: first, rows: second, dimension: third, rowStride: third, headStride: second * third };
  }
  const count = heads ?? 1;
  if (tensor.shape.length !== 2 || !Number.isSafeInteger(count) || count < 1 || second % count !== 0) {
    throw new InvalidInputError(
      `${name} must be a matrix whose columns ${String(count)} heads can share, or [heads, rows, d], but the shape is [${tensor.shape.join(', ')}].`,
      { field: name },
    );
  }
  return { heads: count, rows: first, dimension: second / count, rowStride: second, headStride: second / count };
}

/** Checks queries, keys and options against each other. Throws `InvalidInputError` naming what does not fit. */
export function planAttention(queryTensor: Tensor, keyTensor: Tensor, options: AttentionOptions): AttentionPlan {
  const queries = operandOf(queryTensor, 'queries', options.heads);
  const keys = operandOf(keyTensor, 'keys', options.heads);
  if (queries.dimension !== keys.dimension || queries.heads !== keys.heads) {
    throw new InvalidInputError(
      `Queries [${queryTensor.shape.join(', ')}] and keys [${keyTensor.shape.join(', ')}] differ in size or number of heads.`,
      { field: 'keys' },
    );
  }
  const { metric = 'dot', causal = false, window, keyBias } = options;
  const isDistance = metric === 'squared-distance';
  const scale = options.scale ?? (isDistance ? 1 : 1 / Math.sqrt(queries.dimension));
  if (!Number.isFinite(scale))
    throw new InvalidInputError('The scale of attention must be a finite number.', { field: 'scale' });
  const [before, after] =
    window === undefined ? [UNLIMITED, UNLIMITED] : typeof window === 'number' ? [window, window] : window;
  if (!(before >= 0) || !(after >= 0) || !Number.isInteger(before) || !Number.isInteger(after)) {
    throw new InvalidInputError('The window of attention must be a whole number of keys, zero or more.', {
      field: 'window',
    });
  }
  const rows = options.rows ?? [0, queries.rows];
  if (
    !Number.isInteger(rows[0]) ||
    !Number.isInteger(rows[1]) ||
    rows[0] < 0 ||
    rows[1] > queries.rows ||
    rows[0] >= rows[1]
  ) {
    throw new InvalidInputError(
      `Rows ${String(rows[0])} to ${String(rows[1])} are not among the ${String(queries.rows)} queries.`,
      { field: 'rows' },
    );
  }
  let biasStride = 0;
  if (keyBias !== undefined) {
    if (keyBias.shape.length === 2) biasStride = keys.rows;
    const expected = biasStride === 0 ? [keys.rows] : [keys.heads, keys.rows];
    if (keyBias.shape.join() !== expected.join()) {
      throw new InvalidInputError(
        `The key bias must have the shape [${expected.join(', ')}], but it is [${keyBias.shape.join(', ')}].`,
        { field: 'keyBias' },
      );
    }
  }
  return {
    queries,
    keys,
    heads: queries.heads,
    rows,
    before: Math.min(before, UNLIMITED),
    after: causal ? 0 : Math.min(after, UNLIMITED),
    scale: isDistance ? -scale : scale,
    isDistance,
    biasStride,
  };
}

/** The keys that a query sees, from `start` up to but without `end`. */
export function visibleKeys({ before, after, keys }: AttentionPlan, query: number): [start: number, end: number] {
  return [Math.max(0, query - before), Math.max(0, Math.min(keys.rows, query + after + 1))];
}

/** How many query-key pairs there are that are not masked, over all heads. */
export function visiblePairs(plan: AttentionPlan): number {
  const [start, end] = plan.rows;
  const isWhole = plan.before >= plan.queries.rows && plan.after >= plan.keys.rows;
  if (isWhole) return plan.heads * (end - start) * plan.keys.rows;
  let pairs = 0;
  for (let query = start; query < end; query++) {
    const [first, last] = visibleKeys(plan, query);
    pairs += Math.max(0, last - first);
  }
  return plan.heads * pairs;
}

/** The values' layout. Throws `InvalidInputError` if there is not one value per key. */
export function valuesOf(tensor: Tensor, plan: AttentionPlan, heads: number | undefined): Operand {
  const values = operandOf(tensor, 'values', heads);
  if (values.rows !== plan.keys.rows || values.heads !== plan.heads) {
    throw new InvalidInputError(
      `There must be one value per key: ${String(plan.heads)} x ${String(plan.keys.rows)} keys, but values of shape [${tensor.shape.join(', ')}].`,
      { field: 'values' },
    );
  }
  return values;
}

/** The shape of the result: as the queries lie, with the values' row size. */
export function resultShape(queries: Tensor, plan: AttentionPlan, dimension: number): Shape {
  return queries.shape.length === 3
    ? [plan.heads, plan.queries.rows, dimension]
    : [plan.queries.rows, plan.heads * dimension];
}
