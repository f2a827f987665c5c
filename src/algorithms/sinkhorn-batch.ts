/**
 * Many small entropic transport problems at once, in the log domain: every dispatch does several iterations of all of them.
 * Conventions are those of `sinkhorn`: P minimises `<P, C> + epsilon * sum P log P`.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import { largestBatchSide, sinkhornBatch, type BatchProblems } from '../kernels/transport-batch';
import type { SinkhornOptions, SinkhornStatus } from './sinkhorn';
import { centreMatrix, dot, matrixOf, type TransportProblem } from './transport-problem';

/** Options for all problems; with the unit `largest-cost` each has an epsilon of its own. */
export type BatchOptions = Pick<
  SinkhornOptions,
  'epsilon' | 'epsilonUnit' | 'tolerance' | 'maximumIterations' | 'checkEvery'
>;

/** What came out for one problem. Fields as in `SinkhornResult`. */
export interface BatchResult {
  readonly status: SinkhornStatus;
  /** Iterations when the error was first seen within the tolerance, or all of them. */
  readonly iterations: number;
  readonly marginalError: number;
  readonly epsilon: number;
  readonly transportCost: number;
  readonly entropicObjective: number;
  readonly rowPotential: Float64Array;
  readonly columnPotential: Float64Array;
}

/** Matrix entries times iterations of one workgroup in one dispatch: about 50 ms of one core. */
const workOfDispatch = 2 ** 18;

/**
 * Solves problems of at most 512 rows and columns each, of any sizes. Throws `InvalidInputError` as `sinkhorn` does, and for
 * larger problems, and `DivergedError` if numbers leave their range.
 */
export async function solveBatch(
  device: Device,
  problems: readonly TransportProblem[],
  options: BatchOptions,
): Promise<BatchResult[]> {
  const { epsilon, epsilonUnit = 'absolute', tolerance = 1e-6, maximumIterations = 1000, checkEvery = 10 } = options;
  for (const [field, value] of Object.entries({ epsilon, tolerance, maximumIterations, checkEvery })) {
    if (!(Number.isFinite(value) && value > 0))
      throw new InvalidInputError(`${field} must be a positive number.`, { field });
  }
  if (problems.length === 0) return [];
  const centred = problems.map((problem) => centreMatrix(matrixOf(problem)));
  const rows = Math.max(...centred.map((problem) => problem.rows.count));
  const columns = Math.max(...centred.map((problem) => problem.columns.count));
  if (rows > largestBatchSide || columns > largestBatchSide) {
    throw new InvalidInputError(
      `A problem of the batch has ${String(Math.max(rows, columns))} points: at most ${String(largestBatchSide)} fit, solve larger ones one by one.`,
      { field: 'problems' },
    );
  }
  const epsilons = centred.map(({ largestCost }) =>
    epsilonUnit === 'largest-cost' && largestCost > 0 ? epsilon * largestCost : epsilon,
  );
  const count = problems.length;
  const pad = (width: number, values: (b: number) => Float64Array): Float64Array => {
    const all = new Float64Array(count * width);
    for (let b = 0; b < count; b++) all.set(values(b), b * width);
    return all;
  };
  const costs = pad(rows * columns, (b) => {
    const { centred: values = new Float64Array(), columns: side } = centred[b] ?? {};
    const padded = new Float64Array(rows * columns);
    values.forEach((value, at) => {
      const width = side?.count ?? 1;
      padded[Math.floor(at / width) * columns + (at % width)] = value;
    });
    return padded;
  });
  using _scope = device.scope();
  const none = new Float64Array();
  const batch: BatchProblems = {
    costs: device.tensor(costs, [count, rows, columns]),
    rowWeights: device.tensor(
      pad(rows, (b) => centred[b]?.rows.weights ?? none),
      [count, rows],
    ),
    columnWeights: device.tensor(
      pad(columns, (b) => centred[b]?.columns.weights ?? none),
      [count, columns],
    ),
    settings: device.tensor(
      pad(2, (b) => settingsOf(epsilons[b] ?? NaN, centred[b]?.centred ?? none)),
      [count, 2],
    ),
    rowPotentials: device.full([count, rows, 2], 0),
    columnPotentials: device.full([count, columns, 2], 0),
  };

  const reports = new Float64Array(4 * count);
  const endings = new Array<number | undefined>(count).fill(undefined);
  const perDispatch = Math.max(1, Math.min(checkEvery, Math.floor(workOfDispatch / (rows * columns))));
  let iteration = 0;
  while (iteration < maximumIterations && endings.includes(undefined)) {
    const next = Math.min(maximumIterations, iteration === 0 ? 1 : iteration + checkEvery);
    {
      using _round = device.scope();
      let report = sinkhornBatch(batch, Math.min(perDispatch, next - iteration));
      for (iteration += Math.min(perDispatch, next - iteration); iteration < next;) {
        const more = Math.min(perDispatch, next - iteration);
        report = sinkhornBatch(batch, more);
        iteration += more;
      }
      reports.set(await report.read());
    }
    for (let b = 0; b < count; b++) {
      const error = (reports[4 * b] ?? NaN) + (reports[4 * b + 1] ?? NaN);
      if (!Number.isFinite(error)) {
        throw new DivergedError(
          `Problem ${String(b)} of the batch left the range of numbers at iteration ${String(iteration)}: raise epsilon.`,
          { parameter: 'epsilon', iteration, problem: b },
        );
      }
      if (error <= tolerance) endings[b] ??= iteration;
    }
  }

  const f = await batch.rowPotentials.read();
  const g = await batch.columnPotentials.read();
  return centred.map((problem, b) => {
    const rowPotential = potentialOf(f, b * rows, problem.rows.count);
    const columnPotential = potentialOf(g, b * columns, problem.columns.count);
    const offset = dot(problem.rows.weights, problem.rowOffsets) + dot(problem.columns.weights, problem.columnOffsets);
    const noise = reports[4 * b + 1] ?? NaN;
    return {
      // The columns were updated last, so rounding alone is what they are off by.
      status: endings[b] !== undefined ? 'converged' : noise > tolerance / 4 ? 'precision-limited' : 'not-converged',
      iterations: endings[b] ?? iteration,
      marginalError: (reports[4 * b] ?? NaN) + noise,
      epsilon: epsilons[b] ?? NaN,
      transportCost: (reports[4 * b + 2] ?? NaN) + offset,
      entropicObjective:
        dot(problem.rows.weights, rowPotential) + dot(problem.columns.weights, columnPotential) + offset,
      rowPotential: spread(rowPotential, problem.rowOffsets, problem.rows),
      columnPotential: spread(columnPotential, problem.columnOffsets, problem.columns),
    };
  });
}

/** Epsilon, and the power of two that potentials are split on, 2^14 times smaller than the largest cost. */
function settingsOf(epsilon: number, costs: Float64Array): Float64Array {
  const largest = costs.reduce((a, b) => Math.max(a, b), 0);
  return Float64Array.of(epsilon, largest > 0 ? 2 ** (Math.ceil(Math.log2(largest)) - 14) : 1);
}

function potentialOf(data: ArrayLike<number>, start: number, count: number): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, i) => (data[2 * (start + i)] ?? NaN) + (data[2 * (start + i) + 1] ?? NaN),
  );
}

function spread(
  values: Float64Array,
  offsets: Float64Array,
  { support, total }: { readonly support: Int32Array; readonly total: number },
): Float64Array {
  const whole = new Float64Array(total).fill(-Infinity);
  support.forEach((index, i) => (whole[index] = (values[i] ?? NaN) + (offsets[i] ?? 0)));
  return whole;
}
