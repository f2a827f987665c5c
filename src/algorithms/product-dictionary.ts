/**
 * Mixtures of product-form atoms: `sum_k codes_ik left_k x right_k`, their start, and the plain factorizations of joint
 * histograms by Frobenius norm or Kullback-Leibler divergence (Lee and Seung 2000, for three factors).
 */
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { affine, combine } from '../kernels/elementwise';
import { matmul } from '../kernels/matmul';
import { contractAtoms, productAtoms } from '../kernels/product-atoms';
import { Philox } from '../kernels/random';

/** Histograms of two quantities on one grid. */
export interface JointHistograms {
  /** One array of `height * width` masses per histogram, row by row, each summing to one. */
  readonly histograms: readonly ArrayLike<number>[];
  readonly height: number;
  readonly width: number;
}

/** Atoms and codes; every row of each matrix is a probability vector. */
export interface ProductDictionary {
  readonly atoms: number;
  /** `[atoms, height]`. */
  readonly left: Float64Array;
  /** `[atoms, width]`. */
  readonly right: Float64Array;
  /** `[histograms, atoms]`. */
  readonly codes: Float64Array;
}

/**
 * A start: each atom is half the product of the marginals of a histogram and half even, with some noise, and all codes are
 * nearly even. Throws `InvalidInputError` for a number of atoms that is no whole number of at least 1.
 */
export function startingDictionary(problem: JointHistograms, atoms: number, seed: number): ProductDictionary {
  const { histograms, height, width } = problem;
  if (!(Number.isInteger(atoms) && atoms >= 1))
    throw new InvalidInputError(`A dictionary needs a whole number of atoms, at least 1, not ${String(atoms)}.`, {
      field: 'atoms',
    });
  const random = new Philox(seed, 11);
  const rough = (count: number): number[] => unit(Array.from({ length: count }, () => 1 + random.uniform() / 2));
  const [left, right]: [number[], number[]] = [[], []];
  for (let k = 0; k < atoms; k++) {
    const histogram = histograms[random.integer(Math.max(1, histograms.length))] ?? [];
    const [rows, columns] = [new Array<number>(height).fill(0), new Array<number>(width).fill(0)];
    for (let at = 0; at < histogram.length; at++) {
      const [row, column] = [Math.floor(at / width), at % width];
      rows[row] = (rows[row] ?? 0) + (histogram[at] ?? 0);
      columns[column] = (columns[column] ?? 0) + (histogram[at] ?? 0);
    }
    left.push(...unit(rough(height).map((mass, a) => mass + (rows[a] ?? 0))));
    right.push(...unit(rough(width).map((mass, b) => mass + (columns[b] ?? 0))));
  }
  const codes = histograms.flatMap(() => rough(atoms));
  return {
    atoms,
    left: Float64Array.from(left),
    right: Float64Array.from(right),
    codes: Float64Array.from(codes),
  };
}

/** The dictionary, if its sizes are those of the problem. Throws `InvalidInputError` where they are not. */
export function checkedDictionary(
  dictionary: ProductDictionary,
  { histograms, height, width }: JointHistograms,
  atoms: number,
): ProductDictionary {
  const expected = { left: atoms * height, right: atoms * width, codes: atoms * histograms.length };
  for (const [field, size] of Object.entries(expected) as ['left' | 'right' | 'codes', number][]) {
    if (dictionary[field].length !== size)
      throw new InvalidInputError(
        `The dictionary's ${field} has ${String(dictionary[field].length)} numbers instead of ${String(size)}.`,
        { field },
      );
  }
  return dictionary;
}

/** The atoms as histograms on the grid. */
export function atomsOf({ atoms, left, right }: ProductDictionary): Float64Array[] {
  const [height, width] = [left.length / atoms, right.length / atoms];
  return Array.from({ length: atoms }, (_, k) =>
    Float64Array.from(
      { length: height * width },
      (_, at) => (left[k * height + Math.floor(at / width)] ?? NaN) * (right[k * width + (at % width)] ?? NaN),
    ),
  );
}

/** The mixtures that stand for the histograms. */
export function mixturesOf(dictionary: ProductDictionary): Float64Array[] {
  const atoms = atomsOf(dictionary);
  const count = dictionary.codes.length / dictionary.atoms;
  return Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length: atoms[0]?.length ?? 0 }, (_, at) =>
      atoms.reduce((sum, atom, k) => sum + (dictionary.codes[i * dictionary.atoms + k] ?? NaN) * (atom[at] ?? NaN), 0),
    ),
  );
}

/** What a plain factorization makes small. */
export type FactorizationLoss = 'frobenius' | 'kullback-leibler';

/** Keeps quotients finite where nothing is left. */
const least = 1e-20;

/**
 * The same mixtures by multiplicative updates of one block after the other, none of which raises the loss (Lee and Seung
 * 2000); the rows are divided by their sums at the end. Yields every `showEvery` iterations, default 10.
 */
export async function* productFactorization(
  device: Device,
  { histograms, height, width }: JointHistograms,
  start: ProductDictionary,
  { loss, iterations, showEvery = 10 }: { loss: FactorizationLoss; iterations: number; showEvery?: number },
): AsyncGenerator<{ readonly iteration: number; readonly dictionary: ProductDictionary }, ProductDictionary> {
  const { atoms } = start;
  const shape = [histograms.length, height * width];
  const data = device.tensor(
    histograms.flatMap((histogram) => Array.from(histogram)),
    shape,
  );
  const left = device.tensor(start.left, [atoms, height]);
  const right = device.tensor(start.right, [atoms, width]);
  const codes = device.tensor(start.codes, [histograms.length, atoms]);
  const ones = device.full(shape, 1);
  const update = (block: Tensor, adjoint: (x: Tensor) => Tensor): void => {
    using _scope = device.scope();
    const fitted = affine(matmul(codes, productAtoms(left, right)), { offset: least });
    const isFrobenius = loss === 'frobenius';
    const up = adjoint(isFrobenius ? data : combine(data, fitted, 'divide'));
    const down = affine(adjoint(isFrobenius ? fitted : ones), { offset: least });
    combine(block, combine(up, down, 'divide'), 'multiply', { out: block });
  };
  const byAtom = (x: Tensor): Tensor => matmul(codes, x, { transposeA: true });
  for (let iteration = 1; iteration <= iterations; iteration++) {
    update(left, (x) => contractAtoms(byAtom(x), right, 'left'));
    update(right, (x) => contractAtoms(byAtom(x), left, 'right'));
    update(codes, (x) => matmul(x, productAtoms(left, right), { transposeB: true }));
    await device.flush();
    if (iteration % showEvery === 0) yield { iteration, dictionary: await read() };
  }
  return read();

  async function read(): Promise<ProductDictionary> {
    const [a, b, c] = [await left.read(), await right.read(), await codes.read()];
    const rows = (values: ArrayLike<number>, length: number): number[][] =>
      Array.from({ length: values.length / length }, (_, i) => Array.from(values).slice(i * length, (i + 1) * length));
    const [lefts, rights] = [rows(a, height), rows(b, width)];
    const scale = lefts.map((row, k) => total(row) * total(rights[k] ?? []));
    return {
      atoms,
      left: Float64Array.from(lefts.flatMap(unit)),
      right: Float64Array.from(rights.flatMap(unit)),
      codes: Float64Array.from(rows(c, atoms).flatMap((row) => unit(row.map((code, k) => code * (scale[k] ?? NaN))))),
    };
  }
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Divided by the sum; all even where there is nothing. */
function unit(values: readonly number[]): number[] {
  const sum = total(values);
  return values.map((value) => (sum > 0 ? value / sum : 1 / values.length));
}
