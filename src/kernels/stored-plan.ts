/**
 * A transport plan that is stored: making it, multiplying it by exp(u_i + v_j) with its new sums, and thresholds that say
 * which of its entries matter. A stored plan keeps digits that potentials in float32 lose.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import {
  costFlops,
  pairsDispatch,
  pairsShape,
  referenceCost,
  referencePotential,
  requireLength,
  type Pairs,
} from './pairs';
import { rowWorkgroup } from './row-workgroup';
import { isSerial } from './serial';
import type { Potentials } from './transport';

/** The plan exp((f_i + g_j - C_ij) / epsilon) as a matrix, `[rows, columns]`. Entries below 1e-38 are 0. */
export const planMatrix = defineKernel({
  name: 'planMatrix',
  summary: 'The plan exp((f_i + g_j - C_ij) / epsilon) as a matrix.',
  shaders: ['transport/plan_matrix'],
  cost: (pairs: Pairs, _potentials: Potentials, _epsilon: number) => {
    const [rows, columns] = pairsShape(pairs);
    return { flops: (costFlops(pairs) + 20) * rows * columns, bytes: 4 * rows * columns };
  },
  webgpu(gpu, pairs, potentials, epsilon): Tensor {
    const [rows, columns] = pairsShape(pairs);
    const plan = gpu.empty([rows, columns]);
    gpu.dispatch({
      ...pairsDispatch(pairs, potentials.rows, potentials.columns, { epsilon }),
      shader: 'transport/plan_matrix',
      writes: [plan],
      workgroups: [Math.ceil(columns / 64), Math.ceil(rows / 4)],
    });
    return plan;
  },
  reference(cpu, pairs, potentials, epsilon): Tensor {
    const [rows, columns] = pairsShape(pairs);
    const cost = referenceCost(pairs);
    const [f, g] = [referencePotential(potentials.rows), referencePotential(potentials.columns)];
    const plan = cpu.empty([rows, columns]);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++)
        plan.data[i * columns + j] = Math.exp(((f[i] ?? 0) + (g[j] ?? 0) - cost(i, j)) / epsilon);
    }
    return plan;
  },
});

/** A plan with its sums. */
export interface StoredPlan<T extends Tensor = Tensor> {
  /** `[rows, columns]`. */
  readonly plan: T;
  /** Row sums, then column sums: `[rows + columns]`. */
  readonly sums: T;
  /** Of the step that made it, per row: `sum_j P_ij (exp(w_ij) - 1 - w_ij)` over the plan before, `[rows]`. */
  readonly remainders: T;
}

/** No entry is multiplied by more than exp of this, or less than exp of minus this: trials of steps that long stay finite. */
const longestStep = 80;

/**
 * `P_ij exp(length (u_i + v_j))` into `out`, with its row and column sums. `step` is u, then v: `[rows + columns]`. The dual
 * objective, in units of epsilon, rises by `length <weights - sums, step> - sum of the remainders`: no digits cancel.
 */
export const scalePlan = defineKernel({
  name: 'scalePlan',
  summary: 'P_ij exp(length (u_i + v_j)) with its row sums, column sums and the dual ascent of the step.',
  shaders: ['sparse/scale_rows', 'sparse/column_sums'],
  cost: (plan: Tensor, _step: Tensor, _length: number, _out: StoredPlan) => ({
    flops: 40 * plan.size,
    bytes: 12 * plan.size,
  }),
  webgpu(gpu, plan, step, length, out): void {
    const [rows, columns] = matrixShape(plan, 'the plan');
    checkScaling(plan, step, out);
    const workgroup = rowWorkgroup(gpu, columns, 8);
    const columnWorkgroup = isSerial(gpu) ? { COLUMNS: 32, SHARERS: 1 } : { COLUMNS: 16, SHARERS: 16 };
    gpu.dispatch({
      shader: 'sparse/scale_rows',
      constants: { LANES: workgroup.lanes, ROWS: workgroup.rows },
      uniforms: { rows: u32(rows), columns: u32(columns), length: f32(length) },
      reads: [plan, step],
      writes: [out.plan, out.sums, out.remainders],
      workgroups: [Math.ceil(rows / workgroup.rows)],
      share: 0.8,
    });
    gpu.dispatch({
      shader: 'sparse/column_sums',
      constants: columnWorkgroup,
      uniforms: { rows: u32(rows), columns: u32(columns) },
      reads: [out.plan],
      writes: [out.sums],
      workgroups: [Math.ceil(columns / columnWorkgroup.COLUMNS)],
      share: 0.2,
    });
  },
  reference(_cpu, plan, step, length, out): void {
    const [rows, columns] = matrixShape(plan, 'the plan');
    checkScaling(plan, step, out);
    out.sums.data.fill(0);
    out.remainders.data.fill(0);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const wanted = length * ((step.data[i] ?? 0) + (step.data[rows + j] ?? 0));
        const w = Math.min(longestStep, Math.max(-longestStep, wanted));
        const entry = plan.data[i * columns + j] ?? 0;
        const moved = entry * Math.exp(w);
        out.plan.data[i * columns + j] = moved;
        out.sums.data[i] = (out.sums.data[i] ?? 0) + moved;
        out.sums.data[rows + j] = (out.sums.data[rows + j] ?? 0) + moved;
        out.remainders.data[i] = (out.remainders.data[i] ?? 0) + entry * beyondLinear(w);
      }
    }
  },
});

/** exp(w) - 1 - w without cancellation. */
function beyondLinear(w: number): number {
  if (Math.abs(w) > 0.1) return Math.expm1(w) - w;
  let term = (w * w) / 2;
  let sum = term;
  for (let k = 3; k < 12; k++) {
    term *= w / k;
    sum += term;
  }
  return sum;
}

/** The step of Sinkhorn on a stored plan: `log(weights / sums)` on one side, 0 on the other; into `step`, `[rows + columns]`. */
export const marginalStep = defineKernel({
  name: 'marginalStep',
  summary: 'What Sinkhorn would do next to a stored plan, on one side, as a step for scalePlan.',
  shaders: ['sparse/marginal_step'],
  cost: (sums: Tensor, _weights: Tensor, _range: readonly [number, number], _step: Tensor) => ({
    flops: 20 * sums.size,
    bytes: 12 * sums.size,
  }),
  webgpu(gpu, sums, weights, [start, end], step): void {
    requireLength(weights, sums.size, 'weights');
    requireLength(step, sums.size, 'step');
    gpu.dispatch({
      shader: 'sparse/marginal_step',
      uniforms: { size: u32(sums.size), start: u32(start), end: u32(end) },
      reads: [sums, weights],
      writes: [step],
      workgroups: [Math.ceil(sums.size / 64)],
    });
  },
  reference(_cpu, sums, weights, [start, end], step): void {
    requireLength(weights, sums.size, 'weights');
    for (let i = 0; i < step.size; i++)
      step.data[i] = i >= start && i < end ? Math.log((weights.data[i] ?? NaN) / (sums.data[i] ?? NaN)) : 0;
  },
});

/** Where the bins of the histogram lie: an eighth of a power of two each. */
const massShift = 20;

/**
 * The smallest entry to keep so that all smaller ones together weigh at most `budget`, `[1]`. It is one of the numbers
 * 2^k (1 + l / 8), and the bound on what is dropped takes each entry for the next such number: at most an eighth too much.
 */
export const massThreshold = defineKernel({
  name: 'massThreshold',
  summary: 'The threshold below which the entries of a plan weigh no more than a budget, all together.',
  shaders: ['sparse/histogram', 'sparse/pick_bin'],
  cost: (plan: Tensor, _budget: number) => ({ flops: 4 * plan.size, bytes: 4 * plan.size }),
  webgpu(gpu, plan, budget): Tensor {
    using scope = gpu.scope();
    const threshold = scope.keep(gpu.empty([1]));
    const found = gpu.full([2], 0, 'u32');
    const bins = gpu.full([2048], 0, 'u32');
    recordDigit(gpu, { plan, found, bins, threshold, shift: massShift, bits: 11, budget });
    return threshold;
  },
  reference(cpu, plan, budget): Tensor {
    const counts = new Map<number, number>();
    for (const entry of plan.data) {
      const bin = bitsOf(entry) >>> massShift;
      counts.set(bin, (counts.get(bin) ?? 0) + 1);
    }
    let bin = 0;
    for (let dropped = 0; bin < 2032; bin++) {
      dropped += (counts.get(bin) ?? 0) * numberOf((bin + 1) << massShift);
      if (dropped > budget) break;
    }
    return cpu.full([1], numberOf(bin << massShift));
  },
});

/** The `rank`-th largest entry of a plan, `[1]`; rank 1 is the largest. Exact: found digit by digit of its representation. */
export const rankThreshold = defineKernel({
  name: 'rankThreshold',
  summary: 'The k-th largest entry of a plan, by a radix search on the device.',
  shaders: ['sparse/histogram', 'sparse/pick_bin'],
  cost: (plan: Tensor, _rank: number) => ({ flops: 12 * plan.size, bytes: 12 * plan.size }),
  webgpu(gpu, plan, rank): Tensor {
    checkRank(plan, rank);
    using scope = gpu.scope();
    const threshold = scope.keep(gpu.empty([1]));
    const found = gpu.tensor([0, rank], [2], 'u32');
    const bins = gpu.full([2048], 0, 'u32');
    for (const [shift, bits] of [
      [20, 11],
      [10, 10],
      [0, 10],
    ] as const) {
      recordDigit(gpu, { plan, found, bins, threshold, shift, bits });
    }
    return threshold;
  },
  reference(cpu, plan, rank): Tensor {
    checkRank(plan, rank);
    const sorted = Float64Array.from(plan.data).sort();
    return cpu.full([1], sorted[sorted.length - rank] ?? 0);
  },
});

interface Digit {
  readonly plan: GpuTensor;
  readonly found: GpuTensor;
  readonly bins: GpuTensor;
  readonly threshold: GpuTensor;
  readonly shift: number;
  readonly bits: number;
  /** Mass that may be dropped; by rank where there is none. */
  readonly budget?: number;
}

function recordDigit(gpu: WebGpuDevice, { plan, found, bins, threshold, shift, bits, budget }: Digit): void {
  gpu.dispatch({
    shader: 'sparse/histogram',
    constants: { SHIFT: shift, BITS: bits },
    uniforms: { size: u32(plan.size) },
    reads: [plan, found],
    writes: [bins],
    workgroups: [Math.ceil(plan.size / 4096)],
    share: budget === undefined ? 1 / 3 : 1,
  });
  gpu.dispatch({
    shader: 'sparse/pick_bin',
    conditions: { mass: budget !== undefined },
    constants: { BITS: bits },
    uniforms: { budget: f32(budget ?? 0) },
    reads: [],
    writes: [found, bins, threshold],
    workgroups: [1],
    share: 0,
  });
}

const scratch = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

function numberOf(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

function checkRank(plan: Tensor, rank: number): void {
  if (!Number.isInteger(rank) || rank < 1 || rank > plan.size) {
    throw new InvalidInputError(`rank must be an integer from 1 to ${String(plan.size)}, but is ${String(rank)}.`, {
      field: 'rank',
    });
  }
}

function checkScaling(plan: Tensor, step: Tensor, out: StoredPlan): void {
  const [rows, columns] = matrixShape(plan, 'the plan');
  requireLength(step, rows + columns, 'step');
  requireLength(out.plan, plan.size, 'out.plan');
  requireLength(out.sums, rows + columns, 'out.sums');
  requireLength(out.remainders, rows, 'out.remainders');
  if (out.plan === plan) throw new InvalidInputError('A plan cannot be scaled into itself.', { field: 'out' });
}
