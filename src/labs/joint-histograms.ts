/** Joint histograms of two columns of a table, group by group, or of planted product-form atoms; and how they are shown. */
import { InvalidInputError } from '../device/errors';
import { Philox } from '../kernels/random';
import type { ImageFrame } from './frames';
import { massPicture } from './mass-pictures';
import type { NumericMatrix } from './parameters';

/** What is learned from, and what it should have been. */
export interface JointData {
  /** What runs from top to bottom, and from left to right. */
  readonly quantities: readonly [string, string];
  readonly side: number;
  /** Learned from: few samples, shifted. */
  readonly histograms: readonly Float64Array[];
  /** The same without either. */
  readonly clean: readonly Float64Array[];
  /** The atoms behind the histograms, where they are known. */
  readonly planted: readonly Float64Array[];
}

/** How histograms are made. */
export interface JointChoice {
  readonly side: number;
  readonly groups: number;
  /** Standard deviation of the shift of a histogram (of each of its parts, where atoms are planted); the side is 1. */
  readonly shift: number;
  /** At most so many points are drawn for a histogram. */
  readonly samples: number;
  readonly seed: number;
}

/** Columns of a table, counted from 1. */
export interface JointColumns {
  readonly first: number;
  readonly second: number;
  readonly group: number;
}

type Place = readonly [number, number];

/** The histograms that the lab's parameters ask for. Errors as for `tableHistograms`. */
export function jointHistograms(
  params: JointChoice &
    JointColumns & {
      readonly source: 'table' | 'planted';
      readonly table: NumericMatrix | undefined;
      readonly atoms: number;
    },
): JointData {
  return params.source === 'table'
    ? tableHistograms(params.table, params, params)
    : plantedHistograms(params.atoms, params);
}

/**
 * One histogram for each of the equal parts that the range of a column is cut into; parts without rows are left out. Throws
 * `InvalidInputError` for a table without such columns or without rows.
 */
function tableHistograms(table: NumericMatrix | undefined, columns: JointColumns, choice: JointChoice): JointData {
  if (table === undefined)
    throw new InvalidInputError('There is no table: choose one or bring a file.', { field: 'table' });
  const { side, groups, shift, samples, seed } = choice;
  const [first, second, group] = [columns.first, columns.second, columns.group].map((column) => scaled(table, column));
  const parts = Array.from({ length: groups }, (): Place[] => []);
  first?.forEach((x, row) => {
    const part = Math.min(groups - 1, Math.floor((group?.[row] ?? 0) * groups));
    parts[part]?.push([x, second?.[row] ?? 0]);
  });
  const random = new Philox(seed, 21);
  const filled = parts.filter((points) => points.length > 0);
  const drawn = filled.map((points) => {
    const kept = samples < points.length ? Array.from(random.sample(samples, points.length)) : points.map((_, i) => i);
    const [x, y] = [shift * random.normal(), shift * random.normal()];
    return kept.map((i): Place => [(points[i]?.[0] ?? 0) + x, (points[i]?.[1] ?? 0) + y]);
  });
  const name = (column: number): string => table.columnNames?.[column - 1] ?? `column ${String(column)}`;
  return {
    quantities: [name(columns.first), name(columns.second)],
    side,
    histograms: drawn.map((points) => histogram(points, side)),
    clean: filled.map((points) => histogram(points, side)),
    planted: [],
  };
}

const centers: readonly Place[] = [
  [0.25, 0.25],
  [0.7, 0.35],
  [0.4, 0.75],
  [0.8, 0.8],
  [0.15, 0.55],
  [0.5, 0.1],
];
const deviation = 0.07;

/** Mixtures of Gaussians of product form, each part shifted on its own, as samples show them (Rolet, Cuturi and Peyré 2016). */
export function plantedHistograms(atoms: number, choice: JointChoice): JointData {
  const { side, groups, shift, samples, seed } = choice;
  const random = new Philox(seed, 22);
  const used = centers.slice(0, atoms);
  const planted = used.map((center) => gaussian(center, side));
  const [histograms, clean]: [Float64Array[], Float64Array[]] = [[], []];
  for (let i = 0; i < groups; i++) {
    const parts = used.map(() => -Math.log(1 - random.uniform()));
    const total = parts.reduce((sum, part) => sum + part, 0);
    const codes = parts.map((part) => part / total);
    const shifted = used.map(([x, y]): Place => [x + shift * random.normal(), y + shift * random.normal()]);
    const points = Array.from({ length: samples }, (): Place => {
      let left = random.uniform();
      const part = codes.findIndex((code) => (left -= code) < 0);
      const [x, y] = shifted.at(part) ?? [0, 0];
      return [x + deviation * random.normal(), y + deviation * random.normal()];
    });
    histograms.push(histogram(points, side));
    clean.push(
      Float64Array.from({ length: side * side }, (_, at) =>
        planted.reduce((sum, atom, k) => sum + (codes[k] ?? 0) * (atom[at] ?? 0), 0),
      ),
    );
  }
  return { quantities: ['first quantity', 'second quantity'], side, histograms, clean, planted };
}

/** A column from 0 to 1. */
function scaled({ rows, columns, values, name }: NumericMatrix, column: number): Float64Array {
  if (column > columns || rows === 0) {
    const message = `There is no column ${String(column)} in ${name}: it has ${String(rows)} rows of ${String(columns)} columns.`;
    throw new InvalidInputError(message, { field: 'table' });
  }
  const numbers = Float64Array.from({ length: rows }, (_, row) => values[row * columns + column - 1] ?? NaN);
  const [low, high] = numbers.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
  if (!(Number.isFinite(low) && Number.isFinite(high)))
    throw new InvalidInputError(`Column ${String(column)} of ${name} is not all numbers.`, { field: 'table' });
  return numbers.map((x) => (high > low ? (x - low) / (high - low) : 0.5));
}

/** Points counted on the grid, those outside at its border. */
function histogram(points: readonly Place[], side: number): Float64Array {
  const counts = new Float64Array(side * side);
  const place = (x: number): number => Math.round(Math.min(1, Math.max(0, x)) * (side - 1));
  for (const [x, y] of points) counts[place(x) * side + place(y)] = (counts[place(x) * side + place(y)] ?? 0) + 1;
  return counts.map((count) => count / points.length);
}

function gaussian([x, y]: Place, side: number): Float64Array {
  const masses = Float64Array.from({ length: side * side }, (_, at) => {
    const [a, b] = [Math.floor(at / side) / (side - 1), (at % side) / (side - 1)];
    return Math.exp(-((a - x) ** 2 + (b - y) ** 2) / (2 * deviation ** 2));
  });
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  return masses.map((mass) => mass / total);
}

/** Histograms in a square of rows and columns, each scaled to its largest mass. */
export function sheet(slot: string, histograms: readonly Float64Array[], side: number, note?: string): ImageFrame {
  const columns = Math.ceil(Math.sqrt(histograms.length));
  const [width, height] = [columns, Math.ceil(histograms.length / columns)].map((count) => count * (side + 1) - 1);
  const grid = { width: width ?? 0, height: height ?? 0, masses: new Float64Array((width ?? 0) * (height ?? 0)) };
  histograms.forEach((values, k) => {
    const most = values.reduce((largest, mass) => Math.max(largest, mass), 1e-300);
    const first = Math.floor(k / columns) * (side + 1) * grid.width + (k % columns) * (side + 1);
    values.forEach((mass, at) => {
      grid.masses[first + Math.floor(at / side) * grid.width + (at % side)] = mass / most;
    });
  });
  return massPicture(slot, grid, undefined, note);
}

/** A few of many, evenly spread. */
export function some<T>(items: readonly T[], most: number): T[] {
  const count = Math.min(most, items.length);
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]).filter(
    (item) => item !== undefined,
  );
}
