/** What every dispatch of an attention kernel shares: strides as the shaders count them, one bias of all that is per pair, uniforms. */
import { InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { f32, i32, u32, type Uniforms } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { pairStrides, type AttentionOptions, type AttentionPlan, type Operand, type Segment } from './attention-shapes';

/** `AttentionOptions` whose tensors are on the GPU. */
export type GpuOptions = Omit<AttentionOptions, 'keyBias' | 'bias' | 'mask' | 'sinks'> & {
  readonly keyBias?: GpuTensor;
  readonly bias?: GpuTensor;
  readonly mask?: GpuTensor;
  readonly sinks?: GpuTensor;
};

/** A call's operands with their layouts. */
export interface GpuCall {
  readonly plan: AttentionPlan;
  readonly queries: GpuTensor;
  readonly keys: GpuTensor;
  readonly values: GpuTensor;
  /** Where the result, or its gradient, lies. */
  readonly result: GpuTensor;
  readonly valueOperand: Operand;
  readonly output: Operand;
  readonly options: GpuOptions;
}

/** What one workgroup may do in one dispatch on a software adapter (about 15 ms), and on a GPU. */
const SOFTWARE_ROUND_FLOPS = 2.4e7;
const HARDWARE_ROUND_FLOPS = 1e9;

/** Streamed rows that a workgroup goes through in one dispatch, a multiple of its tile: a cancel is heard between dispatches. */
export function rowsPerRound(gpu: WebGpuDevice, flopsPerRow: number, tile: number): number {
  const flops = gpu.info.isFallback ? SOFTWARE_ROUND_FLOPS : HARDWARE_ROUND_FLOPS;
  return Math.max(1, Math.floor(flops / flopsPerRow / tile)) * tile;
}

/** Strides as the shader counts them: in vec4 where rows are whole vec4s. */
export function shaderStrides(operand: Operand): {
  readonly row: number;
  readonly head: number;
  readonly isVectors: boolean;
} {
  const isVectors = operand.dimension % 4 === 0;
  const unit = isVectors ? 4 : 1;
  return { row: operand.rowStride / unit, head: operand.headStride / unit, isVectors };
}

/** A bias over pairs as the shaders read it. */
export interface PairBias {
  readonly tensor: GpuTensor;
  readonly row: number;
  readonly head: number;
}

/** Bias and mask as one bias, or undefined where there is neither. A mask makes a tensor in the open scope. */
export function pairBias(gpu: WebGpuDevice, plan: AttentionPlan, options: GpuOptions): PairBias | undefined {
  const { keyBias, bias, mask } = options;
  const added = keyBias ?? bias;
  const strides = added && pairStrides(added, keyBias ? 'keyBias' : 'bias', plan, keyBias !== undefined);
  if (mask === undefined) return added && strides && { tensor: added, ...strides };
  const masked = pairStrides(mask, 'mask', plan, false);
  const heads = masked.head > 0 || (strides?.head ?? 0) > 0 ? plan.heads : 1;
  const rows = masked.row > 0 || (strides?.row ?? 0) > 0 ? plan.queries.rows : 1;
  const keys = plan.keys.rows;
  const tensor = gpu.empty([heads, rows, keys]);
  gpu.dispatch({
    shader: 'attention/combine_bias',
    conditions: { bias: added !== undefined },
    uniforms: {
      rows: u32(rows),
      keys: u32(keys),
      biasRow: u32(strides?.row ?? 0),
      biasHead: u32(strides?.head ?? 0),
      maskRow: u32(masked.row),
      maskHead: u32(masked.head),
    },
    reads: [added ?? mask, mask],
    writes: [tensor],
    workgroups: [Math.ceil(keys / 64), rows, heads],
    share: 0.01,
  });
  return { tensor, row: rows > 1 ? keys : 0, head: heads > 1 ? rows * keys : 0 };
}

/** What differs from dispatch to dispatch; what is left out is zero. */
export interface DispatchDetails {
  readonly firstKey?: number;
  readonly endKey?: number;
  readonly firstChunk?: number;
  readonly isFirstRound?: boolean;
  readonly isLastRound?: boolean;
  readonly resultRow?: number;
  readonly resultHead?: number;
  readonly resultFirst?: number;
  readonly splitKeys?: number;
  readonly splitResult?: number;
  readonly splitStats?: number;
  readonly endOwner?: number;
  readonly streamedStart?: number;
  readonly streamedEnd?: number;
  readonly member?: number;
  readonly targetRow?: number;
  readonly targetHead?: number;
}

/** The operands whose layout the uniforms hold. */
export type CallLayout = Pick<GpuCall, 'plan' | 'valueOperand' | 'output'>;

/** The uniforms of `operands.wgsl`. */
export function attentionUniforms(
  { plan, valueOperand, output }: CallLayout,
  segment: Segment,
  bias: PairBias | undefined,
  details: DispatchDetails,
): Uniforms {
  const [q, k, v, o] = [
    shaderStrides(plan.queries),
    shaderStrides(plan.keys),
    shaderStrides(valueOperand),
    shaderStrides(output),
  ];
  return {
    firstHead: u32(segment.firstHead),
    firstQuery: u32(plan.rows[0]),
    endQuery: u32(plan.rows[1]),
    firstKey: u32(details.firstKey ?? 0),
    endKey: u32(details.endKey ?? segment.keyLength),
    offset: i32(segment.offset),
    before: i32(plan.before),
    after: i32(plan.after),
    group: u32(plan.group),
    dimension: u32(plan.keys.dimension),
    valueDimension: u32(valueOperand.dimension),
    scale: f32(plan.scale),
    softCap: f32(plan.softCap),
    queryRow: u32(q.row),
    queryHead: u32(q.head),
    keyRow: u32(k.row),
    keyHead: u32(k.head),
    valueRow: u32(v.row),
    valueHead: u32(v.head),
    resultRow: u32(details.resultRow ?? o.row),
    resultHead: u32(details.resultHead ?? o.head),
    biasRow: u32(bias?.row ?? 0),
    biasHead: u32(bias?.head ?? 0),
    firstChunk: u32(details.firstChunk ?? 0),
    isFirstRound: u32(details.isFirstRound === false ? 0 : 1),
    isLastRound: u32(details.isLastRound === false ? 0 : 1),
    resultFirst: u32(details.resultFirst ?? 0),
    splitKeys: u32(details.splitKeys ?? 0),
    splitResult: u32(details.splitResult ?? 0),
    splitStats: u32(details.splitStats ?? 0),
    endOwner: u32(details.endOwner ?? 0),
    streamedStart: u32(details.streamedStart ?? 0),
    streamedEnd: u32(details.streamedEnd ?? 0),
    member: u32(details.member ?? 0),
    targetRow: u32(details.targetRow ?? 0),
    targetHead: u32(details.targetHead ?? 0),
  };
}

/** The conditions that follow from the plan. */
export function attentionConditions(
  { plan, valueOperand }: CallLayout,
  bias: PairBias | undefined,
): Readonly<Record<string, boolean>> {
  return {
    vectors: plan.keys.dimension % 4 === 0,
    valueVectors: valueOperand.dimension % 4 === 0,
    squaredDistance: plan.isDistance,
    softCap: plan.softCap > 0,
    bias: bias !== undefined,
  };
}

/** Throws `InvalidInputError` unless a tensor has a shape. */
export function checkShape(tensor: Tensor, shape: readonly number[], name: string): void {
  if (tensor.shape.join() !== shape.join()) {
    throw new InvalidInputError(
      `${name} must have the shape [${shape.join(', ')}], but it is [${tensor.shape.join(', ')}].`,
      { field: name },
    );
  }
}
