/**
 * The gradients of attention by recomputation (Dao, Fu, Ermon, Rudra, Ré, "FlashAttention", 2022, algorithm 4): scores are made
 * again tile by tile, nothing of N x N is stored, nothing is added up atomically.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import {
  attentionConditions,
  attentionUniforms,
  checkShape,
  pairBias,
  rowsPerRound,
  type GpuCall,
  type PairBias,
} from './attention-dispatch';
import { chooseTile, columnBlocks, plainTile, recordFlash } from './attention-flash';
import { referenceRow } from './attention-reference';
import {
  operandOf,
  planAttention,
  resultShape,
  valuesOf,
  visiblePairs,
  type AttentionOptions,
  type AttentionPlan,
  type Operand,
} from './attention-shapes';

/** Options of `attentionGradient`: those of the call whose gradient is wanted. `rows` is not among them. */
export interface AttentionGradientOptions extends Omit<AttentionOptions, 'rows'> {
  /** What the forward call gave, with its `statistics`; made again unless given. */
  readonly forward?: { readonly result: Tensor; readonly statistics: Tensor };
  /** Whether the gradient of the bias, [heads, queries, keys], is wanted as well. Default false. */
  readonly withBias?: boolean;
}

/** The gradients by each operand, of the operands' shapes. */
export interface AttentionGradients {
  readonly queries: Tensor;
  readonly keys: Tensor;
  readonly values: Tensor;
  /** Per head and pair, [heads, queries, keys], where it was asked for: what a bias of fewer axes gets is its sum. */
  readonly bias: Tensor | undefined;
  /** [heads], where there are sinks. */
  readonly sinks: Tensor | undefined;
}

/**
 * From the gradient of a loss by attention's result to its gradients by queries, keys and values (and sinks, and bias): five
 * products instead of two, O(N d) memory. Throws `InvalidInputError` for shapes that do not fit and for squared distances.
 */
export const attentionGradient = defineKernel({
  name: 'attentionGradient',
  summary: 'Gradients of attention by queries, keys, values, sinks and bias, from that of its result, by recomputation',
  shaders: [
    'attention/gradient',
    'attention/row_state',
    'attention/sink_gradient',
    'attention/flash',
    'attention/merge',
    'attention/combine_bias',
  ],
  cost(queries: Tensor, keys: Tensor, values: Tensor, resultGradient: Tensor, options: AttentionGradientOptions = {}) {
    const plan = planOf(queries, keys, options);
    const { dimension } = valuesOf(values, plan, options);
    const forward = options.forward === undefined ? 2 * (plan.keys.dimension + dimension) : 0;
    return {
      flops: visiblePairs(plan) * (10 * plan.keys.dimension + 6 * dimension + 30 + forward),
      bytes: 4 * (3 * (queries.size + keys.size + values.size) + 2 * resultGradient.size),
    };
  },
  webgpu(gpu, queries, keys, values, resultGradient, options = {}): AttentionGradients {
    const plan = planOf(queries, keys, options);
    const valueOperand = valuesOf(values, plan, options);
    checkShape(resultGradient, resultShape(queries, plan, valueOperand.dimension), 'resultGradient');
    const { forward, withBias = false } = options;
    const gradients = {
      queries: gpu.empty(queries.shape),
      keys: gpu.empty(keys.shape),
      values: gpu.empty(values.shape),
      bias: withBias ? gpu.full([plan.heads, plan.queries.rows, plan.keys.rows], 0) : undefined,
      sinks: options.sinks && gpu.empty([plan.heads]),
    };
    using scope = gpu.scope();
    const output = operandOf(resultGradient, 'resultGradient', options.heads);
    const { result, statistics } = forward ?? {
      result: gpu.empty(resultGradient.shape),
      statistics: gpu.empty([plan.heads, plan.queries.rows, 2]),
    };
    checkShape(result, resultGradient.shape, 'forward.result');
    checkShape(statistics, [plan.heads, plan.queries.rows, 2], 'forward.statistics');
    const call: GpuCall = { plan, queries, keys, values, result, valueOperand, output, options };
    if (forward === undefined) {
      const tile = chooseTile(gpu, plan, valueOperand.dimension);
      recordFlash(gpu, call, { tile, splits: 1, statistics });
    }
    const rowState = recordRowState(gpu, call, resultGradient, statistics);
    const bias = pairBias(gpu, plan, options);
    const side = { call, resultGradient, rowState, bias };
    recordSide(gpu, side, { target: gradients.queries, operand: plan.queries, biasGradient: gradients.bias });
    recordSide(gpu, side, { target: gradients.keys, operand: plan.keys, keysOwn: true });
    recordSide(gpu, side, { target: gradients.values, operand: valueOperand, keysOwn: true, weightsOnly: true });
    if (gradients.sinks && options.sinks) {
      gpu.dispatch({
        shader: 'attention/sink_gradient',
        uniforms: { rows: u32(plan.queries.rows) },
        reads: [options.sinks, rowState],
        writes: [gradients.sinks],
        workgroups: [plan.heads],
        share: 0.01,
      });
    }
    return gradients;
  },
  reference(cpu, queries, keys, values, resultGradient, options = {}): AttentionGradients {
    const plan = planOf(queries, keys, options);
    const v = valuesOf(values, plan, options);
    const shape = resultShape(queries, plan, v.dimension);
    checkShape(resultGradient, shape, 'resultGradient');
    const { withBias = false } = options;
    const o = operandOf(resultGradient, 'resultGradient', options.heads);
    const gradients = {
      queries: cpu.full(queries.shape, 0),
      keys: cpu.full(keys.shape, 0),
      values: cpu.full(values.shape, 0),
      bias: withBias ? cpu.full([plan.heads, plan.queries.rows, plan.keys.rows], 0) : undefined,
      sinks: options.sinks && cpu.full([plan.heads], 0),
    };
    const add = (data: Record<number, number>, at: number, value: number): void => {
      data[at] = (data[at] ?? 0) + value;
    };
    for (let head = 0; head < plan.heads; head++) {
      const keyHead = Math.floor(head / plan.group);
      for (let query = 0; query < plan.queries.rows; query++) {
        const row = referenceRow({ plan, queries, keys, options }, head, query);
        const outputStart = head * o.headStride + query * o.rowStride;
        const queryStart = head * plan.queries.headStride + query * plan.queries.rowStride;
        // <dO, V_j> for each key in sight; delta is their mean under the weights.
        const changes = row.keys.map((key) => {
          const valueStart = keyHead * v.headStride + key * v.rowStride;
          let sum = 0;
          for (let c = 0; c < v.dimension; c++)
            sum += (resultGradient.data[outputStart + c] ?? 0) * (values.data[valueStart + c] ?? 0);
          return sum;
        });
        const delta = changes.reduce((sum, change, index) => sum + change * (row.weights[index] ?? 0), 0);
        if (gradients.sinks) add(gradients.sinks.data, head, -row.sinkWeight * delta);
        row.keys.forEach((key, index) => {
          const weight = row.weights[index] ?? 0;
          const change = weight * ((changes[index] ?? 0) - delta);
          if (gradients.bias)
            add(gradients.bias.data, (head * plan.queries.rows + query) * plan.keys.rows + key, change);
          const slope = plan.softCap === 0 ? 1 : 1 - ((row.scaled[index] ?? 0) / plan.softCap) ** 2;
          const keyStart = keyHead * plan.keys.headStride + key * plan.keys.rowStride;
          const valueStart = keyHead * v.headStride + key * v.rowStride;
          for (let c = 0; c < plan.keys.dimension; c++) {
            add(gradients.queries.data, queryStart + c, plan.scale * slope * change * (keys.data[keyStart + c] ?? 0));
            add(gradients.keys.data, keyStart + c, plan.scale * slope * change * (queries.data[queryStart + c] ?? 0));
          }
          for (let c = 0; c < v.dimension; c++)
            add(gradients.values.data, valueStart + c, weight * (resultGradient.data[outputStart + c] ?? 0));
        });
      }
    }
    return gradients;
  },
});

function planOf(queries: Tensor, keys: Tensor, options: AttentionGradientOptions): AttentionPlan {
  const plan = planAttention(queries, keys, options);
  if (plan.isDistance)
    throw new InvalidInputError('attentionGradient is for the metric "dot": expand the squared distance into one.', {
      field: 'metric',
    });
  return plan;
}

/** [heads, queries, 4]: maximum, 1 / sum and delta of each query. */
function recordRowState(
  gpu: WebGpuDevice,
  { plan, result, valueOperand, output }: GpuCall,
  resultGradient: GpuTensor,
  statistics: GpuTensor,
): GpuTensor {
  const state = gpu.empty([plan.heads, plan.queries.rows, 4]);
  gpu.dispatch({
    shader: 'attention/row_state',
    uniforms: {
      rows: u32(plan.queries.rows),
      valueDimension: u32(valueOperand.dimension),
      resultRow: u32(output.rowStride),
      resultHead: u32(output.headStride),
    },
    reads: [result, resultGradient, statistics],
    writes: [state],
    workgroups: [Math.ceil(plan.queries.rows / 64), plan.heads],
    share: 0.01,
  });
  return state;
}

/** What all three gradients are made from. */
interface Sides {
  readonly call: GpuCall;
  readonly resultGradient: GpuTensor;
  readonly rowState: GpuTensor;
  readonly bias: PairBias | undefined;
}

/** One gradient: of the queries, or with `keysOwn` of the keys, with `weightsOnly` too of the values. */
interface Side {
  readonly target: GpuTensor;
  readonly operand: Operand;
  readonly keysOwn?: boolean;
  readonly weightsOnly?: boolean;
  readonly biasGradient?: GpuTensor | undefined;
}

function recordSide(gpu: WebGpuDevice, { call, resultGradient, rowState, bias }: Sides, side: Side): void {
  const { plan, queries, keys, values, valueOperand } = call;
  const { target, operand, keysOwn = false, weightsOnly = false, biasGradient } = side;
  const [lanes, groups] = plainTile(operand.dimension);
  const owned = keysOwn ? plan.keys.rows : plan.queries.rows;
  const flopsPerRow = 2 * 4 * lanes * (plan.keys.dimension + valueOperand.dimension + operand.dimension);
  const perRound = rowsPerRound(gpu, flopsPerRow, 4 * groups);
  const columns = columnBlocks(groups, operand.dimension);
  const members = keysOwn ? plan.group : 1;
  for (const segment of plan.segments) {
    // Padding is streamed by nobody, but its own gradient has to be written as 0.
    const streamed = keysOwn ? plan.queries.rows : segment.keyLength;
    const rounds = Math.max(1, Math.ceil(streamed / perRound));
    const share = (0.3 * segment.heads) / plan.heads / members / rounds / columns.starts.length;
    for (const firstChunk of columns.starts) {
      for (let member = 0; member < members; member++) {
        for (let round = 0; round < rounds; round++) {
          gpu.dispatch({
            shader: 'attention/gradient',
            conditions: {
              ...attentionConditions(call, bias),
              ...columns.conditions,
              keysOwn,
              weightsOnly,
              biasGradient: biasGradient !== undefined,
            },
            constants: { LANES: lanes, GROUPS: groups, QUADS: 1 },
            uniforms: attentionUniforms(call, segment, bias, {
              firstChunk,
              member,
              isFirstRound: member === 0 && round === 0,
              isLastRound: member === members - 1 && round === rounds - 1,
              endOwner: owned,
              streamedStart: round * perRound,
              streamedEnd: Math.min(streamed, (round + 1) * perRound),
              splitKeys: plan.keys.rows,
              targetRow: operand.rowStride,
              targetHead: operand.headStride,
            }),
            reads: [queries, keys, values, bias?.tensor ?? keys, resultGradient, rowState],
            writes: [target, ...(biasGradient ? [biasGradient] : [])],
            workgroups: [Math.ceil(owned / (4 * lanes)), keysOwn ? segment.heads / plan.group : segment.heads],
            share,
          });
        }
      }
    }
  }
}
