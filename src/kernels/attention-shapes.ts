/** What attention kernels are asked for: options, the layout of their operands, and which keys a query sees. */
import { InvalidInputError } from '../device/errors';
import type { Shape, Tensor } from '../device/tensor';

/** How `attention`, `attentionWeights` and `attentionGradient` compare queries with keys. */
export interface AttentionOptions {
  /** `dot`: logits are scale * <q, k> (default). `squared-distance`: logits are -scale * |q - k|^2. */
  readonly metric?: 'dot' | 'squared-distance';
  /** Default 1 / sqrt(d) for `dot`, 1 for `squared-distance`. */
  readonly scale?: number;
  /** Logits become softCap * tanh(logit / softCap) before bias and mask (Gemma 2, 2024). Default: no cap. */
  readonly softCap?: number;
  /** A query sees the key at its own position and those before it only. Default false. */
  readonly causal?: boolean;
  /** A query sees keys from its position - before to its position + after only; one number stands for both. Default: all keys. */
  readonly window?: number | readonly [before: number, after: number];
  /**
   * Where among the keys query 0 stands, for `causal` and `window`: the length of the past in a cache. One number, or one per
   * batch of heads. Default 0.
   */
  readonly firstPosition?: number | readonly number[];
  /** Keys from this one on are padding that nobody sees. One number, or one per batch of heads. Default: all keys are real. */
  readonly keyLengths?: number | readonly number[];
  /** How many heads lie side by side in the columns of matrices; tensors of rank 3 bring their own number. Default 1. */
  readonly heads?: number;
  /**
   * How many heads the keys and values have in the columns of matrices, where several query heads share one (grouped-query
   * attention, Ainslie et al. 2023; 1: multi-query). It divides `heads`. Default: as many.
   */
  readonly keyHeads?: number;
  /** Added to the logits of each key: [keys], or [heads, keys]. A bias below -1e38 hides the key. */
  readonly keyBias?: Tensor;
  /** Added to the logits: [queries, keys], or [heads, queries, keys]. A bias below -1e38 hides the pair. Not with `keyBias`. */
  readonly bias?: Tensor;
  /** 0 hides, anything else does not: `u32` of shape [keys], [queries, keys] or [heads, queries, keys]. */
  readonly mask?: Tensor;
  /**
   * One logit per head, [heads], that joins each row's denominator without a value, so that a query may look at nothing
   * (attention sinks; gpt-oss, 2025). Default: none.
   */
  readonly sinks?: Tensor;
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

/** Neighbouring query heads that see the same keys. */
export interface Segment {
  readonly firstHead: number;
  readonly heads: number;
  /** Keys that are not padding. */
  readonly keyLength: number;
  /** Where among the keys query 0 stands. */
  readonly offset: number;
}

/** Everything that follows from shapes and options. */
export interface AttentionPlan {
  readonly queries: Operand;
  readonly keys: Operand;
  /** Query heads, and how many of them share a head of keys. */
  readonly heads: number;
  readonly group: number;
  readonly segments: readonly Segment[];
  /** First query, and the one after the last. */
  readonly rows: readonly [start: number, end: number];
  /** A query at position p sees keys p - before to p + after. */
  readonly before: number;
  readonly after: number;
  /** The factor on the similarity, negative for distances. */
  readonly scale: number;
  /** 0 where there is none. */
  readonly softCap: number;
  readonly isDistance: boolean;
}

/** Stands for no limit to a window: positions stay below it, and differences fit an i32. */
const UNLIMITED = 2 ** 29;

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

/** How many heads keys and values are said to have: matrices have the queries' unless said otherwise. */
function keyHeadsOf(tensor: Tensor, { heads, keyHeads }: AttentionOptions): number | undefined {
  return keyHeads ?? (tensor.shape.length === 3 ? undefined : heads);
}

/** Checks queries, keys and options against each other. Throws `InvalidInputError` naming what does not fit. */
export function planAttention(queryTensor: Tensor, keyTensor: Tensor, options: AttentionOptions): AttentionPlan {
  const queries = operandOf(queryTensor, 'queries', options.heads);
  const keys = operandOf(keyTensor, 'keys', keyHeadsOf(keyTensor, options));
  if (queries.dimension !== keys.dimension) {
    throw new InvalidInputError(
      `Queries [${queryTensor.shape.join(', ')}] and keys [${keyTensor.shape.join(', ')}] differ in the size of a head's row: ${String(queries.dimension)} and ${String(keys.dimension)}.`,
      { field: 'keys' },
    );
  }
  if (queries.heads % keys.heads !== 0) {
    throw new InvalidInputError(
      `${String(queries.heads)} query heads cannot share ${String(keys.heads)} heads of keys evenly: give a divisor of the query heads.`,
      { field: 'keyHeads' },
    );
  }
  const { metric = 'dot', causal = false, softCap = 0 } = options;
  const isDistance = metric === 'squared-distance';
  const scale = options.scale ?? (isDistance ? 1 : 1 / Math.sqrt(queries.dimension));
  if (!Number.isFinite(scale))
    throw new InvalidInputError('The scale of attention must be a finite number.', { field: 'scale' });
  if (!Number.isFinite(softCap) || softCap < 0)
    throw new InvalidInputError('The soft cap must be a finite number above zero, or left out.', { field: 'softCap' });
  const [before, after] = windowOf(options.window);
  const plan = {
    queries,
    keys,
    heads: queries.heads,
    group: queries.heads / keys.heads,
    segments: segmentsOf(options, queries.heads, keys),
    rows: rowsOf(options.rows, queries.rows),
    before,
    after: causal ? 0 : after,
    scale: isDistance ? -scale : scale,
    softCap,
    isDistance,
  };
  checkPairTensors(plan, options);
  return plan;
}

function windowOf(window: AttentionOptions['window']): readonly [before: number, after: number] {
  const [before, after] =
    window === undefined ? [UNLIMITED, UNLIMITED] : typeof window === 'number' ? [window, window] : window;
  if (!(before >= 0) || !(after >= 0) || !Number.isInteger(before) || !Number.isInteger(after)) {
    throw new InvalidInputError('The window of attention must be a whole number of keys, zero or more.', {
      field: 'window',
    });
  }
  return [Math.min(before, UNLIMITED), Math.min(after, UNLIMITED)];
}

function rowsOf(rows: AttentionOptions['rows'], count: number): readonly [start: number, end: number] {
  const [start, end] = rows ?? [0, count];
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end > count || start >= end) {
    throw new InvalidInputError(`Rows ${String(start)} to ${String(end)} are not among the ${String(count)} queries.`, {
      field: 'rows',
    });
  }
  return [start, end];
}

/** Heads by what they see; batches that follow each other and see the same are one segment. */
function segmentsOf({ keyLengths, firstPosition }: AttentionOptions, heads: number, keys: Operand): Segment[] {
  const lengths = listOf(keyLengths ?? keys.rows);
  const offsets = listOf(firstPosition ?? 0);
  const batches = Math.max(lengths.length, offsets.length);
  const isList = (list: readonly number[]): boolean => list.length === 1 || list.length === batches;
  if (!isList(lengths) || !isList(offsets) || keys.heads % batches !== 0) {
    throw new InvalidInputError(
      `keyLengths and firstPosition must hold one number, or one per batch, and the ${String(keys.heads)} heads of keys must be as many in each batch.`,
      { field: lengths.length > 1 ? 'keyLengths' : 'firstPosition' },
    );
  }
  const segments: Segment[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const keyLength = lengths[lengths.length === 1 ? 0 : batch] ?? 0;
    const offset = offsets[offsets.length === 1 ? 0 : batch] ?? 0;
    if (!Number.isInteger(keyLength) || keyLength < 0 || keyLength > keys.rows) {
      throw new InvalidInputError(
        `A key length of ${String(keyLength)} does not lie between 0 and the ${String(keys.rows)} keys.`,
        { field: 'keyLengths' },
      );
    }
    if (!Number.isInteger(offset) || Math.abs(offset) >= UNLIMITED) {
      throw new InvalidInputError('The first position must be a whole number.', { field: 'firstPosition' });
    }
    const last = segments.at(-1);
    if (last?.keyLength === keyLength && last.offset === offset) {
      segments[segments.length - 1] = { ...last, heads: last.heads + heads / batches };
    } else segments.push({ firstHead: (batch * heads) / batches, heads: heads / batches, keyLength, offset });
  }
  return segments;
}

const listOf = (value: number | readonly number[]): readonly number[] => (typeof value === 'number' ? [value] : value);

/** Elements from one query and one head to the next in a tensor over pairs that may repeat over either. */
export interface PairStrides {
  readonly row: number;
  readonly head: number;
}

type PairSizes = Pick<AttentionPlan, 'queries' | 'keys' | 'heads'>;

/** The strides of a bias or mask. `isPerKey`: matrices are [heads, keys] instead of [queries, keys]. Throws `InvalidInputError`. */
export function pairStrides(tensor: Tensor, name: string, sizes: PairSizes, isPerKey: boolean): PairStrides {
  const [queries, keys, heads] = [sizes.queries.rows, sizes.keys.rows, sizes.heads];
  const layouts: readonly (readonly [Shape, PairStrides])[] = isPerKey
    ? [
        [[keys], { row: 0, head: 0 }],
        [[heads, keys], { row: 0, head: keys }],
      ]
    : [
        [[queries, keys], { row: keys, head: 0 }],
        [[heads, queries, keys], { row: keys, head: queries * keys }],
        ...(name === 'mask' ? ([[[keys], { row: 0, head: 0 }]] as const) : []),
      ];
  const found = layouts.find(([shape]) => shape.join() === tensor.shape.join());
  if (found === undefined) {
    const shapes = layouts.map(([shape]) => `[${shape.join(', ')}]`).join(' or ');
    const words = name === 'keyBias' ? 'key bias' : name;
    throw new InvalidInputError(`The ${words} must have the shape ${shapes}, but it is [${tensor.shape.join(', ')}].`, {
      field: name,
    });
  }
  return found[1];
}

function checkPairTensors(plan: AttentionPlan, { keyBias, bias, mask, sinks }: AttentionOptions): void {
  if (keyBias !== undefined) pairStrides(keyBias, 'keyBias', plan, true);
  if (bias !== undefined) pairStrides(bias, 'bias', plan, false);
  if (mask !== undefined) pairStrides(mask, 'mask', plan, false);
  if (keyBias !== undefined && bias !== undefined) {
    throw new InvalidInputError('keyBias and bias were both given: add the first to the second.', { field: 'keyBias' });
  }
  if (mask !== undefined && mask.type !== 'u32')
    throw new InvalidInputError(`The mask must be a u32 tensor, but it is ${mask.type}.`, { field: 'mask' });
  if (sinks !== undefined && sinks.shape.join() !== String(plan.heads)) {
    throw new InvalidInputError(
      `There must be one sink per head, [${String(plan.heads)}], but the shape is [${sinks.shape.join(', ')}].`,
      { field: 'sinks' },
    );
  }
}

/** The segment of a head. */
export function segmentOf({ segments }: AttentionPlan, head: number): Segment {
  const found = segments.find(({ firstHead, heads }) => head < firstHead + heads);
  if (found === undefined) throw new InvalidInputError(`There is no head ${String(head)}.`, { field: 'heads' });
  return found;
}

/** The keys that a query sees, from `start` up to but without `end`. */
export function visibleKeys(
  { before, after }: AttentionPlan,
  { keyLength, offset }: Segment,
  query: number,
): [start: number, end: number] {
  const end = Math.max(0, Math.min(keyLength, query + offset + after + 1));
  return [Math.min(end, Math.max(0, query + offset - before)), end];
}

/** How many query-key pairs position and padding leave in sight, over all heads. */
export function visiblePairs(plan: AttentionPlan): number {
  const [start, end] = plan.rows;
  return plan.segments.reduce((sum, segment) => {
    if (plan.before === UNLIMITED && plan.after === UNLIMITED)
      return sum + segment.heads * (end - start) * segment.keyLength;
    let pairs = 0;
    for (let query = start; query < end; query++) {
      const [first, last] = visibleKeys(plan, segment, query);
      pairs += last - first;
    }
    return sum + segment.heads * pairs;
  }, 0);
}

/** The values' layout. Throws `InvalidInputError` if there is not one value per key. */
export function valuesOf(tensor: Tensor, plan: AttentionPlan, options: AttentionOptions): Operand {
  const values = operandOf(tensor, 'values', keyHeadsOf(tensor, options));
  if (values.rows !== plan.keys.rows || values.heads !== plan.keys.heads) {
    throw new InvalidInputError(
      `There must be one value per key: ${String(plan.keys.heads)} x ${String(plan.keys.rows)} keys, but values of shape [${tensor.shape.join(', ')}].`,
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
