/** Multimarginal transport over a dense cost tensor of any number of axes: sums over all axes but one, and the scaling step. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceDevice, ReferenceTensor } from '../device/reference-device';
import type { Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { requireLength } from './pairs';

/** A cost tensor and the potentials of its axes: `P = exp((sum of potentials - C) / epsilon)`. */
export interface TensorPlan<T extends Tensor = Tensor> {
  /** C, row-major; its shape is the plan's. */
  readonly cost: T;
  /** The lengths of the axes once more, as a `u32` tensor: what the kernel reads. */
  readonly axes: T;
  /** The potentials, axis after axis: as many numbers as all axes are long together. */
  readonly potentials: T;
}

const chunk = 4096;
const exponentialFlops = 16;

const planCost = ({ cost }: TensorPlan): { readonly flops: number; readonly bytes: number } => ({
  flops: (2 * exponentialFlops + 8 * cost.shape.length) * cost.size,
  bytes: 4 * cost.size,
});

/** The logarithms of the plan's marginal on one axis: `log` of the sums over all other axes, `[length of the axis]`. */
export const logSumExpOverTensor = defineKernel({
  name: 'logSumExpOverTensor',
  summary: 'One marginal of a plan with many axes, in the log domain: sums over all axes of a cost tensor but one.',
  shaders: ['transport/tensor_sums', 'transport/merge_sums'],
  cost: (plan: TensorPlan, _axis: number, _epsilon: number) => planCost(plan),
  webgpu: (gpu, plan, axis, epsilon): Tensor => recordSums(gpu, plan, axis, epsilon, false).logSums,
  reference: (cpu, plan, axis, epsilon) => referenceSums(cpu, plan, axis, epsilon).logSums,
});

/** What `tensorPlanCosts` gives. */
export interface TensorPlanCosts {
  /** The logarithms of the marginal. */
  readonly logSums: Tensor;
  /** The part of `<P, C>` in every slice of the axis. */
  readonly costs: Tensor;
}

/** A marginal as above with its share of the transport cost. */
export const tensorPlanCosts = defineKernel({
  name: 'tensorPlanCosts',
  summary: 'One marginal of a plan with many axes, and every slice’s part of the transport cost.',
  shaders: ['transport/tensor_sums', 'transport/merge_sums'],
  cost: (plan: TensorPlan, _axis: number, _epsilon: number) => planCost(plan),
  webgpu: (gpu, plan, axis, epsilon): TensorPlanCosts => recordSums(gpu, plan, axis, epsilon, true),
  reference: (cpu, plan, axis, epsilon) => referenceSums(cpu, plan, axis, epsilon),
});

/** One scaling step of an axis, in place: `potential_i += epsilon (logWeights_i - logSums_i)`. Returns the potentials. */
export const tensorStep = defineKernel({
  name: 'tensorStep',
  summary: 'One multimarginal Sinkhorn step: the potentials of one axis, in place.',
  shaders: ['transport/tensor_step'],
  cost: (_plan: TensorPlan, _axis: number, logSums: Tensor, _logWeights: Tensor, _epsilon: number) => ({
    flops: 3 * logSums.size,
    bytes: 16 * logSums.size,
  }),
  webgpu(gpu, plan, axis, logSums, logWeights, epsilon): Tensor {
    const { length, offset } = checkPlan(plan, axis);
    requireLength(logSums, length, 'logSums');
    requireLength(logWeights, plan.potentials.size, 'logWeights');
    gpu.dispatch({
      shader: 'transport/tensor_step',
      uniforms: { size: u32(length), offset: u32(offset), epsilon: f32(epsilon) },
      reads: [logSums, logWeights],
      writes: [plan.potentials],
      workgroups: [Math.ceil(length / 64)],
    });
    return plan.potentials;
  },
  reference(_cpu, plan, axis, logSums, logWeights, epsilon) {
    const { length, offset } = checkPlan(plan, axis);
    requireLength(logSums, length, 'logSums');
    requireLength(logWeights, plan.potentials.size, 'logWeights');
    const { data } = plan.potentials;
    for (let i = 0; i < length; i++) {
      const at = offset + i;
      data[at] = (data[at] ?? 0) + epsilon * ((logWeights.data[at] ?? 0) - (logSums.data[i] ?? 0));
    }
    return plan.potentials;
  },
});

function recordSums(
  gpu: WebGpuDevice,
  plan: TensorPlan<GpuTensor>,
  axis: number,
  epsilon: number,
  withCost: boolean,
): { readonly logSums: Tensor; readonly costs: Tensor } {
  const { length } = checkPlan(plan, axis);
  const rest = plan.cost.size / length;
  const chunks = Math.ceil(rest / chunk);
  using scope = gpu.scope();
  const partials = gpu.empty([chunks, length, 2]);
  const costPartials = withCost ? [gpu.empty([chunks, length])] : [];
  gpu.dispatch({
    shader: 'transport/tensor_sums',
    conditions: { withCost },
    uniforms: {
      axes: u32(plan.cost.shape.length),
      axis: u32(axis),
      length: u32(length),
      rest: u32(rest),
      inverseEpsilon: f32(1 / epsilon),
    },
    reads: [plan.cost, plan.axes, plan.potentials],
    writes: [partials, ...costPartials],
    workgroups: [length, chunks],
  });
  const logSums = scope.keep(gpu.empty([length]));
  const costs = withCost ? scope.keep(gpu.empty([length])) : logSums;
  gpu.dispatch({
    shader: 'transport/merge_sums',
    conditions: { withCost },
    constants: { SLICE: 0, SLICES: 1 },
    uniforms: { rows: u32(length), chunks: u32(chunks) },
    reads: [partials, ...costPartials],
    writes: withCost ? [logSums, costs] : [logSums],
    workgroups: [Math.ceil(length / 64)],
    share: 0,
  });
  return { logSums, costs };
}

function referenceSums(
  cpu: ReferenceDevice,
  plan: TensorPlan<ReferenceTensor>,
  axis: number,
  epsilon: number,
): { readonly logSums: ReferenceTensor; readonly costs: ReferenceTensor } {
  const { length, stride } = checkPlan(plan, axis);
  const { shape, data: cost } = plan.cost;
  const potentials = plan.potentials.data;
  const exponents = new Float64Array(plan.cost.size);
  const maxima = new Float64Array(length).fill(-Infinity);
  for (let at = 0; at < exponents.length; at++) {
    let [left, end, total] = [at, potentials.length, 0];
    for (let k = shape.length - 1; k >= 0; k--) {
      const size = shape[k] ?? 1;
      end -= size;
      total += potentials[end + (left % size)] ?? 0;
      left = Math.floor(left / size);
    }
    const exponent = (total - (cost[at] ?? 0)) / epsilon;
    exponents[at] = exponent;
    const i = Math.floor(at / stride) % length;
    maxima[i] = Math.max(maxima[i] ?? 0, exponent);
  }
  const [logSums, costs] = [cpu.full([length], 0), cpu.full([length], 0)];
  exponents.forEach((exponent, at) => {
    const i = Math.floor(at / stride) % length;
    logSums.data[i] = (logSums.data[i] ?? 0) + Math.exp(exponent - (maxima[i] ?? 0));
    costs.data[i] = (costs.data[i] ?? 0) + Math.exp(exponent) * (cost[at] ?? 0);
  });
  maxima.forEach((maximum, i) => (logSums.data[i] = maximum + Math.log(logSums.data[i] ?? 0)));
  return { logSums, costs };
}

function checkPlan(
  { cost, axes, potentials }: TensorPlan,
  axis: number,
): { readonly length: number; readonly stride: number; readonly offset: number } {
  const { shape } = cost;
  const length = shape[axis];
  if (length === undefined) {
    throw new InvalidInputError(`The cost tensor has ${String(shape.length)} axes, so none is ${String(axis)}.`, {
      field: 'axis',
    });
  }
  requireLength(axes, shape.length, 'axes');
  requireLength(
    potentials,
    shape.reduce((sum, size) => sum + size, 0),
    'potentials',
  );
  const stride = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  return { length, stride, offset: shape.slice(0, axis).reduce((sum, size) => sum + size, 0) };
}
