/** Attention in float64, pair by pair: logits, weights, and the weights' use of sinks. What the WGSL kernels are held against. */
import type { ReferenceTensor } from '../device/reference-device';
import { pairStrides, segmentOf, visibleKeys, type AttentionOptions, type AttentionPlan } from './attention-shapes';

/** `AttentionOptions` whose tensors are on the reference device. */
export type ReferenceOptions = Omit<AttentionOptions, 'keyBias' | 'bias' | 'mask' | 'sinks'> & {
  readonly keyBias?: ReferenceTensor;
  readonly bias?: ReferenceTensor;
  readonly mask?: ReferenceTensor;
  readonly sinks?: ReferenceTensor;
};

/** Operands and options of one call. */
export interface ReferenceCall {
  readonly plan: AttentionPlan;
  readonly queries: ReferenceTensor;
  readonly keys: ReferenceTensor;
  readonly options: ReferenceOptions;
}

/** One query's keys in sight. */
export interface ReferenceRow {
  readonly keys: readonly number[];
  /** The soft-capped, scaled similarities, without the bias. */
  readonly scaled: Float64Array;
  readonly logits: Float64Array;
  readonly weights: Float64Array;
  /** What the sink takes of the row's weight; 0 without a sink. */
  readonly sinkWeight: number;
}

/** Below this a bias hides its pair. */
const HIDING_BIAS = -1e38;

/** Which keys a query sees, with which logits and weights. */
export function referenceRow(
  { plan, queries, keys, options }: ReferenceCall,
  head: number,
  query: number,
): ReferenceRow {
  const [first, last] = visibleKeys(plan, segmentOf(plan, head), query);
  const biasOf = pairReader(plan, options, head, query);
  const seen: number[] = [];
  const scaled: number[] = [];
  const logits: number[] = [];
  const queryStart = head * plan.queries.headStride + query * plan.queries.rowStride;
  const keyHead = Math.floor(head / plan.group);
  for (let key = first; key < last; key++) {
    const bias = biasOf(key);
    if (bias < HIDING_BIAS) continue;
    const keyStart = keyHead * plan.keys.headStride + key * plan.keys.rowStride;
    let sum = 0;
    for (let c = 0; c < plan.keys.dimension; c++) {
      const q = queries.data[queryStart + c] ?? 0;
      const k = keys.data[keyStart + c] ?? 0;
      sum += plan.isDistance ? (q - k) * (q - k) : q * k;
    }
    const similarity = plan.scale * sum;
    const capped = plan.softCap === 0 ? similarity : plan.softCap * Math.tanh(similarity / plan.softCap);
    seen.push(key);
    scaled.push(capped);
    logits.push(capped + bias);
  }
  const sink = options.sinks?.data[head];
  const largest = logits.reduce((a, b) => Math.max(a, b), sink ?? -Number.MAX_VALUE);
  const exponentials = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sinkTerm = sink === undefined ? 0 : Math.exp(sink - largest);
  const total = exponentials.reduce((a, b) => a + b, sinkTerm);
  return {
    keys: seen,
    scaled: Float64Array.from(scaled),
    logits: Float64Array.from(logits),
    weights: exponentials.map((weight) => weight / total),
    sinkWeight: sink === undefined ? 0 : sinkTerm / total,
  };
}

/** What bias and mask say about a query's keys. */
function pairReader(
  plan: AttentionPlan,
  { keyBias, bias, mask }: ReferenceOptions,
  head: number,
  query: number,
): (key: number) => number {
  const at = (tensor: ReferenceTensor | undefined, name: string): ((key: number) => number) | undefined => {
    if (tensor === undefined) return undefined;
    const strides = pairStrides(tensor, name, plan, name === 'keyBias');
    const start = head * strides.head + query * strides.row;
    return (key) => tensor.data[start + key] ?? 0;
  };
  const added = at(keyBias, 'keyBias') ?? at(bias, 'bias');
  const visible = at(mask, 'mask');
  return (key) => (visible?.(key) === 0 ? -Number.MAX_VALUE : (added?.(key) ?? 0));
}
