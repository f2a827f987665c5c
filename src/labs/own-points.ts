/** Points that a person or a table brings, one a row: where they are put among a lab's own. */
import { InvalidInputError } from '../device/errors';
import type { NumericMatrix, PaintSheet } from './parameters';

/** Points of one dimension, coordinates one after the other. */
export interface PointSet {
  readonly values: Float64Array<ArrayBuffer>;
  readonly dimension: number;
}

/** Moves and scales coordinates, axis by axis. */
interface Placement {
  readonly centers: readonly number[];
  readonly units: readonly number[];
}

/** Columns are of different units where one varies this many times as much as another. */
const differentUnits = 4;

/**
 * A matrix's points; where its columns are longitude and latitude, on a map of Mercator, so that proportions are right. Throws `InvalidInputError` for fewer points than `least` and for coordinates that are no numbers of ordinary size.
 */
export function pointsOf(matrix: NumericMatrix, field: string, least = 1): PointSet {
  const { name, rows, columns, values, columnNames } = matrix;
  if (rows < least || values.some((value) => !(Math.abs(value) <= 1e18))) {
    throw new InvalidInputError(
      `${name} must hold ${least} points or more, with coordinates that are numbers of ordinary size, one point in each row.`,
      { field },
    );
  }
  if (columnNames?.[0] !== 'longitude' || columnNames[1] !== 'latitude') return { values, dimension: columns };
  return { values: values.map((value, at) => (at % columns === 1 ? mercator(value) : value)), dimension: columns };
}

/** How far up a map of Mercator a latitude is, in degrees of longitude: a degree is as long either way, wherever it is. */
function mercator(latitude: number): number {
  const angle = (Math.min(85, Math.max(-85, latitude)) * Math.PI) / 180;
  return (180 / Math.PI) * Math.log(Math.tan(Math.PI / 4 + angle / 2));
}

/** The first two coordinates of points. Throws `InvalidInputError` where there is one only. */
export function planarPointsOf(matrix: NumericMatrix, field: string): PointSet {
  const { columns } = matrix;
  if (columns < 2) {
    throw new InvalidInputError(`${matrix.name} has one column, but points need two: x and y.`, { field });
  }
  const { values } = pointsOf(matrix, field);
  return { values: values.filter((_, at) => at % columns < 2), dimension: 2 };
}

/** True for points in the plane that all lie on a sheet and are wider than a twentieth of it: as painted points are. */
export function isOnSheet({ values, dimension }: PointSet, { x, y }: PaintSheet): boolean {
  if (dimension !== 2) return false;
  const isInside = values.every((value, at) => {
    const [low, high] = at % 2 === 0 ? x : y;
    return value >= low && value <= high;
  });
  return isInside && Math.max(...momentsOf(values, 2).deviations) > (x[1] - x[0]) / 20;
}

/** True if the boxes around two sets of points meet: they may well be in one system of coordinates. */
export function doBoxesMeet(one: PointSet, other: PointSet): boolean {
  const [a, b] = [boxOf(one), boxOf(other)];
  return (
    a.length === b.length &&
    a.every(([low, high], axis) => low <= (b[axis]?.[1] ?? NaN) && high >= (b[axis]?.[0] ?? NaN))
  );
}

/** Lowest and highest coordinate along every axis. */
export function boxOf({ values, dimension }: PointSet): (readonly [low: number, high: number])[] {
  return Array.from({ length: dimension }, (_, axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let at = axis; at < values.length; at += dimension) {
      low = Math.min(low, values[at] ?? NaN);
      high = Math.max(high, values[at] ?? NaN);
    }
    return [low, high] as const;
  });
}

/**
 * What gives points mean zero and a variance of one on average over the axes; the proportions are kept unless columns are of
 * different units, or `isEachAlone` says so, and get a variance of one each.
 */
export function standardPlacement({ values, dimension }: PointSet, isEachAlone = false): Placement {
  const { means, deviations } = momentsOf(values, dimension);
  const [least, most] = [Math.min(...deviations), Math.max(...deviations)];
  const common = Math.sqrt(deviations.reduce((sum, deviation) => sum + deviation ** 2, 0) / dimension);
  const units = deviations.map((deviation) => (isEachAlone || most > differentUnits * least ? deviation : common) || 1);
  return { centers: means, units };
}

/** Coordinates less the centre, in units. */
export function place({ values, dimension }: PointSet, { centers, units }: Placement): Float64Array<ArrayBuffer> {
  return values.map((value, at) => (value - (centers[at % dimension] ?? 0)) / (units[at % dimension] ?? 1));
}

function momentsOf(values: Float64Array, dimension: number) {
  const count = values.length / dimension;
  const [means, squares] = [new Array<number>(dimension).fill(0), new Array<number>(dimension).fill(0)];
  values.forEach((value, at) => (means[at % dimension] = (means[at % dimension] ?? 0) + value / count));
  values.forEach((value, at) => {
    squares[at % dimension] = (squares[at % dimension] ?? 0) + (value - (means[at % dimension] ?? 0)) ** 2 / count;
  });
  return { means, deviations: squares.map(Math.sqrt) };
}
