/**
 * An interval that certainly holds the exact, unregularised cost of a transport problem. Above: the plan, rounded to one
 * with exact marginals (Altschuler, Weed and Rigollet 2017, algorithm 2). Below: dual potentials made feasible by
 * c-transforms. Both ends are moved outwards by what rounding may have done to them.
 */
import { logSumExpOverPairs, type Potentials } from '../kernels/transport';
import { cTransform } from '../kernels/transport-dual';
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
}

/**
 * Certifies a problem from any potentials; the better they are, the narrower the interval. Takes six passes over the pairs.
 * Allocates in the scope that is open and frees it.
 */
export async function certifyTransport(
  problem: PlacedProblem,
  potentials: Potentials,
  epsilon: number,
): Promise<TransportCertificate> {
  const { device } = problem;
  using _scope = device.scope();
  const above = await roundPlan(problem, potentials, epsilon);
  const below = await feasibleDual(problem, potentials);
  const { costOffset } = problem;
  return {
    lower: below.value - below.margin + costOffset,
    upper: above.cost + above.margin + costOffset,
    roundedCost: above.cost + costOffset,
    marginalError: above.marginalError,
    lowerMargin: below.margin,
    upperMargin: above.margin,
  };
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
