/** Balanced and unbalanced problems of the golden numbers: clouds are stored once, and costs that have a name are rebuilt. */
import type { GroundCost } from '../../src/kernels/pairs';

/** The points and weights that several records share. */
export interface GoldenCloud {
  readonly name: string;
  /** A ground cost, `matrix` for one that is stored in C, or one of the rules below. */
  readonly cost: string;
  readonly n: number;
  readonly m: number;
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly dim?: number | undefined;
  readonly x?: readonly number[] | undefined;
  readonly y?: readonly number[] | undefined;
  readonly C?: readonly number[] | undefined;
}

/** The cloud of a record. */
export function cloudOf<Cloud extends GoldenCloud>(clouds: readonly Cloud[], name: string): Cloud {
  const cloud = clouds.find((candidate) => candidate.name === name);
  if (cloud === undefined) throw new Error(`there is no cloud ${name}`);
  return cloud;
}

const groundCosts: readonly GroundCost[] = ['squared-euclidean', 'euclidean', 'manhattan'];

/** Numbers that were written as the shortest decimals of float32 ones. */
export const float32Exact = (values: readonly number[]): Float64Array<ArrayBuffer> =>
  Float64Array.from(values, Math.fround);

/** The points of a cloud with one of our ground costs; undefined for any other. */
export function goldenPoints(
  cloud: GoldenCloud,
):
  | { readonly x: Float64Array; readonly y: Float64Array; readonly dimension: number; readonly cost: GroundCost }
  | undefined {
  const cost = groundCosts.find((name) => name === cloud.cost);
  if (cost === undefined || cloud.x === undefined || cloud.y === undefined) return undefined;
  return { x: float32Exact(cloud.x), y: float32Exact(cloud.y), dimension: cloud.dim ?? 1, cost };
}

/** C as the golden numbers have it, row-major. */
export function goldenMatrix(cloud: GoldenCloud): Float64Array<ArrayBuffer> {
  const { n, m, dim = 1 } = cloud;
  if (cloud.C !== undefined) return float32Exact(cloud.C);
  const [x, y] = [float32Exact(cloud.x ?? []), float32Exact(cloud.y ?? [])];
  const sum = (i: number, j: number, term: (p: number, q: number) => number): number => {
    let total = 0;
    for (let k = 0; k < dim; k++) total += term(x[i * dim + k] ?? NaN, y[j * dim + k] ?? NaN);
    return total;
  };
  const squared = (i: number, j: number): number => sum(i, j, (p, q) => (p - q) ** 2);
  const rules: Readonly<Record<string, (i: number, j: number) => number>> = {
    'squared-euclidean': squared,
    manhattan: (i, j) => sum(i, j, (p, q) => Math.abs(p - q)),
    euclidean: (i, j) => Math.sqrt(squared(i, j)),
    'negative-inner-product': (i, j) => sum(i, j, (p, q) => -p * q),
    'offset-squared': (i, j) => 100 + squared(i, j),
    line: (i, j) => (i - j) ** 2 / (n - 1) ** 2,
  };
  const rule = rules[cloud.cost];
  if (rule === undefined) throw new Error(`${cloud.name} has an unknown cost`);
  return Float64Array.from({ length: n * m }, (_, at) => Math.fround(rule(Math.floor(at / m), at % m)));
}
