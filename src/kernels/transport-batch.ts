/** Many small transport problems at once: one workgroup for each, several iterations in one dispatch. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceTensor } from '../device/reference-device';
import type { Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';

/** The most rows or columns of a problem: their potentials are kept in workgroup memory. */
export const largestBatchSide = 512;

/** Problems of one shape; a smaller one is padded with points of weight 0, which are left out. */
export interface BatchProblems<T extends Tensor = Tensor> {
  /** `[count, rows, columns]`. */
  readonly costs: T;
  /** `[count, rows]`. */
  readonly rowWeights: T;
  /** `[count, columns]`. */
  readonly columnWeights: T;
  /** Epsilon of each problem, and the power of two that its potentials are split on: `[count, 2]`. */
  readonly settings: T;
  /** f, split: `[count, rows, 2]`. Changed in place. */
  readonly rowPotentials: T;
  /** g, split: `[count, columns, 2]`. Changed in place. */
  readonly columnPotentials: T;
}

/**
 * `iterations` of Sinkhorn for every problem, rows first. Returns `[count, 4]`: the L1 errors of rows and of columns, the
 * transport cost `<P, C>`, and 0.
 */
export const sinkhornBatch = defineKernel({
  name: 'sinkhornBatch',
  summary: 'Several Sinkhorn iterations of many small problems, potentials kept in workgroup memory.',
  shaders: ['transport/batch'],
  cost: ({ costs }: BatchProblems, iterations: number) => ({
    flops: 50 * (iterations + 1) * costs.size,
    bytes: 4 * costs.size,
  }),
  webgpu(gpu, problems, iterations): Tensor {
    const [count, rows, columns] = batchShape(problems);
    const report = gpu.empty([count, 4]);
    gpu.dispatch({
      shader: 'transport/batch',
      constants: { SIDE: largestBatchSide },
      uniforms: { rows: u32(rows), columns: u32(columns), iterations: u32(iterations) },
      reads: [problems.costs, problems.rowWeights, problems.columnWeights, problems.settings],
      writes: [problems.rowPotentials, problems.columnPotentials, report],
      workgroups: [count],
    });
    return report;
  },
  reference(cpu, problems, iterations) {
    const [count, rows, columns] = batchShape(problems);
    const report = cpu.empty([count, 4]);
    for (let b = 0; b < count; b++) {
      const cost = (i: number, j: number): number => problems.costs.data[(b * rows + i) * columns + j] ?? 0;
      const f = sideOf(problems.rowWeights, problems.rowPotentials, b, rows);
      const g = sideOf(problems.columnWeights, problems.columnPotentials, b, columns);
      const epsilon = problems.settings.data[2 * b] ?? 1;
      for (let k = 0; k < iterations; k++) {
        f.shift(epsilon, logSums(f, g, cost, epsilon));
        g.shift(
          epsilon,
          logSums(g, f, (j, i) => cost(i, j), epsilon),
        );
      }
      const rowSums = logSums(f, g, cost, epsilon);
      report.data[4 * b] = f.error(rowSums);
      report.data[4 * b + 1] = g.error(logSums(g, f, (j, i) => cost(i, j), epsilon));
      report.data[4 * b + 2] = f.indices.reduce(
        (sum, i) =>
          sum +
          g.indices.reduce((row, j) => row + Math.exp((f.at(i) + g.at(j) - cost(i, j)) / epsilon) * cost(i, j), 0),
        0,
      );
    }
    return report;
  },
});

function batchShape(problems: BatchProblems): [count: number, rows: number, columns: number] {
  const { costs, rowWeights, columnWeights, settings, rowPotentials, columnPotentials } = problems;
  const [count = 0, rows = 0, columns = 0] = costs.shape;
  if (costs.shape.length !== 3 || rows > largestBatchSide || columns > largestBatchSide) {
    throw new InvalidInputError(
      `A batch holds problems of at most ${String(largestBatchSide)} rows and columns as [count, rows, columns], but the costs are [${costs.shape.join(', ')}].`,
      { field: 'costs' },
    );
  }
  const expected: readonly (readonly [string, Tensor, number])[] = [
    ['rowWeights', rowWeights, count * rows],
    ['columnWeights', columnWeights, count * columns],
    ['settings', settings, 2 * count],
    ['rowPotentials', rowPotentials, 2 * count * rows],
    ['columnPotentials', columnPotentials, 2 * count * columns],
  ];
  for (const [field, tensor, size] of expected) {
    if (tensor.size !== size) {
      throw new InvalidInputError(`${field} has ${String(tensor.size)} numbers instead of ${String(size)}.`, { field });
    }
  }
  return [count, rows, columns];
}

interface BatchSide {
  /** The points with mass. */
  readonly indices: readonly number[];
  at(i: number): number;
  shift(epsilon: number, logSums: readonly number[]): void;
  error(logSums: readonly number[]): number;
}

function sideOf(weights: ReferenceTensor, potentials: ReferenceTensor, b: number, size: number): BatchSide {
  const weight = (i: number): number => weights.data[b * size + i] ?? 0;
  const place = (i: number): number => 2 * (b * size + i);
  const at = (i: number): number => (potentials.data[place(i)] ?? 0) + (potentials.data[place(i) + 1] ?? 0);
  const indices = Array.from({ length: size }, (_, i) => i).filter((i) => weight(i) > 0);
  return {
    indices,
    at,
    shift(epsilon, logSums) {
      indices.forEach((i, k) => {
        potentials.data[place(i)] = at(i) + epsilon * (Math.log(weight(i)) - (logSums[k] ?? NaN));
        potentials.data[place(i) + 1] = 0;
      });
    },
    error: (logSums) => indices.reduce((sum, i, k) => sum + Math.abs(Math.exp(logSums[k] ?? NaN) - weight(i)), 0),
  };
}

function logSums(side: BatchSide, other: BatchSide, cost: (i: number, j: number) => number, epsilon: number): number[] {
  return side.indices.map((i) => {
    const exponents = other.indices.map((j) => (side.at(i) + other.at(j) - cost(i, j)) / epsilon);
    const largest = exponents.reduce((a, b) => Math.max(a, b), -Infinity);
    return largest + Math.log(exponents.reduce((sum, exponent) => sum + Math.exp(exponent - largest), 0));
  });
}
