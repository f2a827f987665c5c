/** Columns of tokens by name, and hand-built matrices of a transformer that read and write them. */
import type { WeightMatrix } from './transformer';

/** Named columns of a token: where each begins, and how many there are. */
export type TokenLayout = ReadonlyMap<string, readonly [first: number, count: number]>;

/** Columns of a token by name, and the matrices that read and write them. */
export class TokenColumns {
  readonly layout: TokenLayout;
  readonly width: number;

  constructor(names: readonly (readonly [string, number])[]) {
    let first = 0;
    this.layout = new Map(
      names.map(([name, count]) => {
        first += count;
        return [name, [first - count, count] as const];
      }),
    );
    this.width = first;
  }

  first(name: string): number {
    return this.layout.get(name)?.[0] ?? NaN;
  }

  zeros(rows: number, columns: number): WeightMatrix {
    return { rows, columns, values: new Float64Array(rows * columns) };
  }

  /** `[width, count]`: the sum of the named columns, each times its factor. */
  read(...parts: readonly (readonly [name: string, factor?: number])[]): WeightMatrix {
    const matrix = this.zeros(this.width, this.count(parts[0]?.[0]));
    for (const [name, factor = 1] of parts)
      for (let k = 0; k < matrix.columns; k++) matrix.values[(this.first(name) + k) * matrix.columns + k] = factor;
    return matrix;
  }

  /** `[count, width]`: into the named columns, times a factor. */
  write([name, factor]: readonly [name: string, factor: number]): WeightMatrix {
    return this.writeSide(factor, name);
  }

  /** `[width, counts]`: named columns side by side. */
  side(...names: readonly string[]): WeightMatrix {
    const { rows, columns, values } = this.writeSide(1, ...names);
    const turned = this.zeros(columns, rows);
    values.forEach((value, at) => (turned.values[(at % columns) * rows + Math.floor(at / columns)] = value));
    return turned;
  }

  /** `[counts, width]`: what lies side by side into the named columns, times a factor. */
  writeSide(factor: number, ...names: readonly string[]): WeightMatrix {
    const places = names.flatMap((name) => Array.from({ length: this.count(name) }, (_, k) => this.first(name) + k));
    const matrix = this.zeros(places.length, this.width);
    places.forEach((place, row) => (matrix.values[row * this.width + place] = factor));
    return matrix;
  }

  private count(name = ''): number {
    return this.layout.get(name)?.[1] ?? NaN;
  }
}
