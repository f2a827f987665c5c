/** Labelled points in the plane for the classification lab: from a table, a person's file or a painting. */
import { tableSamples } from '../data/tables';
import { InvalidInputError } from '../device/errors';
import { isOnSheet, place, pointsOf, standardPlacement } from './own-points';
import { integer, type NumericMatrix, type PaintSheet } from './parameters';

/** Names and colours of the classes that are made or painted. */
export const classColors = { orange: [226, 112, 32], blue: [36, 120, 200], green: [40, 150, 90] } as const;

const sheet: PaintSheet = {
  x: [-1, 1],
  y: [-1, 1],
  classes: Object.fromEntries(Object.entries(classColors).map(([name, rgb]) => [name, `rgb(${rgb.join(' ')})`])),
};

/** What the parameter of a table of classes is declared with. */
export const ownClasses = {
  label: 'classes of your own',
  help: 'In place of the classes above: columns of numbers, the class (0, 1, 2) in the last.',
  default: null,
  samples: tableSamples('penguins', 'cars'),
  paint: sheet,
} as const;

/** A parameter that picks a column of the table. */
export const columnParameter = (label: string, value: number) =>
  integer({ label, help: 'which column of the table, from 1', min: 1, max: 32, default: value });

/** What the numbers in the class column stand for, by that column's name. */
const classWords: Readonly<Record<string, readonly string[]>> = {
  species: ['Adelie', 'Chinstrap', 'Gentoo'],
  origin: ['USA', 'Europe', 'Japan'],
};

/** Labelled clouds. */
export interface LabelledClouds {
  readonly classes: readonly Float64Array[];
  readonly names: readonly string[];
  /** What the axes are. */
  readonly axes: readonly [x: string, y: string];
}

/**
 * Two columns of a table, split by its last one: at most `most` points of each class, evenly over their order. Points that lie on the
 * sheet stay, as painted ones do; others are given mean zero and variance one along each axis. Throws `InvalidInputError`
 * for a table without such columns, and for one of fewer than two or more than three classes.
 */
export function labelledClouds(
  table: NumericMatrix,
  [xColumn, yColumn]: readonly [x: number, y: number],
  most: number,
): LabelledClouds {
  const { rows, columns, columnNames } = table;
  if (columns < 3 || Math.max(xColumn, yColumn) >= columns) {
    throw new InvalidInputError(
      `${table.name} has ${columns} columns: the last is the class, so x and y must be among the first ${Math.max(2, columns - 1)}.`,
      { field: 'table' },
    );
  }
  const { values } = pointsOf(table, 'table', 2);
  const at = (row: number, column: number): number => values[row * columns + column] ?? NaN;
  const labels = [...new Set(Array.from({ length: rows }, (_, row) => at(row, columns - 1)))].sort((a, b) => a - b);
  if (labels.length < 2 || labels.length > 3) {
    throw new InvalidInputError(
      `The last column of ${table.name} names ${labels.length} classes: there must be two or three.`,
      { field: 'table' },
    );
  }
  const all = Float64Array.from({ length: 2 * rows }, (_, i) => at(i >> 1, (i % 2 === 0 ? xColumn : yColumn) - 1));
  const points = { values: all, dimension: 2 };
  const isPainted = isOnSheet(points, sheet);
  const placed = isPainted ? all : place(points, standardPlacement(points, true));
  const axis = (column: number, name: string): string =>
    `${columnNames?.[column - 1] ?? name}${isPainted ? '' : ', in standard deviations'}`;
  const words = classWords[columnNames?.[columns - 1] ?? ''];
  const colors = Object.keys(classColors);
  return {
    classes: labels.map((label) => {
      const own = Array.from({ length: rows }, (_, row) => row).filter((row) => at(row, columns - 1) === label);
      const count = Math.min(most, own.length);
      return Float64Array.from({ length: 2 * count }, (_, i) => {
        const row = own[Math.floor(((i >> 1) * own.length) / count)] ?? 0;
        return placed[2 * row + (i % 2)] ?? NaN;
      });
    }),
    names: labels.map((label, i) =>
      words?.[label] === undefined ? (colors[i] ?? '') : `${words[label]} (${colors[i] ?? ''})`,
    ),
    axes: [axis(xColumn, 'x'), axis(yColumn, 'y')],
  };
}
