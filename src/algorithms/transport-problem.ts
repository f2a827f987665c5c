/** Transport problems as people state them, checked, centred in float64 and placed on a device. */
import { normalizedWeights } from '../data/weights';
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { packedWidth, packPoints, transposePairs, type GroundCost, type Pairs } from '../kernels/pairs';
import { largestCosts } from '../kernels/transport-dual';

interface Weighted {
  /** Mass of each row: not negative, summing to one. Uniform where it is left out. */
  readonly rowWeights?: ArrayLike<number> | undefined;
  /** Mass of each column. Uniform where it is left out. */
  readonly columnWeights?: ArrayLike<number> | undefined;
}

/** Two clouds of points; costs come from coordinates and are never stored. */
export interface PointProblem extends Weighted {
  /** Source points one after the other, `dimension` numbers each. */
  readonly x: ArrayLike<number>;
  /** Target points. */
  readonly y: ArrayLike<number>;
  readonly dimension: number;
  /** Default `squared-euclidean`: |x - y|^2, without a factor 1/2 (which `half-squared-euclidean` has). */
  readonly cost?: GroundCost;
}

/** A cost matrix. */
export interface MatrixProblem extends Weighted {
  /** C, row-major, `rows * columns` numbers. */
  readonly matrix: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
}

/** Move the mass of the rows to the columns at the least cost. */
export type TransportProblem = PointProblem | MatrixProblem;

/** One side of a problem on a device. Points without mass are left out. */
export interface Side {
  /** How many points carry mass. */
  readonly count: number;
  /** Which of the problem's points they are. */
  readonly support: Int32Array;
  /** How many points the problem has. */
  readonly total: number;
  /** Their weights in float64, summing to one. */
  readonly weights: Float64Array;
  readonly weightTensor: Tensor;
  readonly logWeights: Tensor;
  /** What centring took off the cost: C_ij = C'_ij + rows.offsets_i + columns.offsets_j. */
  readonly offsets: Float64Array;
  /** Coordinates after centring, as the device has them; undefined for a cost matrix. */
  readonly points: Float64Array | undefined;
}

/**
 * A problem on a device. The device works with a centred cost C' that differs from C by a term per row and a term per
 * column: the plan is the same, the potentials shift by these terms, and float32 keeps the digits that matter.
 */
export interface PlacedProblem {
  readonly device: Device;
  /** Pairs with the centred cost C', rows first. */
  readonly pairs: Pairs;
  /** The same pairs with columns first. */
  readonly transposed: Pairs;
  readonly rows: Side;
  readonly columns: Side;
  /** <P, C> - <P, C'> for every plan with the right marginals. */
  readonly costOffset: number;
  /** The largest C_ij. */
  readonly largestCost: number;
  /** The largest C'_ij. */
  readonly largestCentredCost: number;
  readonly cost: GroundCost | 'matrix';
  /**
   * C_ij of the i-th row and the j-th column with mass, in float64 and from the numbers as they were given: what bounds are
   * computed from that float32 must not touch. A matrix is not copied for it.
   */
  costOf(i: number, j: number): number;
  /** Coordinates of a point, 1 for a matrix. */
  readonly dimension: number;
  /** What centring took off the coordinates of x and of y; empty for a matrix. */
  readonly xShift: readonly number[];
  readonly yShift: readonly number[];
}

/**
 * Checks a problem and places it on a device, in the scope that is open there. Throws `InvalidInputError` for weights that
 * are negative, not finite or do not sum to one, and for coordinates or costs that are not finite.
 */
export async function placeProblem(device: Device, problem: TransportProblem): Promise<PlacedProblem> {
  return 'matrix' in problem ? placeMatrix(device, problem) : await placePoints(device, problem);
}

async function placePoints(device: Device, problem: PointProblem): Promise<PlacedProblem> {
  const { dimension, cost = 'squared-euclidean' } = problem;
  const rows = carriers(problem.rowWeights, countOf(problem.x, dimension, 'x'), 'row weights');
  const columns = carriers(problem.columnWeights, countOf(problem.y, dimension, 'y'), 'column weights');
  const x = select(problem.x, rows.support, dimension);
  const y = select(problem.y, columns.support, dimension);
  const costOf = costBetween(x.slice(), y.slice(), dimension, cost);
  const rowOffsets = new Float64Array(rows.support.length);
  const columnOffsets = new Float64Array(columns.support.length);
  const xMean = nearMean(x, rows.weights, dimension);
  const yMean = nearMean(y, columns.weights, dimension);
  const isSquared = cost === 'squared-euclidean' || cost === 'half-squared-euclidean';
  const factor = cost === 'half-squared-euclidean' ? 0.5 : 1;
  // Any other cost only allows one shift for both clouds.
  const xShift = isSquared ? xMean : xMean.map((value, k) => (value + (yMean[k] ?? 0)) / 2);
  const yShift = isSquared ? yMean : xShift;
  centre(x, xShift, device.kind);
  centre(y, yShift, device.kind);
  if (isSquared) {
    // |x - y|^2 = |x' - y'|^2 + 2 (x' - y') . d + |d|^2 with d the difference of the two shifts.
    for (let k = 0; k < dimension; k++) {
      const d = (xShift[k] ?? 0) - (yShift[k] ?? 0);
      for (let i = 0; i < rowOffsets.length; i++)
        rowOffsets[i] = (rowOffsets[i] ?? 0) + factor * (2 * d * (x[i * dimension + k] ?? 0) + d * d);
      for (let j = 0; j < columnOffsets.length; j++)
        columnOffsets[j] = (columnOffsets[j] ?? 0) - factor * 2 * d * (y[j * dimension + k] ?? 0);
    }
  }
  const width = packedWidth(dimension);
  const pairs: Pairs = {
    x: device.tensor(packPoints(x, dimension), [rows.support.length, width]),
    y: device.tensor(packPoints(y, dimension), [columns.support.length, width]),
    dimension,
    cost,
  };
  return {
    ...sides(
      device,
      pairs,
      { ...rows, offsets: rowOffsets, points: x },
      { ...columns, offsets: columnOffsets, points: y },
    ),
    largestCost: maximum(await largest(pairs, columnOffsets), rowOffsets),
    largestCentredCost: maximum(await largest(pairs, new Float64Array(columnOffsets.length))),
    cost,
    costOf,
    dimension,
    xShift,
    yShift,
  };
}

/** A cost matrix after centring, on the host. */
export interface CentredMatrix {
  readonly rows: Carriers;
  readonly columns: Carriers;
  /** C'_ij of the points with mass, `rows.count * columns.count`, not negative. */
  readonly centred: Float64Array;
  readonly rowOffsets: Float64Array;
  readonly columnOffsets: Float64Array;
  readonly largestCost: number;
}

/** Checks a problem with a cost matrix and takes off what rows and columns have in common. Throws `InvalidInputError` as `placeProblem`. */
export function centreMatrix(problem: MatrixProblem): CentredMatrix {
  const { matrix, rows: allRows, columns: allColumns } = problem;
  if (![allRows, allColumns].every((count) => Number.isInteger(count) && count >= 1)) {
    throw new InvalidInputError(
      `A cost matrix needs at least one row and one column, but has ${String(allRows)} x ${String(allColumns)}.`,
      { field: 'matrix' },
    );
  }
  if (matrix.length !== allRows * allColumns) {
    throw new InvalidInputError(
      `A cost matrix of ${String(allRows)} x ${String(allColumns)} needs ${String(allRows * allColumns)} numbers, but there are ${String(matrix.length)}.`,
      {
        field: 'matrix',
      },
    );
  }
  const rows = carriers(problem.rowWeights, allRows, 'row weights');
  const columns = carriers(problem.columnWeights, allColumns, 'column weights');
  const width = columns.support.length;
  const centred = new Float64Array(rows.support.length * width);
  let largestCost = -Infinity;
  rows.support.forEach((row, i) => {
    columns.support.forEach((column, j) => {
      const value = matrix[row * allColumns + column] ?? NaN;
      requireFinite(value, row * allColumns + column, 'matrix');
      centred[i * width + j] = value;
      largestCost = Math.max(largestCost, value);
    });
  });
  const rowOffsets = rows.weights.map((_, i) =>
    centred.subarray(i * width, (i + 1) * width).reduce((least, value) => Math.min(least, value), Infinity),
  );
  const columnOffsets = columns.weights.map((_, j) =>
    rowOffsets.reduce((least, offset, i) => Math.min(least, (centred[i * width + j] ?? 0) - offset), Infinity),
  );
  for (let at = 0; at < centred.length; at++) {
    centred[at] = (centred[at] ?? 0) - (rowOffsets[Math.floor(at / width)] ?? 0) - (columnOffsets[at % width] ?? 0);
  }
  return { rows, columns, centred, rowOffsets, columnOffsets, largestCost };
}

function placeMatrix(device: Device, problem: MatrixProblem): PlacedProblem {
  const { rows, columns, centred, rowOffsets, columnOffsets, largestCost } = centreMatrix(problem);
  const { matrix, columns: width } = problem;
  const pairs: Pairs = { matrix: device.tensor(centred, [rows.count, columns.count]) };
  return {
    ...sides(
      device,
      pairs,
      { ...rows, offsets: rowOffsets, points: undefined },
      { ...columns, offsets: columnOffsets, points: undefined },
    ),
    largestCost,
    largestCentredCost: maximum(centred),
    cost: 'matrix',
    costOf: (i, j) => matrix[(rows.support[i] ?? NaN) * width + (columns.support[j] ?? NaN)] ?? NaN,
    dimension: 1,
    xShift: [],
    yShift: [],
  };
}

/** The matrix of a problem of points, in float64 on the host. */
export function matrixOf(problem: TransportProblem): MatrixProblem {
  if ('matrix' in problem) return problem;
  const { x, y, dimension, cost = 'squared-euclidean', rowWeights, columnWeights } = problem;
  const [rows, columns] = [countOf(x, dimension, 'x'), countOf(y, dimension, 'y')];
  const costOf = costBetween(x, y, dimension, cost);
  const matrix = Float64Array.from({ length: rows * columns }, (_, at) =>
    costOf(Math.floor(at / columns), at % columns),
  );
  return { matrix, rows, columns, rowWeights, columnWeights };
}

/** C_ij between points, in float64. */
function costBetween(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  dimension: number,
  cost: GroundCost,
): (i: number, j: number) => number {
  return (i, j) => {
    let total = 0;
    for (let k = 0; k < dimension; k++) {
      const difference = (x[i * dimension + k] ?? 0) - (y[j * dimension + k] ?? 0);
      total += cost === 'manhattan' ? Math.abs(difference) : difference * difference;
    }
    if (cost === 'half-squared-euclidean') return total / 2;
    return cost === 'euclidean' ? Math.sqrt(total) : total;
  };
}

type Carriers = Pick<Side, 'count' | 'support' | 'total' | 'weights'>;

function sides(
  device: Device,
  pairs: Pairs,
  rows: Carriers & Pick<Side, 'offsets' | 'points'>,
  columns: Carriers & Pick<Side, 'offsets' | 'points'>,
): Pick<PlacedProblem, 'device' | 'pairs' | 'transposed' | 'rows' | 'columns' | 'costOffset'> {
  const place = (side: typeof rows): Side => ({
    ...side,
    weightTensor: device.tensor(side.weights, [side.count]),
    logWeights: device.tensor(side.weights.map(Math.log), [side.count]),
  });
  return {
    device,
    pairs,
    transposed: transposePairs(pairs),
    rows: place(rows),
    columns: place(columns),
    costOffset: dot(rows.weights, rows.offsets) + dot(columns.weights, columns.offsets),
  };
}

/** The largest C'_ij + term_j of every row. */
async function largest(pairs: Pairs, terms: Float64Array): Promise<ArrayLike<number>> {
  const { device } = 'matrix' in pairs ? pairs.matrix : pairs.x;
  using _scope = device.scope();
  const result = largestCosts(pairs, device.tensor(terms, [terms.length]));
  const values = await result.read();
  return values;
}

/** The points with mass. Throws `InvalidInputError` for weights that are none. */
function carriers(given: ArrayLike<number> | undefined, total: number, name: string): Carriers {
  if (given !== undefined && given.length !== total) {
    throw new InvalidInputError(
      `There are ${String(given.length)} ${name} for ${String(total)} points: give one each.`,
      { field: name },
    );
  }
  const weights = given === undefined ? new Float64Array(total).fill(1 / total) : normalizedWeights(given, { name });
  const support = Int32Array.from(weights.keys()).filter((index) => (weights[index] ?? 0) > 0);
  return { count: support.length, support, total, weights: Float64Array.from(support, (index) => weights[index] ?? 0) };
}

function countOf(points: ArrayLike<number>, dimension: number, name: string): number {
  const count = points.length / dimension;
  if (!Number.isInteger(dimension) || dimension < 1 || !Number.isInteger(count) || count < 1) {
    throw new InvalidInputError(
      `${name} holds ${String(points.length)} numbers, which is not a cloud of points of ${String(dimension)} coordinates.`,
      { field: name },
    );
  }
  for (let at = 0; at < points.length; at++) requireFinite(points[at] ?? NaN, at, name);
  return count;
}

/** Squares of larger numbers leave float32. */
const largestMagnitude = 1e15;

function requireFinite(value: number, index: number, name: string): void {
  if (!(Math.abs(value) <= largestMagnitude)) {
    throw new InvalidInputError(
      `${name} holds ${String(value)} at index ${String(index)}: every number must be finite and at most 1e15.`,
      { field: name, index },
    );
  }
}

function select(points: ArrayLike<number>, support: Int32Array, dimension: number): Float64Array {
  const selected = new Float64Array(support.length * dimension);
  support.forEach((index, i) => {
    for (let k = 0; k < dimension; k++) selected[i * dimension + k] = points[index * dimension + k] ?? 0;
  });
  return selected;
}

/**
 * The mean of a cloud in few digits, about a 256th of its extent: float32 coordinates minus such a number have float32 digits
 * again, so that centring rounds next to nothing.
 */
function nearMean(points: Float64Array, weights: Float64Array, dimension: number): number[] {
  return Array.from({ length: dimension }, (_, k) => {
    const mean = weights.reduce((sum, weight, i) => sum + weight * (points[i * dimension + k] ?? 0), 0);
    let extent = 0;
    for (let at = k; at < points.length; at += dimension) extent = Math.max(extent, Math.abs((points[at] ?? 0) - mean));
    const step = 2 ** (Math.ceil(Math.log2(extent)) - 8);
    return step > 0 ? Math.round(mean / step) * step : mean;
  });
}

function centre(points: Float64Array, shift: readonly number[], kind: Device['kind']): void {
  for (let at = 0; at < points.length; at++) {
    const value = (points[at] ?? 0) - (shift[at % shift.length] ?? 0);
    points[at] = kind === 'webgpu' ? Math.fround(value) : value;
  }
}

function maximum(values: ArrayLike<number>, terms?: ArrayLike<number>): number {
  let result = -Infinity;
  for (let i = 0; i < values.length; i++) result = Math.max(result, (values[i] ?? 0) + (terms?.[i] ?? 0));
  return result;
}

/** The inner product of two vectors. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
