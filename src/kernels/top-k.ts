/** The k largest or smallest elements of each row, with their columns. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type ElementType, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import { isSerial } from './serial';

/** Options of `topK`. */
export interface TopKOptions {
  /** False: the smallest. Default true. */
  readonly largest?: boolean;
}

/** What `topK` found, best first. */
export interface TopK<T extends Tensor = Tensor> {
  /** `[rows, k]`, of the type of x. */
  readonly values: T;
  /** The column of each value, u32 `[rows, k]`. */
  readonly indices: T;
}

/** Elements that a workgroup sorts at once. */
const mostAtOnce = 1024;
/** Elements that an invocation looks at where each works alone, and how many invocations a workgroup has there. */
const serialChunk = 4096;
const serialLanes = 16;
/** Up to so many are kept in order there, more in a heap. */
const fewest = 8;

/**
 * The k best elements of each row of x `[rows, columns]` (or of a vector `[columns]`: both results are `[k]` then), of any
 * element type, in order; of equal ones the lower column comes first, and -0 equals 0. NaN lies beyond the infinities.
 * The best of each chunk of a row are found and kept, level by level. Throws `InvalidInputError` for k above the
 * number of columns, and above 512 where a row has more than 1,024 (sort it with `radixSort`).
 */
export const topK = defineKernel({
  name: 'topK',
  summary: 'The k largest or smallest elements of each row [rows, columns], in order, with their columns: [rows, k].',
  shaders: ['sort/top'],
  cost(x: Tensor, k: number, _options: TopKOptions = {}) {
    const { rows, columns } = topShape(x, k);
    const steps = Math.log2(Math.min(mostAtOnce, 2 * columns)) ** 2;
    return { flops: steps * x.size, bytes: 4 * x.size + 8 * rows * k };
  },
  webgpu(gpu, x, k, { largest = true } = {}): TopK {
    const { rows, columns } = topShape(x, k);
    using scope = gpu.scope();
    const shape = [...x.shape.slice(0, -1), k];
    const found = { values: scope.keep(gpu.empty(shape, x.type)), indices: scope.keep(gpu.empty(shape, 'u32')) };
    let candidates = x;
    const serial = isSerial(gpu);
    const few = serial && k <= fewest;
    for (let count = columns, isFirst = true, isLast = false; !isLast; isFirst = false) {
      const size = serial ? serialChunk : Math.min(mostAtOnce, Math.max(2, 2 ** Math.ceil(Math.log2(count))));
      const together = Math.min(Math.max(1, 256 / size), 2 ** Math.ceil(Math.log2(rows)));
      const chunks = Math.ceil(count / size);
      isLast = chunks === 1;
      const resultRow = isLast ? k : chunks * k;
      const target = isLast ? found.indices : gpu.empty([rows, resultRow], 'u32');
      gpu.dispatch({
        shader: 'sort/top',
        conditions: { [typeConditions[x.type]]: true, descending: largest, first: isFirst, last: isLast, serial, few },
        constants: serial
          ? { SIZE: size, ROWS: 1, INVOCATIONS: serialLanes, KEPT: few ? k : 0 }
          : { SIZE: size, ROWS: together, INVOCATIONS: Math.min(256, (size * together) / 2), KEPT: 0 },
        uniforms: {
          rows: u32(rows),
          columns: u32(columns),
          candidates: u32(count),
          kept: u32(k),
          resultRow: u32(resultRow),
        },
        reads: [x, candidates],
        writes: isLast ? [target, found.values] : [target],
        workgroups: serial ? [Math.ceil((rows * chunks) / serialLanes)] : [chunks, Math.ceil(rows / together)],
        share: (0.5 * count) / columns,
      });
      candidates = target;
      count = resultRow;
    }
    return found;
  },
  reference(cpu, x, k, { largest = true } = {}): TopK {
    const { rows, columns } = topShape(x, k);
    const shape = [...x.shape.slice(0, -1), k];
    const [values, indices] = [cpu.empty(shape, x.type), cpu.empty(shape, 'u32')];
    for (let row = 0; row < rows; row++) {
      const numbers = x.data.subarray(row * columns, (row + 1) * columns);
      const order = Array.from(numbers.keys()).sort((i, j) => {
        const difference = (numbers[i] ?? 0) - (numbers[j] ?? 0);
        return (largest ? -difference : difference) || i - j;
      });
      order.slice(0, k).forEach((column, place) => {
        values.data[row * k + place] = numbers[column] ?? 0;
        indices.data[row * k + place] = column;
      });
    }
    return { values, indices };
  },
});

const typeConditions: Readonly<Record<ElementType, string>> = { f32: 'float', i32: 'signed', u32: 'unsigned' };

function topShape(x: Tensor, k: number): { readonly rows: number; readonly columns: number } {
  const [rows, columns] = x.shape.length === 1 ? [1, x.size] : matrixShape(x, 'x');
  const most = columns > mostAtOnce ? mostAtOnce / 2 : columns;
  if (!Number.isInteger(k) || k < 1 || k > most) {
    throw new InvalidInputError(
      `k must be an integer from 1 to ${String(most)} for rows of ${String(columns)}, but is ${String(k)}${k > most && k <= columns ? ': sort the row with radixSort' : ''}.`,
      { field: 'k', most },
    );
  }
  return { rows, columns };
}
