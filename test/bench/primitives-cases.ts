/** The primitives that are compared with the peers: operands, which operation of a library it is, and the check in float64. */
import { discreteTransform } from '../../src/kernels/fourier-reference';
import { Philox } from '../../src/kernels/random';
import type { Contender, HostIndices, HostMatrix, Prepared } from './contenders';

/** One comparison at one size. */
export interface PrimitiveWork {
  /** Undefined where a library has no such operation. */
  start(contender: Contender): Prepared | Promise<Prepared> | undefined;
  check(result: ArrayLike<number>): { readonly error: number; readonly tolerance: number };
}

const WIDTH = 64;
const SEGMENTS = 64;
const BINS = 256;
const BEST = 2;

/** Each by how many elements there are, a multiple of 64. */
export const primitives = {
  'prefix sum': (n) => {
    const x = matrix(1, n);
    return {
      start: ({ prefixSum }) => prefixSum?.(x),
      check(result) {
        let [sum, error] = [0, wrongLength(result, n)];
        x.values.forEach((value, at) => {
          sum += value;
          error = larger(error, Math.abs((result[at] ?? NaN) / sum - 1));
        });
        // All terms are positive; 1e-4 is far above what trees of sums lose, and far below what a mistake does.
        return { error, tolerance: 1e-4 };
      },
    };
  },
  sort: (n) => {
    const x = matrix(1, n);
    return {
      start: ({ sort }) => sort?.(x),
      check: (result) => exactly(result, x.values.toSorted()),
    };
  },
  'Fourier transform': (n) => {
    const x = matrix(2, n);
    return {
      start: ({ fourier }) => fourier?.(x),
      check(result) {
        const numbers = Float64Array.from(x.values, (_, at) => x.values[(at % 2) * n + (at >> 1)] ?? 0);
        let [off, size] = [wrongLength(result, 2 * n), 0];
        discreteTransform(numbers, -1).forEach((value, at) => {
          off += ((result[(at % 2) * n + (at >> 1)] ?? NaN) - value) ** 2;
          size += value ** 2;
        });
        // A library whose roots of unity are those of WGSL, good to 2^-11 only, passes as well: its error is said.
        return { error: Math.sqrt(off / size), tolerance: 1e-3 };
      },
    };
  },
  'top 2 of 64': (n) => {
    const x = matrix(n / WIDTH, WIDTH);
    return {
      start: ({ topK }) => topK?.(x, BEST),
      check: (result) =>
        exactly(
          result,
          Array.from({ length: x.rows }, (_, row) =>
            Array.from(
              x.values
                .subarray(row * WIDTH, (row + 1) * WIDTH)
                .toSorted()
                .subarray(-BEST),
            ).reverse(),
          ).flat(),
        ),
    };
  },
  'histogram in 256 bins': (n) => {
    const x = indices(n, BINS);
    return {
      start: ({ histogram }) => histogram?.(x, BINS),
      check(result) {
        const counts = new Int32Array(BINS);
        for (const value of x.values) counts[value] = (counts[value] ?? 0) + 1;
        return exactly(result, counts);
      },
    };
  },
  'gather of rows of 64': (n) => {
    const [x, at] = [matrix(n / WIDTH, WIDTH), indices(n / WIDTH, n / WIDTH)];
    return {
      start: ({ gather }) => gather?.(x, at),
      check: (result) =>
        exactly(
          result,
          x.values.map((_, k) => x.values[(at.values[Math.floor(k / WIDTH)] ?? 0) * WIDTH + (k % WIDTH)] ?? 0),
        ),
    };
  },
  'sums of rows of 64 in 64 segments': (n) => {
    const [x, at] = [matrix(n / WIDTH, WIDTH), indices(n / WIDTH, SEGMENTS)];
    return {
      start: ({ segmentSum }) => segmentSum?.(x, at, SEGMENTS),
      check(result) {
        const sums = new Float64Array(SEGMENTS * WIDTH);
        x.values.forEach((value, k) => {
          const place = (at.values[Math.floor(k / WIDTH)] ?? 0) * WIDTH + (k % WIDTH);
          sums[place] = (sums[place] ?? 0) + value;
        });
        const error = sums.reduce(
          (most, sum, k) => larger(most, sum === 0 ? 0 : Math.abs((result[k] ?? NaN) / sum - 1)),
          wrongLength(result, sums.length),
        );
        return { error, tolerance: 1e-4 };
      },
    };
  },
} satisfies Readonly<Record<string, (n: number) => PrimitiveWork>>;

export type PrimitiveName = keyof typeof primitives;

/** Numbers from 0 to 1. */
function matrix(rows: number, columns: number): HostMatrix {
  const random = new Philox(1, 0);
  return { rows, columns, values: Float32Array.from({ length: rows * columns }, () => random.uniform()) };
}

function indices(count: number, below: number): HostIndices {
  const random = new Philox(1, 1);
  return { values: Int32Array.from({ length: count }, () => Math.floor(random.uniform() * below)) };
}

/** How many numbers are not those that were expected. */
function exactly(result: ArrayLike<number>, expected: ArrayLike<number>): { error: number; tolerance: number } {
  let error = wrongLength(result, expected.length);
  for (let k = 0; k < expected.length; k++) if (result[k] !== expected[k]) error += 1;
  return { error, tolerance: 0 };
}

function wrongLength(result: ArrayLike<number>, length: number): number {
  return result.length === length ? 0 : NaN;
}

/** The larger one, or NaN as soon as one is. */
function larger(a: number, b: number): number {
  return a >= b || Number.isNaN(a) ? a : b;
}
