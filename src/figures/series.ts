/** Points of several series over one shared x axis, growing at the end: what uPlot wants, without joining anew each time. */
import type { LineFrame } from '../labs/frames';

/** Values of a series by position on the x axis; null is a gap, undefined a point that only other series have. */
export type SeriesValues = (number | null | undefined)[];

/** Grows with every frame. */
export class SeriesTable {
  /** The x axis of all series, ascending. */
  xs: number[] = [];
  /** The values of each series at `xs`, in the order of `names`. */
  ys: SeriesValues[] = [];
  readonly #names: string[] = [];

  /** The series, in the order of their first point. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Adds points. A point at an x that its series already has replaces it; a y that is not finite becomes a gap. */
  append(frame: LineFrame): void {
    const xs = typeof frame.x === 'number' ? [frame.x] : frame.x;
    const ys = typeof frame.y === 'number' ? [frame.y] : frame.y;
    const series = this.#indexOf(frame.series);
    const between = new Map<number, number | null>();
    for (const [index, x] of xs.entries()) {
      if (!Number.isFinite(x)) continue;
      const y = ys[index];
      const value = y !== undefined && Number.isFinite(y) ? y : null;
      if (!this.#place(series, x, value)) between.set(x, value);
    }
    if (between.size > 0) this.#merge(series, between);
  }

  clear(): void {
    this.#names.length = 0;
    this.xs = [];
    this.ys = [];
  }

  /** The first point of a series that is a number. */
  first(series: number): readonly [x: number, y: number] | null {
    const values = this.ys[series] ?? [];
    return this.#point(
      values,
      values.findIndex((y) => typeof y === 'number'),
    );
  }

  /** The last point of a series that is a number. */
  last(series: number): readonly [x: number, y: number] | null {
    const values = this.ys[series] ?? [];
    return this.#point(
      values,
      values.findLastIndex((y) => typeof y === 'number'),
    );
  }

  #point(values: SeriesValues, index: number): readonly [x: number, y: number] | null {
    const x = this.xs[index];
    const y = values[index];
    return x !== undefined && typeof y === 'number' ? [x, y] : null;
  }

  #indexOf(name: string): number {
    const known = this.#names.indexOf(name);
    if (known >= 0) return known;
    this.#names.push(name);
    this.ys.push(new Array<undefined>(this.xs.length).fill(undefined));
    return this.#names.length - 1;
  }

  /** Puts a point at the end, or where its x already stands; false if it would have to go in between. */
  #place(series: number, x: number, value: number | null): boolean {
    const end = this.xs.at(-1);
    if (end === undefined || x > end) {
      this.xs.push(x);
      for (const values of this.ys) values.push(undefined);
    }
    const index = x === this.xs.at(-1) ? this.xs.length - 1 : lowerBound(this.xs, x);
    const values = this.ys[series];
    if (this.xs[index] !== x || !values) return false;
    values[index] = value;
    return true;
  }

  /** Puts points in between, all in one pass. */
  #merge(series: number, added: ReadonlyMap<number, number | null>): void {
    const xs = [...new Set([...this.xs, ...added.keys()])].sort((a, b) => a - b);
    const old = new Map(this.xs.map((x, index) => [x, index]));
    this.ys = this.ys.map((values, index) =>
      xs.map((x) => {
        const fresh = index === series ? added.get(x) : undefined;
        return fresh === undefined ? values[old.get(x) ?? -1] : fresh;
      }),
    );
    this.xs = xs;
  }
}

/** The first index whose value is not below `x`. */
function lowerBound(values: readonly number[], x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? Infinity) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
