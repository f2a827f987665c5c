/** What kernels over pairs of points share: which pairs, their cost, how rows and columns are split over workgroups. */
import { InvalidInputError } from '../device/errors';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32, type Uniforms } from '../device/uniforms';
import type { ReferenceTensor } from '../device/reference-device';
import type { DispatchRequest, GpuTensor } from '../device/webgpu-device';

/**
 * The cost of moving a unit of mass from x to y: |x - y|^2 (without a factor 1/2), |x - y|^2 / 2, |x - y|, or the sum of
 * |x_k - y_k|.
 */
export type GroundCost = 'squared-euclidean' | 'half-squared-euclidean' | 'euclidean' | 'manhattan';

/** Pairs of points whose costs are computed from their coordinates whenever they are needed. */
export interface PointPairs<T extends Tensor = Tensor> {
  /** `[rows, 4 * ceil(dimension / 4)]`: points as `packPoints` packs them. */
  readonly x: T;
  /** `[columns, 4 * ceil(dimension / 4)]`. */
  readonly y: T;
  /** Coordinates of a point. */
  readonly dimension: number;
  /** Default `squared-euclidean`. */
  readonly cost?: GroundCost;
}

/** Pairs whose costs stand in a matrix. */
export interface MatrixPairs<T extends Tensor = Tensor> {
  /** `[rows, columns]`, or `[columns, rows]` where it is `transposed`. */
  readonly matrix: T;
  readonly transposed?: boolean;
}

/** Pairs (i, j) with a cost C_ij. */
export type Pairs<T extends Tensor = Tensor> = PointPairs<T> | MatrixPairs<T>;

/** Packs points for `PointPairs`: each padded with zeros to a whole number of four coordinates. */
export function packPoints(points: ArrayLike<number>, dimension: number): Float64Array<ArrayBuffer> {
  const count = points.length / dimension;
  if (!Number.isInteger(count) || count < 1) {
    throw new InvalidInputError(
      `${String(points.length)} numbers are not points of ${String(dimension)} coordinates.`,
      { field: 'dimension' },
    );
  }
  const width = packedWidth(dimension);
  const packed = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < dimension; k++) packed[i * width + k] = points[i * dimension + k] ?? 0;
  }
  return packed;
}

/** Numbers that a packed point takes. */
export const packedWidth = (dimension: number): number => 4 * Math.ceil(dimension / 4);

/** The same pairs seen from the columns. */
export function transposePairs<T extends Tensor>(pairs: Pairs<T>): Pairs<T> {
  if ('matrix' in pairs) return { ...pairs, transposed: !(pairs.transposed ?? false) };
  return { ...pairs, x: pairs.y, y: pairs.x };
}

/** `[rows, columns]`. Throws `InvalidInputError` for tensors that are not packed points of one dimension. */
export function pairsShape(pairs: Pairs): [rows: number, columns: number] {
  if ('matrix' in pairs) {
    const [rows, columns] = matrixShape(pairs.matrix, 'the cost matrix');
    return pairs.transposed === true ? [columns, rows] : [rows, columns];
  }
  const [rows, width] = matrixShape(pairs.x, 'x');
  const [columns, otherWidth] = matrixShape(pairs.y, 'y');
  const expected = packedWidth(pairs.dimension);
  if (width !== expected || otherWidth !== expected) {
    throw new InvalidInputError(
      `Points of ${String(pairs.dimension)} coordinates take ${String(expected)} numbers each, but x has ${String(width)} and y ${String(otherWidth)}: pack them with packPoints.`,
      { field: 'dimension' },
    );
  }
  return [rows, columns];
}

/** Whether a potential is split in two, `[n, 2]`: a multiple of a power of two, and what is to be added to it. */
export const isSplit = (potential: Tensor): boolean => potential.shape.length === 2 && potential.shape[1] === 2;

/** Throws `InvalidInputError` unless a potential has one value (`[n]`) or one split value (`[n, 2]`) per row or column. */
export function requirePotential(potential: Tensor, length: number, name: string): void {
  requireLength(potential, isSplit(potential) ? 2 * length : length, name);
}

/** The values of a potential, split or not. */
export function potentialValues(data: ArrayLike<number>, split: boolean): Float64Array<ArrayBuffer> {
  if (!split) return Float64Array.from(data);
  return Float64Array.from({ length: data.length / 2 }, (_, i) => (data[2 * i] ?? NaN) + (data[2 * i + 1] ?? NaN));
}

/** The values of a potential on the reference device. */
export const referencePotential = (potential: ReferenceTensor): Float64Array<ArrayBuffer> =>
  potentialValues(potential.data, isSplit(potential));

/** Throws `InvalidInputError` unless a vector has one element per row (or column). */
export function requireLength(tensor: Tensor, length: number, name: string): void {
  if (tensor.size !== length) {
    throw new InvalidInputError(`${name} has ${String(tensor.size)} elements instead of ${String(length)}.`, {
      field: name,
    });
  }
}

/** Arithmetic for one cost, for the cost model: multiply, add, subtract. */
export function costFlops(pairs: Pairs): number {
  return 'matrix' in pairs ? 1 : 3 * pairs.dimension;
}

/** Invocations of a workgroup. */
const GROUP = 64;

/** How the rows and columns of a pass over all pairs are split: a function of the shape alone, so results repeat bit by bit. */
export interface Split {
  readonly workgroups: readonly [number, number];
  /** Columns of one workgroup. */
  readonly chunk: number;
  readonly chunks: number;
}

/** The most chunks of a pass over many rows: partial sums take memory in proportion to the rows, however many columns there are. */
const mostChunks = 64;

/**
 * Splits a pass whose invocations take so many rows each. Chunks of about `largestChunk` columns keep a workgroup short; few
 * rows give shorter chunks, so that all cores work.
 */
export function splitPairs(rows: number, columns: number, largestChunk = 1024, rowsPerInvocation = 4): Split {
  const rowGroups = Math.ceil(rows / (rowsPerInvocation * GROUP));
  const wanted = 2 ** Math.ceil(Math.log2((columns * rowGroups) / 256));
  const chunk =
    wanted <= largestChunk
      ? Math.max(512 / rowsPerInvocation, wanted)
      : Math.max(largestChunk, Math.ceil(columns / mostChunks));
  const chunks = Math.ceil(columns / chunk);
  return { workgroups: [rowGroups, chunks], chunk, chunks };
}

/** Conditions, constants, uniforms and inputs that the shaders of `transport/pairs` take. */
export function pairsDispatch(
  pairs: Pairs<GpuTensor>,
  rowPotential: GpuTensor,
  columnPotential: GpuTensor,
  options: { readonly epsilon?: number; readonly chunk?: number; readonly picture?: readonly [number, number] } = {},
): Required<Pick<DispatchRequest, 'conditions' | 'constants' | 'reads'>> & { readonly uniforms: Uniforms } {
  const { epsilon = 1, chunk = 0, picture = [0, 0] } = options;
  const [rows, columns] = pairsShape(pairs);
  requirePotential(rowPotential, rows, 'the row potential');
  requirePotential(columnPotential, columns, 'the column potential');
  if (isSplit(rowPotential) !== isSplit(columnPotential)) {
    throw new InvalidInputError('One potential is split in two and the other is not: give both in the same form.');
  }
  const isDense = 'matrix' in pairs;
  const isTransposed = isDense && pairs.transposed === true;
  const cost = isDense ? undefined : pairs.cost;
  const dimension = isDense ? 1 : pairs.dimension;
  return {
    conditions: {
      dense: isDense,
      split: isSplit(rowPotential),
      wide: dimension > 4,
      euclidean: cost === 'euclidean',
      half: cost === 'half-squared-euclidean',
      manhattan: cost === 'manhattan',
    },
    constants: { DIMENSION: dimension, GROUP },
    uniforms: {
      rows: u32(rows),
      columns: u32(columns),
      chunk: u32(chunk),
      inverseEpsilon: f32(1 / epsilon),
      rowStride: u32(isTransposed ? 1 : columns),
      columnStride: u32(isTransposed ? rows : 1),
      pictureRows: u32(picture[0]),
      pictureColumns: u32(picture[1]),
    },
    reads: isDense
      ? [pairs.matrix, rowPotential, columnPotential, columnPotential]
      : [pairs.x, rowPotential, pairs.y, columnPotential],
  };
}

/** C_ij in float64. */
export function referenceCost(pairs: Pairs<ReferenceTensor>): (i: number, j: number) => number {
  const [rows, columns] = pairsShape(pairs);
  if ('matrix' in pairs) {
    const { data } = pairs.matrix;
    return pairs.transposed === true ? (i, j) => data[j * rows + i] ?? 0 : (i, j) => data[i * columns + j] ?? 0;
  }
  const { dimension, cost = 'squared-euclidean' } = pairs;
  const width = packedWidth(dimension);
  const x = pairs.x.data;
  const y = pairs.y.data;
  return (i, j) => {
    let total = 0;
    for (let k = 0; k < dimension; k++) {
      const difference = (x[i * width + k] ?? 0) - (y[j * width + k] ?? 0);
      total += cost === 'manhattan' ? Math.abs(difference) : difference * difference;
    }
    if (cost === 'half-squared-euclidean') return total / 2;
    return cost === 'euclidean' ? Math.sqrt(total) : total;
  };
}
