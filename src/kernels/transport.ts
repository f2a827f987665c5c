/**
 * Entropic optimal transport over pairs that are never stored: the plan is P_ij = exp((f_i + g_j - C_ij) / epsilon), and
 * each kernel streams over it once. Sums are kept relative to their largest term, so no epsilon overflows them.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceDevice, ReferenceTensor } from '../device/reference-device';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import type { WebGpuDevice, GpuTensor } from '../device/webgpu-device';
import {
  costFlops,
  isSplit,
  pairsDispatch,
  pairsShape,
  referenceCost,
  referencePotential,
  requireLength,
  requirePotential,
  splitPairs,
  type PointPairs,
  type Pairs,
  type Split,
} from './pairs';

/** The two dual potentials of a plan. */
export interface Potentials<T extends Tensor = Tensor> {
  /** f, one per row: `[rows]`, or `[rows, 2]` split into a multiple of a power of two and a remainder, as g then is too. */
  readonly rows: T;
  /** g, one per column. */
  readonly columns: T;
}

/** Floating-point operations of one exponential, for the cost model. */
const exponentialFlops = 16;

function pairsCost(pairs: Pairs, flopsPerPair: number): { flops: number; bytes: number } {
  const [rows, columns] = pairsShape(pairs);
  const width = 'matrix' in pairs ? 0 : (pairs.x.shape[1] ?? 4);
  const bytes = 'matrix' in pairs ? 4 * rows * columns : 4 * width * (rows + columns);
  return { flops: flopsPerPair * rows * columns, bytes: bytes + 8 * (rows + columns) };
}

/**
 * log of the plan's row sums: `log sum_j exp((f_i + g_j - C_ij) / epsilon)`, `[rows]`. One scaling step is
 * `f_i += epsilon (log a_i - this)`; with f = 0 it is minus the soft minimum of C - g over epsilon.
 */
export const logSumExpOverPairs = defineKernel({
  name: 'logSumExpOverPairs',
  summary: 'The logarithm of every row sum of exp((f_i + g_j - C_ij) / epsilon), costs recomputed from coordinates.',
  shaders: ['transport/plan_sums', 'transport/merge_sums'],
  cost: (pairs: Pairs, _potentials: Potentials, _epsilon: number) =>
    pairsCost(pairs, costFlops(pairs) + exponentialFlops + 6),
  webgpu(gpu, pairs, potentials, epsilon): Tensor {
    const [rows, columns] = pairsShape(pairs);
    const { workgroups, chunk, chunks } = splitSums(rows, columns);
    using scope = gpu.scope();
    const partials = gpu.empty([chunks, rows, 2]);
    const common = pairsDispatch(pairs, potentials.rows, potentials.columns, { epsilon, chunk });
    gpu.dispatch({
      ...common,
      shader: 'transport/plan_sums',
      constants: { ...common.constants, ...noSlices },
      writes: [partials],
      workgroups,
    });
    const logSums = scope.keep(gpu.empty([rows]));
    mergeSums(gpu, rows, chunks, [partials], [logSums]);
    return logSums;
  },
  reference: (cpu, pairs, potentials, epsilon) => referenceLogSums(cpu, pairs, potentials, epsilon),
});

/** What `planCosts` gives. */
export interface PlanCosts {
  /** The logarithms of the row sums, `[rows]`. */
  readonly logSums: Tensor;
  /** Every row's part of <P, C>, `[rows]`. */
  readonly costs: Tensor;
}

/** Row sums of the plan with their share of the transport cost: `logSums` as above and `costs_i = sum_j P_ij C_ij`, both `[rows]`. */
export const planCosts = defineKernel({
  name: 'planCosts',
  summary: 'Every row of the plan: the logarithm of its sum, and its part of the transport cost <P, C>.',
  shaders: ['transport/plan_sums', 'transport/merge_sums'],
  cost: (pairs: Pairs, _potentials: Potentials, _epsilon: number) =>
    pairsCost(pairs, costFlops(pairs) + exponentialFlops + 8),
  webgpu(gpu, pairs, potentials, epsilon): PlanCosts {
    const [rows, columns] = pairsShape(pairs);
    const { workgroups, chunk, chunks } = splitSums(rows, columns);
    using scope = gpu.scope();
    const partials = gpu.empty([chunks, rows, 2]);
    const costPartials = gpu.empty([chunks, rows]);
    const common = pairsDispatch(pairs, potentials.rows, potentials.columns, { epsilon, chunk });
    gpu.dispatch({
      ...common,
      shader: 'transport/plan_sums',
      conditions: { ...common.conditions, withCost: true },
      constants: { ...common.constants, ...noSlices },
      writes: [partials, costPartials],
      workgroups,
    });
    const logSums = scope.keep(gpu.empty([rows]));
    const costs = scope.keep(gpu.empty([rows]));
    mergeSums(gpu, rows, chunks, [partials, costPartials], [logSums, costs], { withCost: true });
    return { logSums, costs };
  },
  reference(cpu, pairs, potentials, epsilon) {
    const [rows, columns] = pairsShape(pairs);
    const cost = referenceCost(pairs);
    const logSums = referenceLogSums(cpu, pairs, potentials, epsilon);
    const costs = cpu.empty([rows]);
    const [f, g] = [referencePotential(potentials.rows), referencePotential(potentials.columns)];
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) {
        const c = cost(i, j);
        sum += Math.exp(((f[i] ?? 0) + (g[j] ?? 0) - c) / epsilon) * c;
      }
      costs.data[i] = sum;
    }
    return { logSums, costs };
  },
});

/**
 * The barycentric map: for every row the mean of `values` under the row of the plan, `[rows, width]` for values of
 * `[columns, width]`, width a multiple of 4. Rows may be any new points: each row is divided by its own sum, so f only
 * has to be of the right size.
 */
export const barycentricMap = defineKernel({
  name: 'barycentricMap',
  summary:
    'For every row the mean of the columns\u2019 values, weighted by the row of the plan; rows can be any new points.',
  shaders: ['transport/plan_sums', 'transport/merge_sums'],
  cost: (pairs: PointPairs, values: Tensor, _potentials: Potentials, _epsilon: number) =>
    pairsCost(pairs, costFlops(pairs) + exponentialFlops + 6 + 2 * (values.shape[1] ?? 4)),
  webgpu(gpu, pairs, values, potentials, epsilon): Tensor {
    const [rows, columns] = pairsShape(pairs);
    const width = valueWidth(values, columns);
    const { workgroups, chunk, chunks } = splitSums(rows, columns, 4096);
    using scope = gpu.scope();
    const partials = gpu.empty([chunks, rows, 2]);
    const meanPartials = gpu.empty([chunks, rows, 4]);
    const means = scope.keep(gpu.empty([rows, width]));
    const common = pairsDispatch(pairs, potentials.rows, potentials.columns, { epsilon, chunk });
    const slices = width / 4;
    for (let slice = 0; slice < slices; slice++) {
      const constants = { SLICE: slice, SLICES: slices };
      gpu.dispatch({
        ...common,
        shader: 'transport/plan_sums',
        conditions: { ...common.conditions, withMean: true },
        constants: { ...common.constants, ...constants },
        reads: [...common.reads, values],
        writes: [partials, meanPartials],
        workgroups,
        share: 1 / slices,
      });
      mergeSums(gpu, rows, chunks, [partials, meanPartials], [means], { withMean: true }, constants);
    }
    return means;
  },
  reference(cpu, pairs, values, potentials, epsilon) {
    const [rows, columns] = pairsShape(pairs);
    const width = valueWidth(values, columns);
    const cost = referenceCost(pairs);
    const logSums = referenceLogSums(cpu, pairs, potentials, epsilon);
    const means = cpu.empty([rows, width]);
    const [f, g] = [referencePotential(potentials.rows), referencePotential(potentials.columns)];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const weight = Math.exp(((f[i] ?? 0) + (g[j] ?? 0) - cost(i, j)) / epsilon - (logSums.data[i] ?? 0));
        for (let k = 0; k < width; k++)
          means.data[i * width + k] = (means.data[i * width + k] ?? 0) + weight * (values.data[j * width + k] ?? 0);
      }
    }
    return means;
  },
});

/**
 * One scaling step in place: `potential_i += epsilon (logWeights_i - logSums_i)`. A split potential stays split on `grid`, a
 * power of two. Returns the potential.
 */
export const updatePotential = defineKernel({
  name: 'updatePotential',
  summary: 'One Sinkhorn step in place: f_i += epsilon (log a_i - log of the row sum).',
  shaders: ['transport/update_potential'],
  cost: (_potential: Tensor, logSums: Tensor, _logWeights: Tensor, _epsilon: number, _grid?: number) => ({
    flops: 7 * logSums.size,
    bytes: 24 * logSums.size,
  }),
  webgpu(gpu, potential, logSums, logWeights, epsilon, grid = 1): Tensor {
    requirePotential(potential, logSums.size, 'the potential');
    requireLength(logWeights, logSums.size, 'logWeights');
    gpu.dispatch({
      shader: 'transport/update_potential',
      conditions: { split: isSplit(potential) },
      uniforms: { size: u32(logSums.size), epsilon: f32(epsilon), grid: f32(grid) },
      reads: [logSums, logWeights],
      writes: [potential],
      workgroups: [Math.ceil(logSums.size / 64)],
    });
    return potential;
  },
  reference(_cpu, potential, logSums, logWeights, epsilon) {
    const stride = isSplit(potential) ? 2 : 1;
    for (let i = 0; i < logSums.size; i++) {
      const step = epsilon * ((logWeights.data[i] ?? 0) - (logSums.data[i] ?? 0));
      potential.data[stride * i] = (potential.data[stride * i] ?? 0) + step;
    }
    return potential;
  },
});

/** The L1 distance of one marginal from its weights, `sum |exp(logSums) - weights|`, put into `errors` at `slot`. Returns `errors`. */
export const marginalError = defineKernel({
  name: 'marginalError',
  summary: 'How far the row sums of a plan are from their weights, in L1; the number stays on the device.',
  shaders: ['transport/marginal_error'],
  cost: (logSums: Tensor, _weights: Tensor, _errors: Tensor, _slot: number) => ({
    flops: (exponentialFlops + 3) * logSums.size,
    bytes: 8 * logSums.size,
  }),
  webgpu(gpu, logSums, weights, errors, slot): Tensor {
    requireLength(weights, logSums.size, 'weights');
    gpu.dispatch({
      shader: 'transport/marginal_error',
      uniforms: { size: u32(logSums.size), slot: u32(slot) },
      reads: [logSums, weights],
      writes: [errors],
      workgroups: [1],
    });
    return errors;
  },
  reference(_cpu, logSums, weights, errors, slot) {
    let sum = 0;
    for (let i = 0; i < logSums.size; i++) sum += Math.abs(Math.exp(logSums.data[i] ?? 0) - (weights.data[i] ?? 0));
    errors.data[slot] = sum;
    return errors;
  },
});

const noSlices = { SLICE: 0, SLICES: 1 };

/** An invocation of `transport/plan_sums` takes eight rows: what is read of a column is read once for all of them. */
const splitSums = (rows: number, columns: number, largestChunk = 1024): Split =>
  splitPairs(rows, columns, largestChunk, 8);

function valueWidth(values: Tensor, columns: number): number {
  const [count, width] = matrixShape(values, 'values');
  if (count !== columns || width % 4 !== 0) {
    throw new InvalidInputError(
      `values must be [${String(columns)}, a multiple of 4], but are [${String(count)}, ${String(width)}].`,
      { field: 'values' },
    );
  }
  return width;
}

function mergeSums(
  gpu: WebGpuDevice,
  rows: number,
  chunks: number,
  reads: readonly GpuTensor[],
  writes: readonly GpuTensor[],
  conditions: Readonly<Record<string, boolean>> = {},
  constants: Readonly<Record<string, number>> = noSlices,
): void {
  gpu.dispatch({
    shader: 'transport/merge_sums',
    conditions,
    constants,
    uniforms: { rows: u32(rows), chunks: u32(chunks) },
    reads,
    writes,
    workgroups: [Math.ceil(rows / 64)],
    share: 0,
  });
}

function referenceLogSums(
  cpu: ReferenceDevice,
  pairs: Pairs<ReferenceTensor>,
  potentials: Potentials<ReferenceTensor>,
  epsilon: number,
): ReferenceTensor {
  const [rows, columns] = pairsShape(pairs);
  const cost = referenceCost(pairs);
  const [f, g] = [referencePotential(potentials.rows), referencePotential(potentials.columns)];
  const logSums = cpu.empty([rows]);
  const exponents = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    let maximum = -Infinity;
    for (let j = 0; j < columns; j++) {
      const exponent = ((f[i] ?? 0) + (g[j] ?? 0) - cost(i, j)) / epsilon;
      exponents[j] = exponent;
      maximum = Math.max(maximum, exponent);
    }
    let sum = 0;
    for (const exponent of exponents) sum += Math.exp(exponent - maximum);
    logSums.data[i] = maximum + Math.log(sum);
  }
  return logSums;
}
