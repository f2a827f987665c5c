/** Clouds of points in the plane: seeded shapes, the dark pixels of a photograph, and points that a person brings. */
import { tableSamples } from '../data/tables';
import { InvalidInputError } from '../device/errors';
import { Philox } from '../kernels/random';
import { boxOf, isOnSheet, planarPointsOf } from './own-points';
import type { NumericMatrix, PaintSheet, Photograph } from './parameters';

const shapes = { discs: 'two discs', ring: 'ring', spiral: 'spiral', cross: 'cross' } as const;

type ShapeName = keyof typeof shapes;

/** Clouds to choose from, by name. */
export const clouds = { ...shapes, photograph: 'dark pixels of the photograph' } as const;

/** What clouds lie on, and what a person paints on. */
const unitSheet: PaintSheet = { x: [0, 1], y: [0, 1] };

/** What the parameters of points are declared with. */
export const ownPoints = {
  help: 'In place of the cloud chosen above: x and y. Outside the unit square they are scaled into it.',
  default: null,
  samples: tableSamples('airports', 'capitals'),
  paint: unitSheet,
} as const;

/** Where clouds come from. */
export interface CloudSources {
  readonly photograph: Photograph;
  /** Points of a person's own, if there are some, in place of the cloud that is named. */
  readonly points: NumericMatrix | undefined;
  readonly count: number;
  readonly seed: number;
}

/** A cloud in the unit square, x and y one after the other; `stream` tells two clouds of one seed apart. */
export function cloudOf(
  name: keyof typeof clouds,
  { photograph, points, count, seed }: CloudSources,
  stream: number,
): Float64Array<ArrayBuffer> {
  if (points !== undefined) return matrixPoints(points, count, stream === 0 ? 'sourcePoints' : 'targetPoints');
  if (name === 'photograph') return darkPoints(photograph, count, seed, stream);
  return shapePoints(name, count, seed, stream);
}

type Point = readonly [x: number, y: number];

const turn = 2 * Math.PI;

const makers: Readonly<Record<ShapeName, (random: Philox, share: number) => Point>> = {
  discs(random, share) {
    const [radius, angle] = [0.16 * Math.sqrt(random.uniform()), turn * random.uniform()];
    const [x, y] = share < 0.5 ? [0.25, 0.3] : [0.75, 0.3];
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  },
  ring(random) {
    const [radius, angle] = [0.36 + 0.08 * random.uniform(), turn * random.uniform()];
    return [0.5 + radius * Math.cos(angle), 0.5 + radius * Math.sin(angle)];
  },
  spiral(random) {
    const way = Math.sqrt(random.uniform());
    const [radius, angle] = [0.44 * way + 0.02 * random.uniform(), 2 * turn * way];
    return [0.5 + radius * Math.cos(angle), 0.5 + radius * Math.sin(angle)];
  },
  cross(random, share) {
    const [along, across] = [0.08 + 0.84 * random.uniform(), 0.42 + 0.16 * random.uniform()];
    return share < 0.5 ? [along, across] : [across, along];
  },
};

function shapePoints(name: ShapeName, count: number, seed: number, stream: number): Float64Array<ArrayBuffer> {
  const random = new Philox(seed, stream);
  const points = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) points.set(makers[name](random, (i + 0.5) / count), 2 * i);
  return points;
}

/** `count` points where a photograph is dark: a pixel is drawn as often as it is darker than the mean. Throws `InvalidInputError` where none is. */
function darkPoints(
  { name, width, height, pixels }: Photograph,
  count: number,
  seed: number,
  stream: number,
): Float64Array<ArrayBuffer> {
  const random = new Philox(seed, stream);
  const light = Float64Array.from({ length: width * height }, (_, at) => {
    const alpha = (pixels[4 * at + 3] ?? 255) / 255;
    const grey =
      0.2126 * (pixels[4 * at] ?? 0) + 0.7152 * (pixels[4 * at + 1] ?? 0) + 0.0722 * (pixels[4 * at + 2] ?? 0);
    return alpha * grey + 255 * (1 - alpha);
  });
  const mean = light.reduce((sum, value) => sum + value, 0) / light.length;
  let sum = 0;
  const sums = light.map((value) => (sum += Math.max(0, mean - value) ** 2));
  if (!(sum > 0)) {
    throw new InvalidInputError(`${name} has no pixel darker than the others: choose another photograph.`, {
      field: 'photograph',
    });
  }
  const side = Math.max(width, height);
  const points = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    const wanted = sum * random.uniform();
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    const column = (low % width) + random.uniform();
    const row = Math.floor(low / width) + random.uniform();
    points.set([0.5 + (column - width / 2) / side, 0.5 - (row - height / 2) / side], 2 * i);
  }
  return points;
}

/**
 * The first two columns of a matrix as points: where they are if they lie on the sheet, as painted ones do, else scaled into it
 * with their proportions; evenly thinned where there are more than `most`.
 */
function matrixPoints(matrix: NumericMatrix, most: number, field: string): Float64Array<ArrayBuffer> {
  const all = planarPointsOf(matrix, field);
  const count = Math.min(matrix.rows, most);
  const values = Float64Array.from(
    { length: 2 * count },
    (_, at) => all.values[2 * Math.floor((Math.floor(at / 2) * matrix.rows) / count) + (at % 2)] ?? NaN,
  );
  if (isOnSheet(all, unitSheet)) return values;
  const box = boxOf(all);
  const side = Math.max(...box.map(([low, high]) => high - low)) || 1;
  return values.map((value, at) => {
    const [low, high] = box[at % 2] ?? [0, 0];
    return 0.5 + (0.9 * (value - (low + high) / 2)) / side;
  });
}

/** The root mean square distance of points in the plane from their mean. */
export function spreadOf(points: ArrayLike<number>): number {
  const count = points.length / 2;
  const mean = [0, 0];
  for (let at = 0; at < points.length; at++) mean[at % 2] = (mean[at % 2] ?? 0) + (points[at] ?? 0) / count;
  let sum = 0;
  for (let at = 0; at < points.length; at++) sum += ((points[at] ?? 0) - (mean[at % 2] ?? 0)) ** 2;
  return Math.sqrt(sum / count);
}
