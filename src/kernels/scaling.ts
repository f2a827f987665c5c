/** The kernel form of Sinkhorn's iteration: the scaling of the rows of a stored plan. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceTensor } from '../device/reference-device';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import { requireLength } from './pairs';
import { rowWorkgroup } from './row-workgroup';

/** Entries of a row that an invocation of a GPU should have, at least. */
const columnsPerLane = 8;

/** What each row of a stored plan must be scaled by to sum to its weight, its columns already scaled: `a_i / sum_j P_ij v_j`, `[rows]`. */
export const rowScaling = defineKernel({
  name: 'rowScaling',
  summary: 'a_i / sum_j P_ij v_j: what each row of a stored plan must be scaled by to have its weight.',
  shaders: ['transport/scale_rows'],
  cost: (plan: Tensor, _columnScaling: Tensor, _weights: Tensor) => ({ flops: 2 * plan.size, bytes: 4 * plan.size }),
  webgpu(gpu, plan, columnScaling, weights): Tensor {
    const [rows, columns] = shapeOf(plan, columnScaling);
    requireLength(weights, rows, 'weights');
    const scaling = gpu.empty([rows]);
    const workgroup = rowWorkgroup(gpu, columns, columnsPerLane);
    gpu.dispatch({
      shader: 'transport/scale_rows',
      constants: { LANES: workgroup.lanes, ROWS: workgroup.rows },
      uniforms: { rows: u32(rows), columns: u32(columns) },
      reads: [plan, columnScaling, weights],
      writes: [scaling],
      workgroups: [Math.ceil(rows / workgroup.rows)],
    });
    return scaling;
  },
  reference(cpu, plan, columnScaling, weights) {
    const scaling = cpu.empty([plan.shape[0] ?? 0]);
    scaling.data.set(rowSums(plan, columnScaling).map((sum, i) => (weights.data[i] ?? 0) / sum));
    return scaling;
  },
});

/** The logarithms of the row sums of a stored plan whose columns are scaled, `log sum_j P_ij v_j`, `[rows]`. */
export const scaledLogSums = defineKernel({
  name: 'scaledLogSums',
  summary: 'The logarithm of every row sum of a stored plan, its columns scaled.',
  shaders: ['transport/scale_rows'],
  cost: (plan: Tensor, _columnScaling: Tensor) => ({ flops: 2 * plan.size, bytes: 4 * plan.size }),
  webgpu(gpu, plan, columnScaling): Tensor {
    const [rows, columns] = shapeOf(plan, columnScaling);
    const logSums = gpu.empty([rows]);
    const workgroup = rowWorkgroup(gpu, columns, columnsPerLane);
    gpu.dispatch({
      shader: 'transport/scale_rows',
      conditions: { asLogarithm: true },
      constants: { LANES: workgroup.lanes, ROWS: workgroup.rows },
      uniforms: { rows: u32(rows), columns: u32(columns) },
      reads: [plan, columnScaling],
      writes: [logSums],
      workgroups: [Math.ceil(rows / workgroup.rows)],
    });
    return logSums;
  },
  reference(cpu, plan, columnScaling) {
    const logSums = cpu.empty([plan.shape[0] ?? 0]);
    logSums.data.set(rowSums(plan, columnScaling).map(Math.log));
    return logSums;
  },
});

function shapeOf(plan: Tensor, columnScaling: Tensor): [rows: number, columns: number] {
  const shape = matrixShape(plan, 'the plan');
  if (columnScaling.size !== shape[1]) {
    throw new InvalidInputError(
      `A plan of ${String(shape[1])} columns needs as many factors, but there are ${String(columnScaling.size)}.`,
      { field: 'columnScaling' },
    );
  }
  return shape;
}

function rowSums(plan: ReferenceTensor, columnScaling: ReferenceTensor): Float64Array {
  const [rows, columns] = shapeOf(plan, columnScaling);
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += (plan.data[i * columns + j] ?? 0) * (columnScaling.data[j] ?? 0);
    return sum;
  });
}
