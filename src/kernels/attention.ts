/**
 * Attention, softmax(scale Q K^T + bias) V, by an online softmax that never stores the scores (Dao, Fu, Ermon, Rudra, Ré,
 * "FlashAttention", 2022; Milakov, Gimelshein, "Online normalizer calculation for softmax", 2018), split over keys where queries
 * are few, or in three stored steps.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { recordDecode } from './attention-decode';
import {
  attentionConditions,
  attentionUniforms,
  checkShape,
  pairBias,
  shaderStrides,
  type GpuCall,
  type GpuOptions,
} from './attention-dispatch';
import { attentionTiles, chooseSplits, chooseTile, recordFlash, type AttentionTile } from './attention-flash';
import { referenceRow } from './attention-reference';
import {
  operandOf,
  planAttention,
  resultShape,
  valuesOf,
  visiblePairs,
  type AttentionOptions,
  type AttentionPlan,
} from './attention-shapes';
import { rowWorkgroup } from './row-workgroup';

export type { AttentionOptions } from './attention-shapes';

/** Options of `attention`. */
export interface AttentionCallOptions extends AttentionOptions {
  /**
   * `flash` holds O(N d) and is what `auto` (the default) takes; `decode` is for few queries over many keys, and `auto` takes it
   * for up to 16 rows a head of keys; `naive` holds the N x N scores.
   */
  readonly variant?: 'auto' | 'flash' | 'decode' | 'naive';
  /** Workgroups that share a block of queries, each with its part of the keys. Default: as many as the adapter has use for. */
  readonly splits?: number;
  /** Lanes, groups and size of a workgroup of `flash`, one of `attentionTiles`. Default: what `tuneAttention` measured, or a guess. */
  readonly tile?: AttentionTile;
  /** Where to write; only the rows asked for are touched. Default: a new tensor. */
  readonly out?: Tensor;
  /** Where `flash` writes each row's largest logit and its sum of exp(logit - largest): [heads, rows, 2]. Default: nowhere. */
  readonly statistics?: Tensor;
}

/** From so many keys on, few queries are split over the keys. */
const MIN_DECODE_KEYS = 256;
const MAX_DECODE_ROWS = 16;

/**
 * Attention of `queries` over `keys`, mixing `values`. Operands are matrices [N, heads * d] (see `heads`, `keyHeads`) or
 * [heads, N, d], the keys' heads a divisor of the queries'; the result lies like the queries, with the values' row size. Any head
 * size will do. Rows that see no key are 0. Logits may be as large as 1e36. Throws `InvalidInputError` for shapes that do not fit,
 * `OutOfMemoryError` where the naive variant's scores do not.
 */
export const attention = defineKernel({
  name: 'attention',
  summary:
    'result[N, dv] = softmax(cap(scale Q K^T) + bias) V; masks by position, padding or pair; any number of heads',
  shaders: [
    'attention/flash',
    'attention/decode',
    'attention/merge',
    'attention/scores',
    'attention/softmax',
    'attention/mix',
    'attention/combine_bias',
  ],
  cost(queries: Tensor, keys: Tensor, values: Tensor, options: AttentionCallOptions = {}) {
    const plan = planAttention(queries, keys, options);
    const { dimension } = valuesOf(values, plan, options);
    const pairs = visiblePairs(plan);
    const similarity = (plan.isDistance ? 3 : 2) * plan.keys.dimension;
    const rows = plan.heads * (plan.rows[1] - plan.rows[0]);
    const operandBytes = 4 * (rows * (plan.keys.dimension + dimension) + keys.size + values.size);
    const scoreBytes = options.variant === 'naive' ? 4 * 6 * rows * plan.keys.rows : 0;
    return { flops: pairs * (similarity + 2 * dimension + 10), bytes: operandBytes + scoreBytes };
  },
  webgpu(gpu, queries, keys, values, options = {}): Tensor {
    const plan = planAttention(queries, keys, options);
    const valueOperand = valuesOf(values, plan, options);
    const shape = resultShape(queries, plan, valueOperand.dimension);
    const variant = chooseVariant(plan, options);
    checkChoices(plan, options, variant);
    const result = options.out ?? gpu.empty(shape);
    checkShape(result, shape, 'out');
    const output = operandOf(result, 'out', options.heads);
    const call: GpuCall = { plan, queries, keys, values, result, valueOperand, output, options };
    if (variant === 'naive') recordNaive(gpu, call);
    else if (variant === 'decode') recordDecode(gpu, call, { splits: options.splits });
    else {
      const tile = options.tile ?? chooseTile(gpu, plan, valueOperand.dimension);
      const blocks = Math.ceil((plan.rows[1] - plan.rows[0]) / (8 * tile[0] * (tile[2] ?? 1))) * plan.heads;
      const splits = options.splits ?? chooseSplits(gpu, blocks, plan.keys.rows);
      recordFlash(gpu, call, { tile, splits, statistics: options.statistics });
    }
    return result;
  },
  reference(cpu, queries, keys, values, options = {}): Tensor {
    const plan = planAttention(queries, keys, options);
    const valueOperand = valuesOf(values, plan, options);
    const shape = resultShape(queries, plan, valueOperand.dimension);
    checkChoices(plan, options, chooseVariant(plan, options));
    const result = options.out ?? cpu.empty(shape);
    checkShape(result, shape, 'out');
    const output = operandOf(result, 'out', options.heads);
    const [firstRow, endRow] = plan.rows;
    for (let head = 0; head < plan.heads; head++) {
      const valueStart = Math.floor(head / plan.group) * valueOperand.headStride;
      for (let query = firstRow; query < endRow; query++) {
        const row = referenceRow({ plan, queries, keys, options }, head, query);
        const start = head * output.headStride + query * output.rowStride;
        result.data.fill(0, start, start + output.dimension);
        row.keys.forEach((key, index) => {
          const weight = row.weights[index] ?? 0;
          for (let c = 0; c < output.dimension; c++) {
            const value = values.data[valueStart + key * valueOperand.rowStride + c] ?? 0;
            result.data[start + c] = (result.data[start + c] ?? 0) + weight * value;
          }
        });
        const { logits, weights } = row;
        const largest = logits.reduce((a, b) => Math.max(a, b), options.sinks?.data[head] ?? -3e38);
        const at = 2 * (head * (endRow - firstRow) + query - firstRow);
        options.statistics?.data.set([largest, sumOf(logits, weights, largest, options.sinks?.data[head])], at);
      }
    }
    return result;
  },
});

function sumOf(logits: Float64Array, weights: Float64Array, largest: number, sink: number | undefined): number {
  const sinkTerm = sink === undefined ? 0 : Math.exp(sink - largest);
  return weights.length === 0 ? sinkTerm : logits.reduce((sum, logit) => sum + Math.exp(logit - largest), sinkTerm);
}

/** Options of `attentionWeights`. */
export interface AttentionWeightOptions extends AttentionOptions {
  /**
   * `weights` (the default): after the softmax. Before it: `scaled` similarities, `capped` by the soft cap too, or `logits` with
   * bias and mask too, where what is hidden is -3.4e38.
   */
  readonly stage?: 'scaled' | 'capped' | 'logits' | 'weights';
}

/** Options without what comes after a stage. */
function upTo<Options extends AttentionWeightOptions>(options: Options): Options {
  const { stage = 'weights' } = options;
  if (stage === 'weights' || stage === 'logits') return options;
  const { bias: _bias, keyBias: _keyBias, mask: _mask, sinks: _sinks, softCap, ...rest } = options;
  const open = { ...rest, causal: false, window: 2 ** 29, keyLengths: undefined };
  // What was left out is optional, and so is what was set to undefined.
  return { ...open, ...(stage === 'capped' && softCap !== undefined && { softCap }) } as unknown as Options;
}

/**
 * The attention weights themselves, [heads, rows, keys], of the rows asked for: what a query looks at. Each row sums to 1 (to less
 * with a sink), or is 0 where the query sees no key; with `stage` what comes before the softmax. Throws like `attention`.
 */
export const attentionWeights = defineKernel({
  name: 'attentionWeights',
  summary: 'weights[heads, rows, keys] = softmax(cap(scale Q K^T) + bias)',
  shaders: ['attention/scores', 'attention/softmax', 'attention/combine_bias'],
  cost(queries: Tensor, keys: Tensor, options: AttentionWeightOptions = {}) {
    const plan = planAttention(queries, keys, options);
    const pairs = plan.heads * (plan.rows[1] - plan.rows[0]) * plan.keys.rows;
    return {
      flops: pairs * ((plan.isDistance ? 3 : 2) * plan.keys.dimension + 10),
      bytes: 4 * (keys.size + 5 * pairs),
    };
  },
  webgpu(gpu, queries, keys, options = {}): Tensor {
    const used = upTo(options);
    const plan = planAttention(queries, keys, used);
    return recordWeights(gpu, { plan, queries, keys, options: used }, options.stage ?? 'weights', 1);
  },
  reference(cpu, queries, keys, options = {}): Tensor {
    const { stage = 'weights' } = options;
    const used = upTo(options);
    const plan = planAttention(queries, keys, used);
    const [start, end] = plan.rows;
    const result = cpu.full([plan.heads, end - start, plan.keys.rows], stage === 'logits' ? -3.4e38 : 0);
    for (let head = 0; head < plan.heads; head++) {
      for (let query = start; query < end; query++) {
        const at = (head * (end - start) + query - start) * plan.keys.rows;
        const row = referenceRow({ plan, queries, keys, options: used }, head, query);
        row.keys.forEach((key, index) => {
          result.data[at + key] = (stage === 'weights' ? row.weights : row.logits)[index] ?? 0;
        });
      }
    }
    return result;
  },
});

function chooseVariant(plan: AttentionPlan, options: AttentionCallOptions): 'flash' | 'decode' | 'naive' {
  const { variant = 'auto' } = options;
  if (variant !== 'auto') return variant;
  if (options.tile !== undefined || options.statistics !== undefined) return 'flash';
  const rows = (plan.rows[1] - plan.rows[0]) * plan.group;
  return rows <= MAX_DECODE_ROWS && plan.keys.rows >= MIN_DECODE_KEYS ? 'decode' : 'flash';
}

function checkChoices(plan: AttentionPlan, { splits, tile, statistics }: AttentionCallOptions, variant: string): void {
  if (splits !== undefined && !(Number.isInteger(splits) && splits >= 1 && splits <= 4096))
    throw new InvalidInputError('The splits of attention must be a whole number from 1 to 4096.', { field: 'splits' });
  if (tile !== undefined && !attentionTiles.some((known) => known.join() === tile.join())) {
    throw new InvalidInputError(
      `There is no tile of ${tile.join(' x ')}; there are ${attentionTiles.map((known) => known.join(' x ')).join(', ')}.`,
      { field: 'tile' },
    );
  }
  if (statistics === undefined) return;
  if (variant !== 'flash')
    throw new InvalidInputError('Only the flash variant writes statistics: ask for it.', { field: 'variant' });
  checkShape(statistics, [plan.heads, plan.rows[1] - plan.rows[0], 2], 'statistics');
}

interface WeightsCall {
  readonly plan: AttentionPlan;
  readonly queries: GpuTensor;
  readonly keys: GpuTensor;
  readonly options: GpuOptions;
}

/** Logits and softmax, stored: [heads, rows, keys]. */
function recordWeights(
  gpu: WebGpuDevice,
  { plan, queries, keys, options }: WeightsCall,
  stage: NonNullable<AttentionWeightOptions['stage']>,
  share: number,
): GpuTensor {
  const [start, end] = plan.rows;
  const scores = gpu.empty([plan.heads, end - start, plan.keys.rows]);
  using scope = gpu.scope();
  const bias = pairBias(gpu, plan, options);
  const layout = { plan, valueOperand: plan.keys, output: plan.queries };
  for (const segment of plan.segments) {
    gpu.dispatch({
      shader: 'attention/scores',
      conditions: attentionConditions(layout, bias),
      uniforms: attentionUniforms(layout, segment, bias, { splitKeys: plan.keys.rows }),
      reads: [queries, keys, keys, bias?.tensor ?? keys],
      writes: [scores],
      workgroups: [Math.ceil(plan.keys.rows / 32), Math.ceil((end - start) / 32), segment.heads],
      share: (0.8 * share * segment.heads) / plan.heads,
    });
  }
  if (stage !== 'weights') return scores;
  const rows = plan.heads * (end - start);
  const workgroup = rowWorkgroup(gpu, plan.keys.rows);
  gpu.dispatch({
    shader: 'attention/softmax',
    conditions: { sinks: options.sinks !== undefined },
    constants: { LANES: workgroup.lanes, ROWS: workgroup.rows },
    uniforms: { rows: u32(rows), columns: u32(plan.keys.rows), rowsPerHead: u32(end - start) },
    reads: [options.sinks ?? keys],
    writes: [scores],
    workgroups: [Math.ceil(rows / workgroup.rows)],
    share: 0.2 * share,
  });
  return scores;
}

function recordNaive(gpu: WebGpuDevice, call: GpuCall): void {
  const { plan, values, result, valueOperand, output } = call;
  const [start, end] = plan.rows;
  const [v, o] = [shaderStrides(valueOperand), shaderStrides(output)];
  using scope = gpu.scope();
  const weights = recordWeights(gpu, call, 'weights', 0.6);
  gpu.dispatch({
    shader: 'attention/mix',
    conditions: { valueVectors: v.isVectors },
    uniforms: {
      firstQuery: u32(start),
      endQuery: u32(end),
      keyCount: u32(plan.keys.rows),
      group: u32(plan.group),
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
