/**
 * An interval that certainly holds the exact, unregularised cost of a transport problem. Above: the plan, rounded to one
 * with exact marginals (Altschuler, Weed and Rigollet 2017, algorithm 2). Below: dual potentials made feasible by
 * c-transforms, and raised on request. Both ends are moved outwards by what rounding may have done to them.
 */
import { InvalidInputError } from '../device/errors';
import { logSumExpOverPairs, type Potentials } from '../kernels/transport';
import { cTransform } from '../kernels/transport-dual';
import { ascendDual, type DualAscent } from './dual-ascent';
import { placePotential, readPlanCosts, readPotential } from './sinkhorn';
import { dot, type PlacedProblem, type Side } from './transport-problem';

/** What is certain about the cost of the best plan. */
export interface TransportCertificate {
  /** The exact cost is at least this. */
  readonly lower: number;
  /** The exact cost is at most this: there is a plan with the right marginals that costs no more. */
  readonly upper: number;
  /** The cost of the rounded plan as it was computed, without the margin for rounding errors. */
  readonly roundedCost: number;
  /** The L1 error of the marginals of the plan before it was rounded. */
  readonly marginalError: number;
  /** How far the ends were moved outwards. */
  readonly lowerMargin: number;
  readonly upperMargin: number;
  /** What polishing did; undefined where none was asked for. `isExact`: it reached the optimum, which both ends then meet. */
  readonly polish: { readonly passes: number; readonly isExact: boolean } | undefined;
}

/** How much to spend. */
export interface CertificateOptions {
  /**
   * The most passes over all pairs that the host may take to raise the lower end in float64 by dual ascent; it ends earlier
   * where it reaches the optimum, and then the upper end comes down to it too. 2^20 pairs take about 20 ms a pass. From the
   * potentials of a small epsilon the optimum takes 2 to 20 passes for some dozens of points or for equal weights, some
   * hundreds for a thousand points with weights of their own. The costs are stored: 8 bytes a pair, at most 2^24 pairs.
   * Default 0: the lower end is that of two c-transforms on the device, which epsilon keeps away from the exact cost.
   */
  readonly polish?: number;
}

/** The most pairs whose costs the host stores. */
const mostPolishedPairs = 2 ** 24;

/**
 * Certifies a problem from any potentials; the better they are, the narrower the interval. Takes six passes over the pairs.
 * Allocates in the scope that is open and frees it. Throws `InvalidInputError` for a `polish` that makes no sense or more
 * pairs than it can take.
 */
export async function certifyTransport(
  problem: PlacedProblem,
  potentials: Potentials,
  epsilon: number,
  { polish = 0 }: CertificateOptions = {},
): Promise<TransportCertificate> {
  checkPolish(problem, polish);
  const { device, costOffset } = problem;
  using _scope = device.scope();
  const rounded = await roundPlan(problem, potentials, epsilon);
  const above = { value: rounded.cost + costOffset, margin: rounded.margin };
  const common = { roundedCost: above.value, marginalError: rounded.marginalError };
  if (polish === 0) {
    const { value, margin } = await feasibleDual(problem, potentials);
    return { ...common, ...interval({ value: value + costOffset, margin }, above), polish: undefined };
  }
  const { offsets } = problem.columns;
  const start = (await readPotential(potentials.columns)).map((value, j) => value + (offsets[j] ?? 0));
  const ascent = await ascendDual(problem, start, polish);
  const { passes, planCost } = ascent;
  return {
    ...common,
    ...interval(ascent, tighter(above, ascent)),
    polish: { passes, isExact: planCost !== undefined },
  };
}

/** A number, and how far it may be off to the wrong side. */
interface Bound {
  readonly value: number;
  readonly margin: number;
}

const interval = (
  below: Bound,
  above: Bound,
): Pick<TransportCertificate, 'lower' | 'upper' | 'lowerMargin' | 'upperMargin'> => ({
  lower: below.value - below.margin,
  upper: above.value + above.margin,
  lowerMargin: below.margin,
  upperMargin: above.margin,
});

/** The lower of two upper bounds. */
function tighter(above: Bound, { planCost, planMargin }: DualAscent): Bound {
  if (planCost === undefined || planCost + planMargin >= above.value + above.margin) return above;
  return { value: planCost, margin: planMargin };
}

function checkPolish({ rows, columns }: PlacedProblem, polish: number): void {
  if (!(polish >= 0)) throw new InvalidInputError('polish must be a number of passes, 0 or more.', { field: 'polish' });
  if (polish > 0 && rows.count * columns.count > mostPolishedPairs) {
    throw new InvalidInputError(
      `Polishing stores the cost of every pair and takes at most 2^24 of them, but there are ${String(rows.count * columns.count)}: set polish to 0.`,
      { field: 'polish' },
    );
  }
}

/** What one operation may be off by, relative: WGSL leaves the rounding direction open. */
const unitOf = ({ device }: PlacedProblem): number => (device.kind === 'webgpu' ? 2 ** -23 : 2 ** -50);

async function roundPlan(
  problem: PlacedProblem,
  potentials: Potentials,
  epsilon: number,
): Promise<{ cost: number; margin: number; marginalError: number }> {
  const { rows, columns, transposed } = problem;
  const columnSums = async (pair: Potentials): Promise<Float64Array> => {
    const logSums = await logSumExpOverPairs(transposed, { rows: pair.columns, columns: pair.rows }, epsilon).read();
    return Float64Array.from(logSums, Math.exp);
  };
  const before = await readPlanCosts(problem, potentials, epsilon);
  const marginalError = distance(before.sums, rows.weights) + distance(await columnSums(potentials), columns.weights);
  // Rows that hold too much are scaled down, then columns; a scaling of the plan is a shift of its potentials.
  const shrink = async (potential: Potentials['rows'], sums: Float64Array, side: Side): Promise<Potentials['rows']> => {
    const values = await readPotential(potential);
    return placePotential(
      problem,
      values.map((value, i) => value + epsilon * Math.log(Math.min(1, (side.weights[i] ?? 0) / (sums[i] ?? 1)))),
    );
  };
  const rowPotential = await shrink(potentials.rows, before.sums, rows);
  const sumsAfterRows = await columnSums({ rows: rowPotential, columns: potentials.columns });
  const shrunk = { rows: rowPotential, columns: await shrink(potentials.columns, sumsAfterRows, columns) };
  const plan = await readPlanCosts(problem, shrunk, epsilon);
  const rest = correction(problem, plan.sums, await columnSums(shrunk));
  return { cost: plan.total + rest, margin: roundingMargin(problem, plan.total, epsilon), marginalError };
}

/** What the mass costs that is still missing: a product of what rows and columns lack (closed form for squared distances). */
function correction(problem: PlacedProblem, rowSums: Float64Array, columnSums: Float64Array): number {
  const { rows, columns, largestCentredCost, cost, dimension } = problem;
  const lacking = (side: Side, sums: Float64Array): Float64Array =>
    side.weights.map((weight, i) => Math.max(0, weight - (sums[i] ?? 0)));
  const excess = (side: Side, sums: Float64Array): number =>
    side.weights.reduce((sum, weight, i) => sum + Math.max(0, (sums[i] ?? 0) - weight), 0);
  const rowLack = lacking(rows, rowSums);
  const columnLack = lacking(columns, columnSums);
  const rowMass = total(rowLack);
  const columnMass = total(columnLack);
  const mass = Math.max(rowMass, columnMass);
  // What rounding left over on either side is charged the largest cost.
  const leftOver =
    (Math.abs(rowMass - columnMass) + 2 * (excess(rows, rowSums) + excess(columns, columnSums))) * largestCentredCost;
  if (mass === 0) return leftOver;
  if (cost !== 'squared-euclidean' || rows.points === undefined || columns.points === undefined)
    return leftOver + mass * largestCentredCost;
  let product = 0;
  for (let k = 0; k < dimension; k++) {
    const x = moments(rowLack, rows.points, k, dimension);
    const y = moments(columnLack, columns.points, k, dimension);
    product += x.second * columnMass + rowMass * y.second - 2 * x.first * y.first;
  }
  return leftOver + product / mass;
}

/**
 * What the rounded plan's cost may be off by. An entry of the plan is evaluated with a relative error of a few units times
 * (C_ij / epsilon + its logarithm); that much mass at most is misjudged, and moving it costs at most the largest cost.
 */
function roundingMargin(problem: PlacedProblem, planCost: number, epsilon: number): number {
  const { rows, columns, dimension, largestCentredCost } = problem;
  const logarithms = 3 * Math.log(4 * rows.count * columns.count);
  const sums = 50;
  const misjudged = unitOf(problem) * (((dimension + 6) * planCost) / epsilon + logarithms + sums);
  return misjudged * (planCost + 4 * largestCentredCost);
}

/** f = min (C - g), then g = min (C - f): feasible, and never worse than the g it started from. */
async function feasibleDual(
  problem: PlacedProblem,
  potentials: Potentials,
): Promise<{ value: number; margin: number }> {
  const { pairs, transposed, rows, columns, dimension, largestCentredCost } = problem;
  const rowTensor = cTransform(pairs, potentials.columns);
  const columnTensor = cTransform(transposed, rowTensor);
  const f = await rowTensor.read();
  const g = await columnTensor.read();
  const magnitude = (dimension + 6) * largestCentredCost + 2 * (largestMagnitude(f) + largestMagnitude(g));
  return { value: dot(rows.weights, f) + dot(columns.weights, g), margin: unitOf(problem) * magnitude };
}

function moments(
  weights: Float64Array,
  points: Float64Array,
  k: number,
  dimension: number,
): { first: number; second: number } {
  let first = 0;
  let second = 0;
  weights.forEach((weight, i) => {
    const value = points[i * dimension + k] ?? 0;
    first += weight * value;
    second += weight * value * value;
  });
  return { first, second };
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

const largestMagnitude = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

function distance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0);
}
