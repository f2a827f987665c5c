/**
 * Unbalanced entropic optimal transport in the log domain (Chizat, Peyre, Schmitzer and Vialard 2018): marginals are
 * penalised instead of prescribed, so mass is created and destroyed where moving it would cost more.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { affine } from '../kernels/elementwise';
import { packedWidth, packPoints, transposePairs, type GroundCost, type Pairs } from '../kernels/pairs';
import { reduceAll } from '../kernels/reduce';
import { logSumExpOverPairs, planCosts, type Potentials } from '../kernels/transport';
import { largestCosts } from '../kernels/transport-dual';
import { unbalancedStep, type MarginalPenalty, type UnbalancedSide } from '../kernels/unbalanced';

/** Points or a cost matrix, and masses, which need not sum to the same. */
export type UnbalancedProblem = {
  /** Mass of each row: not negative, at least one positive. */
  readonly rowMasses: ArrayLike<number>;
  readonly columnMasses: ArrayLike<number>;
} & (
  | {
      /** Source points one after the other, `dimension` numbers each; targets in `y`. */
      readonly x: ArrayLike<number>;
      readonly y: ArrayLike<number>;
      readonly dimension: number;
      /** Default `squared-euclidean`, without a factor 1/2. */
      readonly cost?: GroundCost;
    }
  | { /** C, row-major. */ readonly matrix: ArrayLike<number> }
);

/** How to solve. */
export interface UnbalancedOptions {
  /**
   * P minimises `<P, C> + epsilon KL(P | R) + D(P 1 | a) + D(P^T 1 | b)` with `KL(p | q) = sum p log(p/q) - p + q`.
   * In the units of C; positive.
   */
  readonly epsilon: number;
  /**
   * R: `product` is a b^T, `ones` is 1 everywhere. The two have different plans and masses, and libraries differ in
   * which one they take, so it has no default.
   */
  readonly reference: 'product' | 'ones';
  /** D, for both marginals. */
  readonly penalty: MarginalPenalty['penalty'];
  /** The weight of D in the units of C: of both marginals, or of rows and columns. `Infinity` prescribes the marginal. */
  readonly rho: number | { readonly rows: number; readonly columns: number };
  /** Stop when one more iteration would create and destroy less than this share of the plan's mass. Default 1e-6. */
  readonly tolerance?: number;
  /** Default 2,000. */
  readonly maximumIterations?: number;
  /** Iterations between two looks. Default 10. */
  readonly checkEvery?: number;
}

/** Where the iteration stands. */
export interface UnbalancedStep {
  readonly iteration: number;
  /** The share of the plan's mass that the last iteration created and destroyed. */
  readonly change: number;
  /** sum P. */
  readonly mass: number;
}

/** What came out. Rows and columns without mass have potentials of minus infinity. */
export interface UnbalancedResult extends UnbalancedStep {
  readonly status: 'converged' | 'not-converged' | 'precision-limited';
  /** f and g in `P_ij = R_ij exp((f_i + g_j - C_ij) / epsilon)`. */
  readonly rowPotential: Float64Array;
  readonly columnPotential: Float64Array;
  /** P 1 and P^T 1. */
  readonly rowMarginal: Float64Array;
  readonly columnMarginal: Float64Array;
  /** `<P, C>`. */
  readonly transportCost: number;
  /** KL(P | R). */
  readonly planDivergence: number;
  /** D(P 1 | a) and D(P^T 1 | b), without rho where D is Kullback-Leibler and without it for total variation. */
  readonly rowDivergence: number;
  readonly columnDivergence: number;
  /** The whole objective; infinite rho counts as 0. */
  readonly objective: number;
  /** The pairs with mass and their potentials, as the kernels of `transport` take them. */
  readonly pairs: Pairs;
  readonly potentials: Potentials;
}

interface Side extends UnbalancedSide {
  readonly masses: Float64Array;
  readonly support: readonly number[];
  readonly total: number;
  readonly penalty: MarginalPenalty;
}

/** Solves in the scope that is open. Throws `InvalidInputError` for masses, costs or options that make no sense. */
export async function* unbalancedSinkhorn(
  device: Device,
  problem: UnbalancedProblem,
  options: UnbalancedOptions,
): AsyncGenerator<UnbalancedStep, UnbalancedResult> {
  const { epsilon, tolerance = 1e-6, maximumIterations = 2000, checkEvery = 10 } = options;
  checkOptions(options);
  const rho = typeof options.rho === 'number' ? { rows: options.rho, columns: options.rho } : options.rho;
  const rows = placeSide(device, problem.rowMasses, 'row masses', rho.rows, options);
  const columns = placeSide(device, problem.columnMasses, 'column masses', rho.columns, options);
  checkBalance(rows, columns);
  const pairs = placePairs(device, problem, rows, columns);
  const transposed = transposePairs(pairs);
  const potentials = { rows: rows.potential, columns: columns.potential };
  const swapped = { rows: columns.potential, columns: rows.potential };
  const largestCost = await largestOf(device, pairs, columns.support.length);

  let status: UnbalancedResult['status'] | undefined;
  let step: UnbalancedStep = { iteration: 0, change: Infinity, mass: 0 };
  let best = Infinity;
  let stalls = 0;
  for (let iteration = 1; status === undefined; iteration++) {
    const isCheck = iteration % checkEvery === 0 || iteration >= maximumIterations || iteration === 1;
    using _scope = device.scope();
    unbalancedStep(rows, logSumExpOverPairs(pairs, potentials, epsilon), epsilon, rows.penalty);
    const columnSums = logSumExpOverPairs(transposed, swapped, epsilon);
    unbalancedStep(columns, columnSums, epsilon, columns.penalty);
    if (!isCheck) {
      await device.flush();
      continue;
    }
    const [rowMoved, columnMoved, logMass] = [
      (await reduceAll(rows.moved, 'sum').read())[0] ?? NaN,
      (await reduceAll(columns.moved, 'sum').read())[0] ?? NaN,
      (await reduceAll(logSumExpOverPairs(pairs, potentials, epsilon), 'logSumExp').read())[0] ?? NaN,
    ];
    const mass = Math.exp(logMass);
    const change = (rowMoved + columnMoved) / mass;
    if (!Number.isFinite(change)) {
      const message = `The iteration left the range of numbers at iteration ${String(iteration)}: raise epsilon or rho.`;
      throw new DivergedError(message, { parameter: 'epsilon', iteration });
    }
    step = { iteration, change, mass };
    yield step;
    stalls = change > 0.9 * best ? stalls + 1 : 0;
    best = Math.min(best, change);
    if (change <= tolerance) status = 'converged';
    // What float32 leaves of an exponent of this size is all that still changes.
    else if (device.kind === 'webgpu' && stalls >= 3 && change <= 16 * 2 ** -24 * (1 + largestCost / epsilon)) {
      status = 'precision-limited';
    } else if (iteration >= maximumIterations) status = 'not-converged';
    else await translate(rows, columns);
  }
  return { ...step, status, ...(await summarize(pairs, rows, columns, problem, options)), pairs, potentials };
}

/** Runs to the end. Options and errors as for `unbalancedSinkhorn`. */
export async function solveUnbalanced(
  device: Device,
  problem: UnbalancedProblem,
  options: UnbalancedOptions,
): Promise<UnbalancedResult> {
  const steps = unbalancedSinkhorn(device, problem, options);
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value;
}

/**
 * Shifts f up and g down by what is best for the dual (Sejourne, Vialard and Peyre 2022): the plan stays, and the one
 * direction in which plain scaling creeps for rho much larger than epsilon is done with. Kullback-Leibler only.
 */
async function translate(rows: Side, columns: Side): Promise<void> {
  const [rhoRows, rhoColumns] = [rows.penalty.rho, columns.penalty.rho];
  if (rows.penalty.penalty !== 'kullback-leibler' || !Number.isFinite(rhoRows + rhoColumns)) return;
  const logOf = async (side: Side): Promise<number> => {
    const terms = (await valuesOf(side)).map((f, i) => Math.log(side.masses[i] ?? 0) - f / side.penalty.rho);
    const largest = terms.reduce((most, term) => Math.max(most, term), -Infinity);
    return largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0));
  };
  const shift = ((await logOf(rows)) - (await logOf(columns))) / (1 / rhoRows + 1 / rhoColumns);
  affine(rows.potential, { offset: shift, out: rows.potential });
  affine(columns.potential, { offset: -shift, out: columns.potential });
}

/** f of a side, without the reference measure's part. */
async function valuesOf({ potential, base }: Side): Promise<Float64Array> {
  const [whole, part] = [await potential.read(), await base.read()];
  return Float64Array.from(whole, (value, i) => value - (part[i] ?? 0));
}

async function summarize(
  pairs: Pairs,
  rows: Side,
  columns: Side,
  { rowMasses, columnMasses }: UnbalancedProblem,
  { epsilon, reference }: UnbalancedOptions,
): Promise<Omit<UnbalancedResult, keyof UnbalancedStep | 'status' | 'pairs' | 'potentials'>> {
  using _scope = rows.potential.device.scope();
  const potentials = { rows: rows.potential, columns: columns.potential };
  const swapped = { rows: columns.potential, columns: rows.potential };
  const { logSums, costs } = planCosts(pairs, potentials, epsilon);
  const columnSums = logSumExpOverPairs(transposePairs(pairs), swapped, epsilon);
  const rowMarginal = Float64Array.from(await logSums.read(), Math.exp);
  const columnMarginal = Float64Array.from(await columnSums.read(), Math.exp);
  const transportCost = sumOf(await costs.read());
  const [f, g] = [await valuesOf(rows), await valuesOf(columns)];
  const referenceMass =
    reference === 'product' ? sumOf(rowMasses) * sumOf(columnMasses) : rowMasses.length * columnMasses.length;
  const products = (p: Float64Array, q: Float64Array): number =>
    p.reduce((sum, value, i) => sum + value * (q[i] ?? 0), 0);
  const planDivergence =
    (products(rowMarginal, f) + products(columnMarginal, g) - transportCost) / epsilon -
    sumOf(rowMarginal) +
    referenceMass;
  const rowDivergence = divergence(rowMarginal, rows);
  const columnDivergence = divergence(columnMarginal, columns);
  const weighted = (value: number, { penalty }: Side): number =>
    Number.isFinite(penalty.rho) ? penalty.rho * value : 0;
  return {
    rowPotential: spread(f, rows, -Infinity),
    columnPotential: spread(g, columns, -Infinity),
    rowMarginal: spread(rowMarginal, rows, 0),
    columnMarginal: spread(columnMarginal, columns, 0),
    transportCost,
    planDivergence,
    rowDivergence,
    columnDivergence,
    objective:
      transportCost + epsilon * planDivergence + weighted(rowDivergence, rows) + weighted(columnDivergence, columns),
  };
}

function divergence(marginal: Float64Array, { masses, penalty }: Side): number {
  return marginal.reduce((sum, p, i) => {
    const a = masses[i] ?? 0;
    return sum + (penalty.penalty === 'total-variation' ? Math.abs(p - a) : (p > 0 ? p * Math.log(p / a) : 0) - p + a);
  }, 0);
}

const sumOf = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0);

function spread(values: Float64Array, { support, total }: Side, empty: number): Float64Array {
  const whole = new Float64Array(total).fill(empty);
  support.forEach((index, i) => (whole[index] = values[i] ?? NaN));
  return whole;
}

function placeSide(
  device: Device,
  given: ArrayLike<number>,
  name: string,
  rho: number,
  { epsilon, reference, penalty }: UnbalancedOptions,
): Side {
  const all = Array.from(given);
  const wrong = all.findIndex((mass) => !(mass >= 0 && mass <= 1e15));
  if (wrong >= 0) {
    const message = `The ${name} hold ${String(all[wrong])} at index ${String(wrong)}: every mass must be zero or a positive number.`;
    throw new InvalidInputError(message, { field: name, index: wrong });
  }
  const support = [...all.keys()].filter((index) => (all[index] ?? 0) > 0);
  if (support.length === 0) {
    throw new InvalidInputError(`The ${name} are all zero: give at least one point mass.`, { field: name });
  }
  const masses = Float64Array.from(support, (index) => all[index] ?? 0);
  const size = support.length;
  const base = masses.map((mass) => (reference === 'product' ? epsilon * Math.log(mass) : 0));
  return {
    masses,
    support,
    total: all.length,
    penalty: { penalty, rho },
    base: device.tensor(base, [size]),
    potential: device.tensor(base, [size]),
    logWeights: device.tensor(masses.map(Math.log), [size]),
    moved: device.full([size], 0),
  };
}

function placePairs(device: Device, problem: UnbalancedProblem, rows: Side, columns: Side): Pairs {
  if ('matrix' in problem) {
    const { matrix } = problem;
    if (matrix.length !== rows.total * columns.total) {
      const expected = `${String(rows.total)} x ${String(columns.total)}`;
      throw new InvalidInputError(`The cost matrix holds ${String(matrix.length)} numbers instead of ${expected}.`, {
        field: 'matrix',
      });
    }
    const kept = rows.support.flatMap((i) => columns.support.map((j) => matrix[i * columns.total + j] ?? NaN));
    requireFinite(matrix, 'matrix');
    return { matrix: device.tensor(kept, [rows.support.length, columns.support.length]) };
  }
  const { dimension, cost = 'squared-euclidean' } = problem;
  if (problem.x.length !== rows.total * dimension || problem.y.length !== columns.total * dimension) {
    throw new InvalidInputError('There must be one mass per point and `dimension` numbers per point.', {
      field: 'dimension',
    });
  }
  requireFinite(problem.x, 'x');
  requireFinite(problem.y, 'y');
  const coordinate = (points: ArrayLike<number>, index: number, k: number): number =>
    points[index * dimension + k] ?? NaN;
  // One shift for both clouds changes no cost, and leaves float32 its digits.
  const shift = Array.from(
    { length: dimension },
    (_, k) => rows.support.reduce((sum, i) => sum + coordinate(problem.x, i, k), 0) / rows.support.length,
  );
  const place = (points: ArrayLike<number>, side: Side): Tensor => {
    const values = side.support.flatMap((i) => shift.map((value, k) => coordinate(points, i, k) - value));
    return device.tensor(packPoints(values, dimension), [side.support.length, packedWidth(dimension)]);
  };
  return { x: place(problem.x, rows), y: place(problem.y, columns), dimension, cost };
}

function requireFinite(given: ArrayLike<number>, name: string): void {
  const values = Array.from(given);
  const index = values.findIndex((value) => !(Math.abs(value) <= 1e15));
  if (index >= 0) {
    const message = `${name} holds ${String(values[index])} at index ${String(index)}: every number must be finite and at most 1e15.`;
    throw new InvalidInputError(message, { field: name, index });
  }
}

async function largestOf(device: Device, pairs: Pairs, columns: number): Promise<number> {
  using _scope = device.scope();
  return (await reduceAll(largestCosts(pairs, device.full([columns], 0)), 'maximum').read())[0] ?? NaN;
}

function checkBalance(rows: Side, columns: Side): void {
  const [a, b] = [sumOf(rows.masses), sumOf(columns.masses)];
  if (Number.isFinite(rows.penalty.rho + columns.penalty.rho) || Math.abs(a - b) <= 1e-5 * Math.max(a, b)) return;
  throw new InvalidInputError(
    `With an infinite rho both sides need the same mass, but the rows have ${String(a)} and the columns ${String(b)}: lower rho or scale the masses.`,
    { field: 'rho' },
  );
}

function checkOptions({ epsilon, rho, tolerance = 1e-6, maximumIterations = 1, checkEvery = 1 }: UnbalancedOptions) {
  const require = (isGood: boolean, field: string, expected: string): void => {
    if (!isGood) throw new InvalidInputError(`${field} must be ${expected}.`, { field });
  };
  require(Number.isFinite(epsilon) && epsilon > 0, 'epsilon', 'a positive number');
  const rhos = typeof rho === 'number' ? [rho] : [rho.rows, rho.columns];
  require(rhos.every((value) => value > 0), 'rho', 'a positive number, or infinite');
  require(tolerance > 0 && Number.isFinite(tolerance), 'tolerance', 'a positive number');
  require(Number.isInteger(maximumIterations) && maximumIterations >= 1, 'maximumIterations', 'a positive integer');
  require(Number.isInteger(checkEvery) && checkEvery >= 1, 'checkEvery', 'a positive integer');
}
