/** Points painted by hand: what a round brush leaves behind, and the table that it becomes. */
import type { PaintSheet } from '../labs/parameters';

/** Points painted without lifting the brush, all of one class. */
export interface Stroke {
  /** The class, counted from 0; 0 where a sheet has none. */
  readonly label: number;
  /** Shares of the sheet from its lower left corner, across and up, one point after the other. */
  readonly points: readonly number[];
}

export type Painting = readonly Stroke[];

/** More points than this are not taken: labs would thin them out anyway. */
export const mostPoints = 4000;

/** How many points a painting holds. */
export const pointCount = (painting: Painting): number =>
  painting.reduce((sum, { points }) => sum + points.length / 2, 0);

/**
 * `count` points spread evenly over a disc, those that fall off the sheet left out. They are the points `from` onwards of one
 * sequence that never repeats (Martin Roberts, "The Unreasonable Effectiveness of Quasirandom Sequences", 2018).
 */
export function dab(x: number, y: number, radius: number, count: number, from: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const [u, v] = [(0.7548776662466927 * (from + i + 1)) % 1, (0.5698402909980532 * (from + i + 1)) % 1];
    const [reach, turn] = [radius * Math.sqrt(u), 2 * Math.PI * v];
    return [x + reach * Math.cos(turn), y + reach * Math.sin(turn)];
  })
    .filter((point) => point.every((share) => share >= 0 && share <= 1))
    .flat();
}

/** A painting as the file that labs read, in the sheet's own coordinates: columns x and y, and class where there are any. */
export function paintingFile(painting: Painting, { x, y, classes }: PaintSheet): Blob {
  const along = ([low, high]: readonly [number, number], share = 0): string =>
    String(Number((low + (high - low) * share).toPrecision(6)));
  const rows = painting.flatMap(({ label, points }) =>
    Array.from({ length: points.length / 2 }, (_, i) => {
      const place = `${along(x, points[2 * i])},${along(y, points[2 * i + 1])}`;
      return classes === undefined ? place : `${place},${label}`;
    }),
  );
  const header = classes === undefined ? 'x,y' : 'x,y,class';
  return new Blob([`${[header, ...rows].join('\n')}\n`], { type: 'text/csv' });
}
