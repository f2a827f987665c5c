/**
 * Attention, softmax(scale Q K^T + bias) V, by an online softmax that never stores the scores (Dao, Fu, Ermon, Rudra, Ré,
 * "FlashAttention", 2022; Milakov, Gimelshein, "Online normalizer calculation for softmax", 2018), or in three stored steps.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceTensor } from '../device/reference-device';
import type { Tensor } from '../device/tensor';
import { f32, i32, u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import {
  operandOf,
  planAttention,
  resultShape,
  valuesOf,
  visibleKeys,
  visiblePairs,
  type AttentionOptions,
  type AttentionPlan,
  type Operand,
} from './attention-shapes';

export type { AttentionOptions } from './attention-shapes';

/** Options of `attention`. */
export interface AttentionCallOptions extends AttentionOptions {
  /** `flash` (default) holds O(N d); `naive` holds the N x N scores. */
  readonly variant?: 'flash' | 'naive';
  /** Where to write; only the rows asked for are touched. Default: a new tensor. */
  readonly out?: Tensor;
}

/** The most columns of values that one head may have. */
const MAX_VALUE_DIMENSION = 256;
/** What one workgroup may do in one dispatch on a software adapter (about 15 ms), and on a GPU. */
const SOFTWARE_ROUND_FLOPS = 2.4e7;
const HARDWARE_ROUND_FLOPS = 1e9;

type Placed<T extends Tensor> = Omit<AttentionCallOptions, 'keyBias' | 'out'> & {
  readonly keyBias?: T;
  readonly out?: T;
};

/**
 * Attention of `queries` over `keys`, mixing `values`. Operands are matrices [N, heads * d] (see `heads`) or [heads, N, d];
 * the result lies like the queries, with the values' row size (at most 256 a head). Rows that see no key are 0.
 * Throws `InvalidInputError` for shapes that do not fit, `OutOfMemoryError` where the naive variant's scores do not.
 */
export const attention = defineKernel({
  name: 'attention',
  summary: 'result[N, dv] = softmax(scale Q K^T + key bias) V, masks by position, any number of heads',
  shaders: ['attention/flash', 'attention/scores', 'attention/softmax', 'attention/mix'],
  cost(queries: Tensor, keys: Tensor, values: Tensor, options: AttentionCallOptions = {}) {
    const plan = planAttention(queries, keys, options);
    const { dimension } = operandOf(values, 'values', options.heads);
    const pairs = visiblePairs(plan);
    const similarity = (plan.isDistance ? 3 : 2) * plan.keys.dimension;
    const rows = plan.heads * (plan.rows[1] - plan.rows[0]);
    const operandBytes = 4 * (rows * (plan.keys.dimension + dimension) + keys.size + values.size);
    const scoreBytes = options.variant === 'naive' ? 4 * 6 * rows * plan.keys.rows : 0;
    return { flops: pairs * (similarity + 2 * dimension + 10), bytes: operandBytes + scoreBytes };
  },
  webgpu(gpu, queries, keys, values, options = {}): Tensor {
    const plan = planAttention(queries, keys, options);
    const valueOperand = valuesOf(values, plan, options.heads);
    const shape = resultShape(queries, plan, valueOperand.dimension);
    const result = options.out ?? gpu.empty(shape);
    checkResult(result, shape);
    const output = operandOf(result, 'out', options.heads);
    if (options.variant === 'naive')
      recordNaive(gpu, plan, [queries, keys, values, result], valueOperand, output, options);
    else recordFlash(gpu, plan, [queries, keys, values, result], valueOperand, output, options);
    return result;
  },
  reference(cpu, queries, keys, values, options = {}): Tensor {
    const plan = planAttention(queries, keys, options);
    const valueOperand = valuesOf(values, plan, options.heads);
    const shape = resultShape(queries, plan, valueOperand.dimension);
    const result = options.out ?? cpu.empty(shape);
    checkResult(result, shape);
    const output = operandOf(result, 'out', options.heads);
    for (let head = 0; head < plan.heads; head++) {
      for (let query = plan.rows[0]; query < plan.rows[1]; query++) {
        const weights = referenceWeights(plan, queries, keys, options.keyBias, head, query);
        const [first] = visibleKeys(plan, query);
        const start = head * output.headStride + query * output.rowStride;
        result.data.fill(0, start, start + output.dimension);
        weights.forEach((weight, index) => {
          const row = head * valueOperand.headStride + (first + index) * valueOperand.rowStride;
          for (let c = 0; c < output.dimension; c++) {
            result.data[start + c] = (result.data[start + c] ?? 0) + weight * (values.data[row + c] ?? 0);
          }
        });
      }
    }
    return result;
  },
});

/**
 * The attention weights themselves, [heads, rows, keys], of the rows asked for: what a query looks at. Each row sums to 1,
 * or is 0 where the query sees no key. Throws like `attention`.
 */
export const attentionWeights = defineKernel({
  name: 'attentionWeights',
  summary: 'weights[heads, rows, keys] = softmax(scale Q K^T + key bias)',
  shaders: ['attention/scores', 'attention/softmax'],
  cost(queries: Tensor, keys: Tensor, options: AttentionOptions = {}) {
    const plan = planAttention(queries, keys, options);
    const pairs = plan.heads * (plan.rows[1] - plan.rows[0]) * plan.keys.rows;
    return {
      flops: pairs * ((plan.isDistance ? 3 : 2) * plan.keys.dimension + 10),
      bytes: 4 * (keys.size + 5 * pairs),
    };
  },
  webgpu(gpu, queries, keys, options = {}): Tensor {
    return recordWeights(gpu, planAttention(queries, keys, options), queries, keys, options.keyBias, 1);
  },
  reference(cpu, queries, keys, options = {}): Tensor {
    const plan = planAttention(queries, keys, options);
    const [start, end] = plan.rows;
    const result = cpu.empty([plan.heads, end - start, plan.keys.rows]);
    for (let head = 0; head < plan.heads; head++) {
      for (let query = start; query < end; query++) {
        const row = (head * (end - start) + query - start) * plan.keys.rows;
        const weights = referenceWeights(plan, queries, keys, options.keyBias, head, query);
        result.data.set(weights, row + visibleKeys(plan, query)[0]);
      }
    }
    return result;
  },
});

function checkResult(result: Tensor, shape: readonly number[]): void {
  if (result.shape.join() !== shape.join()) {
    throw new InvalidInputError(
      `out must have the shape [${shape.join(', ')}], but it is [${result.shape.join(', ')}].`,
      {
        field: 'out',
      },
    );
  }
}

/** The weights of one query over the keys that it sees, in float64. */
function referenceWeights(
  plan: AttentionPlan,
  queries: ReferenceTensor,
  keys: ReferenceTensor,
  bias: ReferenceTensor | undefined,
  head: number,
  query: number,
): Float64Array {
  const [first, last] = visibleKeys(plan, query);
  const logits = new Float64Array(Math.max(0, last - first));
  const queryStart = head * plan.queries.headStride + query * plan.queries.rowStride;
  for (let key = first; key < last; key++) {
    const keyStart = head * plan.keys.headStride + key * plan.keys.rowStride;
    let sum = 0;
    for (let c = 0; c < plan.keys.dimension; c++) {
      const q = queries.data[queryStart + c] ?? 0;
      const k = keys.data[keyStart + c] ?? 0;
      sum += plan.isDistance ? (q - k) * (q - k) : q * k;
    }
    logits[key - first] = plan.scale * sum + (bias?.data[head * plan.biasStride + key] ?? 0);
  }
  const largest = logits.reduce((a, b) => Math.max(a, b), -Number.MAX_VALUE);
  const weights = logits.map((logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Strides as the shader counts them: in vec4 where rows are whole vec4s. */
function strides(operand: Operand): { readonly row: number; readonly head: number; readonly isVectors: boolean } {
  const isVectors = operand.dimension % 4 === 0;
  const unit = isVectors ? 4 : 1;
  return { row: operand.rowStride / unit, head: operand.headStride / unit, isVectors };
}

type Tensors = readonly [queries: GpuTensor, keys: GpuTensor, values: GpuTensor, result: GpuTensor];

/** The workgroup's shape for a number of value columns: lanes, groups, and how many vec4 columns each invocation holds. */
function tileOf(valueDimension: number): { readonly lanes: number; readonly groups: number; readonly columns: number } {
  const chunks = Math.ceil(valueDimension / 4);
  const [lanes, groups] = chunks <= 16 ? [8, 8] : [4, 16];
  return { lanes, groups, columns: Math.ceil(chunks / groups) };
}

function recordFlash(
  gpu: WebGpuDevice,
  plan: AttentionPlan,
  [queries, keys, values, result]: Tensors,
  valueOperand: Operand,
  output: Operand,
  { keyBias }: Placed<GpuTensor>,
): void {
  if (valueOperand.dimension > MAX_VALUE_DIMENSION) {
    throw new InvalidInputError(
      `Values of ${String(valueOperand.dimension)} columns are more than the ${String(MAX_VALUE_DIMENSION)} that one head may have: split them into heads, or take the naive variant.`,
      { field: 'values' },
    );
  }
  const [start, end] = plan.rows;
  const [q, k, v, o] = [plan.queries, plan.keys, valueOperand, output].map(strides);
  if (q === undefined || k === undefined || v === undefined || o === undefined) return;
  const { lanes, groups, columns } = tileOf(valueOperand.dimension);
  const blockQueries = 8 * lanes;
  const blockKeys = 4 * groups;

  // One workgroup walks over the keys of one round: rounds keep it short, so that a cancel is heard.
  const [firstKey] = visibleKeys(plan, start);
  const endKey = Math.max(firstKey + 1, visibleKeys(plan, end - 1)[1]);
  const flopsPerKey = 2 * blockQueries * (plan.keys.dimension + valueOperand.dimension);
  const roundFlops = gpu.info.isFallback ? SOFTWARE_ROUND_FLOPS : HARDWARE_ROUND_FLOPS;
  const keysPerRound = Math.max(1, Math.floor(roundFlops / flopsPerKey / blockKeys)) * blockKeys;
  const rounds = Math.ceil((endKey - firstKey) / keysPerRound);
  using scope = gpu.scope();
  const stats = rounds > 1 ? [gpu.empty([plan.heads, end - start, 2])] : [];
  for (let round = 0; round < rounds; round++) {
    gpu.dispatch({
      shader: 'attention/flash',
      conditions: {
        vectors: q.isVectors,
        valueVectors: v.isVectors,
        squaredDistance: plan.isDistance,
        keyBias: keyBias !== undefined,
        rounds: rounds > 1,
        columns2: columns > 1,
        columns4: columns > 2,
      },
      constants: { LANES: lanes, GROUPS: groups },
      uniforms: {
        firstQuery: u32(start),
        endQuery: u32(end),
        firstKey: u32(firstKey + round * keysPerRound),
        endKey: u32(Math.min(endKey, firstKey + (round + 1) * keysPerRound)),
        isFirstRound: u32(round === 0 ? 1 : 0),
        isLastRound: u32(round === rounds - 1 ? 1 : 0),
        dimension: u32(plan.keys.dimension),
        valueDimension: u32(valueOperand.dimension),
        before: i32(plan.before),
        after: i32(plan.after),
        scale: f32(plan.scale),
        queryRow: u32(q.row),
        queryHead: u32(q.head),
        keyRow: u32(k.row),
        keyHead: u32(k.head),
        valueRow: u32(v.row),
        valueHead: u32(v.head),
        resultRow: u32(o.row),
        resultHead: u32(o.head),
        biasHead: u32(plan.biasStride),
      },
      reads: [queries, keys, values, keyBias ?? keys],
      writes: [result, ...stats],
      workgroups: [Math.ceil((end - start) / blockQueries), plan.heads],
      share: 1 / rounds,
    });
  }
}

/** Logits and softmax, stored: [heads, rows, keys]. */
function recordWeights(
  gpu: WebGpuDevice,
  plan: AttentionPlan,
  queries: GpuTensor,
  keys: GpuTensor,
  keyBias: GpuTensor | undefined,
  share: number,
): GpuTensor {
  const [start, end] = plan.rows;
  const [q, k] = [strides(plan.queries), strides(plan.keys)];
  const scores = gpu.empty([plan.heads, end - start, plan.keys.rows]);
  gpu.dispatch({
    shader: 'attention/scores',
    conditions: { vectors: q.isVectors, squaredDistance: plan.isDistance, keyBias: keyBias !== undefined },
    uniforms: {
      firstQuery: u32(start),
      endQuery: u32(end),
      keyCount: u32(plan.keys.rows),
      dimension: u32(plan.keys.dimension),
      before: i32(plan.before),
      after: i32(plan.after),
      scale: f32(plan.scale),
      queryRow: u32(q.row),
      queryHead: u32(q.head),
      keyRow: u32(k.row),
      keyHead: u32(k.head),
      biasHead: u32(plan.biasStride),
    },
    reads: [queries, keys, keyBias ?? keys],
    writes: [scores],
    workgroups: [Math.ceil(plan.keys.rows / 32), Math.ceil((end - start) / 32), plan.heads],
    share: 0.8 * share,
  });
  gpu.dispatch({
    shader: 'attention/softmax',
    uniforms: { columns: u32(plan.keys.rows) },
    reads: [],
    writes: [scores],
    workgroups: [plan.heads * (end - start)],
    share: 0.2 * share,
  });
  return scores;
}

function recordNaive(
  gpu: WebGpuDevice,
  plan: AttentionPlan,
  [queries, keys, values, result]: Tensors,
  valueOperand: Operand,
  output: Operand,
  { keyBias }: Placed<GpuTensor>,
): void {
  const [start, end] = plan.rows;
  const [v, o] = [strides(valueOperand), strides(output)];
  using scope = gpu.scope();
  const weights = recordWeights(gpu, plan, queries, keys, keyBias, 0.6);
  gpu.dispatch({
    shader: 'attention/mix',
    conditions: { valueVectors: v.isVectors },
    uniforms: {
      firstQuery: u32(start),
      endQuery: u32(end),
      keyCount: u32(plan.keys.rows),
      valueDimension: u32(valueOperand.dimension),
      valueRow: u32(v.row),
      valueHead: u32(v.head),
      resultRow: u32(o.row),
      resultHead: u32(o.head),
    },
    reads: [weights, values],
    writes: [result],
    workgroups: [Math.ceil(valueOperand.dimension / 32), Math.ceil((end - start) / 32), plan.heads],
    share: 0.4,
  });
}
