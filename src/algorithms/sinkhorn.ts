/**
 * Entropic optimal transport by Sinkhorn's algorithm in the log domain (Cuturi 2013; Peyre and Cuturi 2019, section 4.4).
 * Written once over streaming kernels: memory is that of the points, and the reference device runs the same lines in float64.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { isSplit, potentialValues } from '../kernels/pairs';
import { logSumExpOverPairs, marginalError, planCosts, updatePotential, type Potentials } from '../kernels/transport';
import { dot, placeProblem, type PlacedProblem, type TransportProblem } from './transport-problem';

/** How to solve. */
export interface SinkhornOptions {
  /** The weight of the entropy: P minimises `<P, C> + epsilon * sum P log P`. Positive. */
  readonly epsilon: number;
  /** Whether epsilon is in the units of C, or a multiple of the largest C_ij (absolute where that is not positive). Default `absolute`. */
  readonly epsilonUnit?: 'absolute' | 'largest-cost';
  /** Stop when both marginals together are this close in L1. Default 1e-6. */
  readonly tolerance?: number;
  /** Default 1,000. One iteration updates rows, then columns. */
  readonly maximumIterations?: number;
  /** Iterations between two looks at the error; each costs a read. Default 10. */
  readonly checkEvery?: number;
  /**
   * Epsilon scaling: start at the largest cost and multiply by this factor every iteration until epsilon is reached.
   * Between 0 and 1; 0 (the default) starts at epsilon.
   */
  readonly scaling?: number;
}

/** How a run ended. */
export type SinkhornStatus = 'converged' | 'not-converged' | 'precision-limited';

/** Where the iteration stands: yielded at every look at the error. */
export interface SinkhornStep {
  readonly iteration: number;
  /** In the units of C. Larger than asked for while epsilon is being scaled. */
  readonly epsilon: number;
  /** L1 error of both marginals after this iteration. */
  readonly marginalError: number;
  /** L1 error of the row marginal after each iteration since the last step; column sums are right up to rounding. */
  readonly rowErrors: readonly number[];
  readonly problem: PlacedProblem;
  /** The potentials of the centred problem; they change as the iteration goes on. */
  readonly potentials: Potentials;
}

/** What came out. */
export interface SinkhornResult {
  readonly status: SinkhornStatus;
  readonly iterations: number;
  readonly marginalError: number;
  /** What the marginal error was to reach. */
  readonly tolerance: number;
  /** In the units of C. */
  readonly epsilon: number;
  /** `<P, C>`, without the entropy. */
  readonly transportCost: number;
  /** `<P, C> + epsilon * sum P log P`. */
  readonly entropicObjective: number;
  /** Where precision is what limits: about the smallest epsilon (in the units of C) that reaches the tolerance. */
  readonly smallestEpsilon: number | undefined;
  /** f and g of the problem as it was given, in `P_ij = exp((f_i + g_j - C_ij) / epsilon)`; minus infinity without mass. */
  readonly rowPotential: Float64Array;
  readonly columnPotential: Float64Array;
  readonly problem: PlacedProblem;
  /** The potentials of the centred problem, on the device. */
  readonly potentials: Potentials;
}

/** If rounding alone moves the marginals by this much, and by many times the tolerance, no iteration is worth its time. */
const hopelessError = 1e-5;

/**
 * Solves a problem in the scope that is open on the device, which owns what the result holds. Throws `InvalidInputError`
 * for a problem or options that make no sense, and `DivergedError` if numbers leave their range.
 */
export async function* sinkhorn(
  device: Device,
  problem: TransportProblem | PlacedProblem,
  options: SinkhornOptions,
): AsyncGenerator<SinkhornStep, SinkhornResult> {
  const { tolerance = 1e-6, maximumIterations = 1000, checkEvery = 10, scaling = 0 } = options;
  checkOptions(options);
  const placed = 'costOffset' in problem ? problem : await placeProblem(device, problem);
  const { pairs, transposed, rows, columns } = placed;
  const epsilon =
    options.epsilon * (options.epsilonUnit === 'largest-cost' && placed.largestCost > 0 ? placed.largestCost : 1);
  const potentials = { rows: device.full([rows.count, 2], 0), columns: device.full([columns.count, 2], 0) };
  const grid = potentialGrid(placed);
  const swapped = { rows: potentials.columns, columns: potentials.rows };
  const errors = device.full([checkEvery + 1], 0);

  let ending: Ending | undefined;
  let reached = Infinity;
  let noise = 0;
  let iteration = 0;
  let current = scaling > 0 ? Math.max(epsilon, placed.largestCentredCost) : epsilon;
  let sinceCheck = 0;
  while (ending === undefined && iteration < maximumIterations) {
    iteration += 1;
    {
      using _scope = device.scope();
      const rowSums = logSumExpOverPairs(pairs, potentials, current);
      // The plan before this update is the last iteration's: its row error costs nothing more.
      if (sinceCheck > 0) marginalError(rowSums, rows.weightTensor, errors, sinceCheck - 1);
      updatePotential(potentials.rows, rowSums, rows.logWeights, current, grid);
      const columnSums = logSumExpOverPairs(transposed, swapped, current);
      updatePotential(potentials.columns, columnSums, columns.logWeights, current, grid);
    }
    sinceCheck += 1;
    if (iteration === 1 || sinceCheck === checkEvery || iteration === maximumIterations) {
      {
        using _scope = device.scope();
        marginalError(logSumExpOverPairs(pairs, potentials, current), rows.weightTensor, errors, sinceCheck - 1);
        marginalError(logSumExpOverPairs(transposed, swapped, current), columns.weightTensor, errors, checkEvery);
      }
      const measured = await errors.read();
      const rowErrors = Array.from(measured.subarray(0, sinceCheck));
      const rowError = rowErrors.at(-1) ?? NaN;
      noise = measured[checkEvery] ?? NaN;
      reached = rowError + noise;
      if (!Number.isFinite(reached)) {
        throw new DivergedError(
          `Sinkhorn's iteration left the range of numbers at iteration ${String(iteration)}: raise epsilon.`,
          {
            parameter: 'epsilon',
            iteration,
          },
        );
      }
      yield { iteration, epsilon: current, marginalError: reached, rowErrors, problem: placed, potentials };
      sinceCheck = 0;
      if (current === epsilon) ending = endingOf(rowError, noise, tolerance);
    } else {
      await device.flush();
    }
    current = Math.max(epsilon, current * scaling);
  }
  // Rounding errors of the marginals grow like 1 / epsilon. Where the iteration did not get down to them, about four times
  // those of the columns is what would have been left. Below 1/128 of the largest cost slow convergence adds them up.
  const status = ending ?? (noise > tolerance ? 'precision-limited' : 'not-converged');
  return {
    ...(await summarize(placed, potentials, epsilon)),
    status,
    iterations: iteration,
    marginalError: reached,
    tolerance,
    epsilon,
    smallestEpsilon:
      status === 'precision-limited'
        ? Math.max((1.5 * epsilon * Math.min(reached, 4 * noise)) / tolerance, placed.largestCentredCost / 128)
        : undefined,
    problem: placed,
    potentials,
  };
}

type Ending = 'converged' | 'precision-limited';

/**
 * Right after the columns were updated their sums are wrong by rounding alone, so their error is the noise that no further
 * iteration can get below.
 */
function endingOf(rowError: number, noise: number, tolerance: number): Ending | undefined {
  if (rowError + noise <= tolerance) return 'converged';
  if (noise > Math.max(hopelessError, 16 * tolerance)) return 'precision-limited';
  if (noise > tolerance / 4 && rowError <= 4 * noise) return 'precision-limited';
  return undefined;
}

async function summarize(
  placed: PlacedProblem,
  potentials: Potentials,
  epsilon: number,
): Promise<Pick<SinkhornResult, 'transportCost' | 'entropicObjective' | 'rowPotential' | 'columnPotential'>> {
  const { rows, columns, costOffset } = placed;
  const f = await readPotential(potentials.rows);
  const g = await readPotential(potentials.columns);
  const costs = await readPlanCosts(placed, potentials, epsilon);
  // log P_ij = (f_i + g_j - C_ij) / epsilon, so the objective of a plan with the right marginals is <a, f> + <b, g>.
  const entropicObjective = dot(rows.weights, f) + dot(columns.weights, g) + costOffset;
  return {
    transportCost: costs.total + costOffset,
    entropicObjective,
    rowPotential: spread(f, rows),
    columnPotential: spread(g, columns),
  };
}

/** A potential's values on the host, split or not. */
export async function readPotential(potential: Tensor): Promise<Float64Array<ArrayBuffer>> {
  return potentialValues(await potential.read(), isSplit(potential));
}

/** Puts potential values on a device, split. */
export function placePotential(problem: PlacedProblem, values: Float64Array): Tensor {
  const grid = potentialGrid(problem);
  const split = Float64Array.from({ length: 2 * values.length }, (_, at) => {
    const value = values[at >> 1] ?? NaN;
    const whole = Math.round(value / grid) * grid;
    return at % 2 === 0 ? whole : value - whole;
  });
  return problem.device.tensor(split, [values.length, 2]);
}

/** A power of two, 2^14 times smaller than the largest cost: sums of its multiples are exact in float32. */
function potentialGrid({ largestCentredCost }: PlacedProblem): number {
  return largestCentredCost > 0 ? 2 ** (Math.ceil(Math.log2(largestCentredCost)) - 14) : 1;
}

/** Row sums, row costs and the whole cost `<P, C'>` of a plan, on the host. */
export async function readPlanCosts(
  { device, pairs }: PlacedProblem,
  potentials: Potentials,
  epsilon: number,
): Promise<{ readonly sums: Float64Array; readonly costs: Float64Array; readonly total: number }> {
  using _scope = device.scope();
  const { logSums, costs } = planCosts(pairs, potentials, epsilon);
  const sums = Float64Array.from(await logSums.read(), Math.exp);
  const rowCosts = Float64Array.from(await costs.read());
  return { sums, costs: rowCosts, total: rowCosts.reduce((sum, cost) => sum + cost, 0) };
}

/** Potentials of the problem as it was given: centring undone, minus infinity where there is no mass. */
function spread(potential: ArrayLike<number>, side: PlacedProblem['rows']): Float64Array {
  const whole = new Float64Array(side.total).fill(-Infinity);
  side.support.forEach((index, i) => {
    whole[index] = (potential[i] ?? NaN) + (side.offsets[i] ?? 0);
  });
  return whole;
}

function checkOptions({
  epsilon,
  tolerance = 1e-6,
  maximumIterations = 1000,
  checkEvery = 10,
  scaling = 0,
}: SinkhornOptions): void {
  const require = (isGood: boolean, field: string, expected: string): void => {
    if (!isGood) throw new InvalidInputError(`${field} must be ${expected}.`, { field });
  };
  require(Number.isFinite(epsilon) && epsilon > 0, 'epsilon', 'a positive number');
  require(Number.isFinite(tolerance) && tolerance > 0, 'tolerance', 'a positive number');
  require(Number.isInteger(maximumIterations) && maximumIterations >= 1, 'maximumIterations', 'a positive integer');
  require(Number.isInteger(checkEvery) && checkEvery >= 1, 'checkEvery', 'a positive integer');
  require(scaling >= 0 && scaling < 1, 'scaling', 'at least 0 and below 1');
}

/** Runs to the end and returns the result. Options and errors as for `sinkhorn`. */
export async function solveSinkhorn(
  device: Device,
  problem: TransportProblem | PlacedProblem,
  options: SinkhornOptions,
): Promise<SinkhornResult> {
  const steps = sinkhorn(device, problem, options);
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value;
}

/** How a run ended, in words. */
export function describeSinkhorn({
  status,
  iterations,
  marginalError,
  tolerance,
  smallestEpsilon,
  problem,
}: SinkhornResult): {
  readonly state: SinkhornStatus;
  readonly text: string;
  readonly warning?: string;
} {
  const short = (value: number): string => {
    const rounded = Number(value.toPrecision(2));
    return rounded < 1e-2 ? rounded.toExponential() : String(rounded);
  };
  const reached = `marginal error ${short(marginalError)} in ${String(iterations)} iterations`;
  switch (status) {
    case 'converged':
      return { state: status, text: `converged to ${short(tolerance)} in ${String(iterations)} iterations` };
    case 'not-converged':
      return {
        state: status,
        text: `did not converge in ${String(iterations)} iterations (marginal error ${short(marginalError)})`,
        warning: 'The plan misses its marginals: allow more iterations, or raise epsilon.',
      };
    case 'precision-limited': {
      const smallest = smallestEpsilon ?? NaN;
      return {
        state: status,
        text: `precision-limited: ${reached}`,
        warning: `Epsilon is too small for float32 to reach ${short(tolerance)}: the smallest that works is about ${short(smallest)}, which is ${short(smallest / problem.largestCost)} of the largest cost.`,
      };
    }
    default:
      return status satisfies never;
  }
}
