/**
 * Entropic optimal transport by Sinkhorn's algorithm (Cuturi 2013; Peyre and Cuturi 2019, section 4.4), in the log domain over
 * streaming kernels, where memory is that of the points, or in the absorbed form, which stores the plan. Written once: the
 * reference device runs the same lines in float64.
 *
 * Conventions. C is |x - y|^2 (a factor 1/2 only for `half-squared-euclidean`), |x - y|, sum |x_k - y_k| or a matrix. P
 * minimises `<P, C> + epsilon * sum P log P`: the reference measure is the counting measure, and there is no "- 1".
 * `productObjective` is the value with `epsilon * KL(P | a b^T)` in its place, whose plan is the same.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { affine } from '../kernels/elementwise';
import { planCosts, type Potentials } from '../kernels/transport';
import { Anderson, Relaxation, type Acceleration, type AccelerationReport } from './acceleration';
import { absorbedRound, logDomainRound, readPotential, recordErrors, type RoundState } from './sinkhorn-rounds';
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
  /**
   * `log` (the default) computes every entry of the plan anew in each pass and stores none. `absorbed` stores the plan twice
   * (`8 * rows * columns` bytes) and only scales it between two looks at the error; rounds in which the scalings leave the
   * range of float32 are done again in the log domain, and counted. It takes no over-relaxation.
   */
  readonly form?: SinkhornForm;
  /**
   * `over-relaxation` stretches every step; `anderson` extrapolates from the last looks at the error and takes back what
   * did not help. Both begin where epsilon has been reached. Default `none`.
   */
  readonly acceleration?: Acceleration;
  /** The factor of over-relaxation, between 1 and 2. Chosen from the rate of convergence where it is left out. */
  readonly relaxation?: number;
  /** Where to start: g of a result, one for each column of the problem. Default 0. */
  readonly startColumnPotential?: ArrayLike<number> | undefined;
}

/** Whether the plan is computed anew in every pass, or stored and scaled. */
export type SinkhornForm = 'log' | 'absorbed';

/** How a run ended. */
export type SinkhornStatus = 'converged' | 'not-converged' | 'precision-limited';

/** Where the iteration stands: yielded at every look at the error. */
export interface SinkhornStep {
  readonly iteration: number;
  /** In the units of C. Larger than asked for while epsilon is being scaled. */
  readonly epsilon: number;
  /** L1 error of both marginals after this iteration. */
  readonly marginalError: number;
  /**
   * L1 error of the row marginal after each iteration since the last step (the last one only in the absorbed form); column
   * sums are right up to rounding, unless steps are stretched.
   */
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
  /** `<P, C> + epsilon * KL(P | a b^T)`. */
  readonly productObjective: number;
  readonly acceleration: AccelerationReport;
  readonly form: SinkhornForm;
  /** Rounds of the absorbed form that were done again in the log domain. */
  readonly refusedRounds: number;
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
  const { tolerance = 1e-6, maximumIterations = 1000, checkEvery = 10, scaling = 0, form = 'log' } = options;
  const { acceleration: kind = 'none' } = options;
  checkOptions(options);
  const placed = 'costOffset' in problem ? problem : await placeProblem(device, problem);
  const { rows, columns } = placed;
  const epsilon =
    options.epsilon * (options.epsilonUnit === 'largest-cost' && placed.largestCost > 0 ? placed.largestCost : 1);
  if (form === 'absorbed') device.require(8 * rows.count * columns.count, 'the stored plan');
  const potentials = {
    rows: device.full([rows.count, 2], 0),
    columns: placePotential(placed, startOf(placed.columns, options.startColumnPotential)),
  };
  const state: RoundState = {
    problem: placed,
    potentials,
    swapped: { rows: potentials.columns, columns: potentials.rows },
    errors: device.full([checkEvery + 1], 0),
    grid: potentialGrid(placed),
  };
  const relaxation = new Relaxation(kind === 'over-relaxation' ? options.relaxation : 1);
  const anderson = new Anderson();

  let ending: Ending | undefined;
  let reached = Infinity;
  let noise = 0;
  let iteration = 0;
  let refusedRounds = 0;
  let next = scaling > 0 ? Math.max(epsilon, placed.largestCentredCost) : epsilon;
  while (ending === undefined && iteration < maximumIterations) {
    const count = iteration === 0 ? 1 : Math.min(checkEvery, maximumIterations - iteration);
    const epsilons: number[] = [];
    for (; epsilons.length < count; next = Math.max(epsilon, next * scaling)) epsilons.push(next);
    const current = epsilons.at(-1) ?? epsilon;
    const isThere = epsilons[0] === epsilon;
    const factor = isThere ? relaxation.factor : 1;
    let isAbsorbed = form === 'absorbed' && isThere && iteration > 0;
    if (isAbsorbed && !(await absorbedRound(state, epsilon, count))) {
      refusedRounds += 1;
      isAbsorbed = false;
    } else if (isAbsorbed) iteration += count;
    if (!isAbsorbed) {
      await logDomainRound(state, epsilons, factor);
      iteration += count;
    }
    recordErrors(state, current, count - 1);
    const measured = await state.errors.read();
    const rowErrors = Array.from(measured.subarray(isAbsorbed ? count - 1 : 0, count));
    const rowError = rowErrors.at(-1) ?? NaN;
    // Right after a plain update of the columns their sums are wrong by rounding alone.
    const columnError = measured[checkEvery] ?? NaN;
    if (factor === 1) noise = columnError;
    reached = rowError + columnError;
    if (!Number.isFinite(reached)) {
      throw new DivergedError(
        `Sinkhorn's iteration left the range of numbers at iteration ${String(iteration)}: raise epsilon.`,
        { parameter: 'epsilon', iteration },
      );
    }
    yield { iteration, epsilon: current, marginalError: reached, rowErrors, problem: placed, potentials };
    if (current !== epsilon) continue;
    ending = factor === 1 ? endingOf(rowError, noise, tolerance) : reached <= tolerance ? 'converged' : undefined;
    if (ending !== undefined || !isThere) continue;
    if (kind === 'over-relaxation') relaxation.look(reached, count);
    if (kind === 'anderson' && iteration < maximumIterations) {
      const g = await readPotential(potentials.columns);
      const value = (dot(rows.weights, await readPotential(potentials.rows)) + dot(columns.weights, g)) / epsilon;
      const ahead = anderson.next(g, reached, value);
      if (ahead !== undefined) {
        using _scope = device.scope();
        affine(placePotential(placed, ahead), { out: potentials.columns });
      }
    }
  }
  // Rounding errors of the marginals grow like 1 / epsilon. Where the iteration did not get down to them, about four times
  // those of the columns is what would have been left. Below 1/128 of the largest cost slow convergence adds them up.
  const status = ending ?? (noise > tolerance ? 'precision-limited' : 'not-converged');
  const { attempts, refused } = kind === 'anderson' ? anderson : relaxation;
  return {
    ...(await summarize(placed, potentials, epsilon)),
    status,
    iterations: iteration,
    marginalError: reached,
    tolerance,
    epsilon,
    acceleration: {
      kind,
      relaxation: relaxation.factor,
      attempts: kind === 'none' ? 0 : attempts,
      refused,
    },
    form,
    refusedRounds,
    smallestEpsilon:
      status === 'precision-limited'
        ? Math.max((1.5 * epsilon * Math.min(reached, 4 * noise)) / tolerance, placed.largestCentredCost / 128)
        : undefined,
    problem: placed,
    potentials,
  };
}

/** Where the column potential starts, on the host and for the centred cost. */
function startOf(columns: PlacedProblem['columns'], start: ArrayLike<number> | undefined): Float64Array {
  if (start === undefined) return new Float64Array(columns.count);
  if (start.length !== columns.total) {
    throw new InvalidInputError(
      `The start has ${String(start.length)} potentials for ${String(columns.total)} columns: give one each.`,
      { field: 'startColumnPotential' },
    );
  }
  return Float64Array.from(columns.support, (index, j) => {
    const value = (start[index] ?? 0) - (columns.offsets[j] ?? 0);
    return Number.isFinite(value) ? value : 0;
  });
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
): Promise<
  Pick<SinkhornResult, 'transportCost' | 'entropicObjective' | 'productObjective' | 'rowPotential' | 'columnPotential'>
> {
  const { rows, columns, costOffset } = placed;
  const f = await readPotential(potentials.rows);
  const g = await readPotential(potentials.columns);
  const costs = await readPlanCosts(placed, potentials, epsilon);
  // log P_ij = (f_i + g_j - C_ij) / epsilon, so the objective of a plan with the right marginals is <a, f> + <b, g>.
  const entropicObjective = dot(rows.weights, f) + dot(columns.weights, g) + costOffset;
  return {
    transportCost: costs.total + costOffset,
    entropicObjective,
    productObjective: entropicObjective - epsilon * (negentropy(rows.weights) + negentropy(columns.weights)),
    rowPotential: spread(f, rows),
    columnPotential: spread(g, columns),
  };
}

/** `sum a log a`. */
const negentropy = (weights: Float64Array): number => dot(weights, weights.map(Math.log));

export { readPotential };

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
export function potentialGrid({ largestCentredCost }: PlacedProblem): number {
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
  form = 'log',
  acceleration = 'none',
  relaxation = 1,
}: SinkhornOptions): void {
  const require = (isGood: boolean, field: string, expected: string): void => {
    if (!isGood) throw new InvalidInputError(`${field} must be ${expected}.`, { field });
  };
  require(Number.isFinite(epsilon) && epsilon > 0, 'epsilon', 'a positive number');
  require(Number.isFinite(tolerance) && tolerance > 0, 'tolerance', 'a positive number');
  require(Number.isInteger(maximumIterations) && maximumIterations >= 1, 'maximumIterations', 'a positive integer');
  require(Number.isInteger(checkEvery) && checkEvery >= 1, 'checkEvery', 'a positive integer');
  require(scaling >= 0 && scaling < 1, 'scaling', 'at least 0 and below 1');
  require(relaxation >= 1 && relaxation < 2, 'relaxation', 'at least 1 and below 2');
  require(form === 'log' ||
    acceleration !==
      'over-relaxation', 'acceleration', 'none or anderson in the absorbed form, which scales by plain steps');
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
