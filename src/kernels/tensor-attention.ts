/** Attention over tuples of keys: a query attends to every choice of one key from each of two or three lists. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import type { GpuTensor } from '../device/webgpu-device';

/** What `tensorAttention` works on: the lists may differ in length. */
export interface TensorAttentionInput {
  /** [queries, dimension]. */
  readonly queries: Tensor;
  /** Two or three lists of keys, each [keys, dimension]. */
  readonly keys: readonly Tensor[];
  /** As many lists of values, [keys, value dimension] each. */
  readonly values: readonly Tensor[];
}

/** Options of `tensorAttention`. */
export interface TensorAttentionOptions {
  /** What logits are multiplied by. Default 1 / dimension. */
  readonly scale?: number;
}

/** The sizes of a call, after checking them. */
export interface TensorAttentionShape {
  readonly queries: number;
  readonly dimension: number;
  readonly valueDimension: number;
  /** How many keys each list has. */
  readonly counts: readonly number[];
  readonly scale: number;
}

/** Columns of keys or values that a lane keeps in registers. */
const mostColumns = 64;
const lanes = 64;

/** Checks shapes. Throws `InvalidInputError` naming the list that does not fit. */
export function tensorAttentionShape(
  { queries, keys, values }: TensorAttentionInput,
  options: TensorAttentionOptions = {},
): TensorAttentionShape {
  const [rows, dimension] = matrixShape(queries, 'queries');
  if (keys.length === 0 || keys.length !== values.length) {
    throw new InvalidInputError(
      `Tensor attention was given ${keys.length} lists of keys and ${values.length} of values: give as many of each.`,
      { field: 'values' },
    );
  }
  const counts: number[] = [];
  let valueDimension = 0;
  keys.forEach((list, at) => {
    const [count, columns] = matrixShape(list, `keys ${at + 1}`);
    const [valueCount = 0, valueColumns = 0] = values[at]?.shape ?? [];
    if (at === 0) valueDimension = valueColumns;
    if (columns !== dimension || valueCount !== count || valueColumns !== valueDimension) {
      throw new InvalidInputError(
        `List ${at + 1} has keys [${count}, ${columns}] and values [${valueCount}, ${valueColumns}]: with queries of ${dimension} columns and values of ${valueDimension}, keys must be [count, ${dimension}] and values [count, ${valueDimension}].`,
        { field: 'keys', list: at + 1 },
      );
    }
    counts.push(count);
  });
  const { scale = 1 / dimension } = options;
  if (!Number.isFinite(scale)) throw new InvalidInputError('The scale must be a finite number.', { field: 'scale' });
  return { queries: rows, dimension, valueDimension, counts, scale };
}

/**
 * softmax over all tuples (j1, j2, ...) of scale * sum_d q_d k1[j1]_d k2[j2]_d ..., applied to v1[j1] o v2[j2] o ...
 * (Alman and Song, ICLR 2024): queries [n, d], two or three lists of keys [m, d] and values [m, dv] -> [n, dv]. Takes
 * n m1 m2 (m3) steps and stores none of the weights. Throws `InvalidInputError` for lists that do not fit each other,
 * and for more than 64 columns.
 */
export const tensorAttention = defineKernel({
  name: 'tensorAttention',
  summary: 'Attention over pairs or triples of keys, exactly: queries [n, d], lists of keys and values, to [n, dv].',
  shaders: ['attention/tensor'],
  cost(input: TensorAttentionInput, options: TensorAttentionOptions = {}) {
    const { queries, dimension, valueDimension, counts } = checked(input, options);
    const tuples = queries * counts.reduce((product, count) => product * count, 1);
    const rows = counts.reduce((sum, count) => sum + count, 0);
    return {
      flops: tuples * (2 * dimension + 2 * valueDimension + 8),
      bytes: 4 * (queries + rows) * (dimension + valueDimension),
    };
  },
  webgpu(gpu, input, options = {}): Tensor {
    const { queries, dimension, valueDimension, counts, scale } = checked(input, options);
    const out = gpu.empty([queries, valueDimension]);
    const threeLists = counts.length === 3;
    const [first, second, last] = threeLists ? [0, 1, 2] : [0, undefined, 1];
    const pair = (at: number | undefined): GpuTensor[] =>
      at === undefined ? [] : [input.keys[at], input.values[at]].filter((tensor) => tensor !== undefined);
    gpu.dispatch({
      shader: 'attention/tensor',
      conditions: { threeLists },
      constants: { LANES: lanes, DIMENSION: dimension, VALUE_DIMENSION: valueDimension },
      uniforms: {
        firstCount: u32(counts[first] ?? 0),
        secondCount: u32(second === undefined ? 1 : (counts[second] ?? 0)),
        lastCount: u32(counts[last] ?? 0),
        scale: f32(scale),
      },
      reads: [input.queries, ...pair(first), ...pair(last), ...pair(second)],
      writes: [out],
      workgroups: [queries],
    });
    return out;
  },
  reference(cpu, input, options = {}): Tensor {
    const { queries, dimension, valueDimension, counts, scale } = checked(input, options);
    const out = cpu.empty([queries, valueDimension]);
    const tuples = counts.reduce((product, count) => product * count, 1);
    const row = (list: { readonly data: ArrayLike<number> } | undefined, at: number, columns: number, column: number) =>
      list?.data[at * columns + column] ?? 0;
    for (let query = 0; query < queries; query++) {
      const logits = new Float64Array(tuples);
      // The choice from each list, the last one running fastest.
      const choice = (tuple: number): number[] => {
        const places: number[] = [];
        for (let list = counts.length - 1, rest = tuple; list >= 0; list--) {
          const count = counts[list] ?? 1;
          places[list] = rest % count;
          rest = Math.floor(rest / count);
        }
        return places;
      };
      for (let tuple = 0; tuple < tuples; tuple++) {
        const places = choice(tuple);
        for (let column = 0; column < dimension; column++) {
          let product = scale * row(input.queries, query, dimension, column);
          places.forEach((place, list) => (product *= row(input.keys[list], place, dimension, column)));
          logits[tuple] = (logits[tuple] ?? 0) + product;
        }
      }
      const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
      let normaliser = 0;
      const mean = new Float64Array(valueDimension);
      for (let tuple = 0; tuple < tuples; tuple++) {
        const weight = Math.exp((logits[tuple] ?? 0) - largest);
        normaliser += weight;
        const places = choice(tuple);
        for (let column = 0; column < valueDimension; column++) {
          const value = places.reduce(
            (product, place, list) => product * row(input.values[list], place, valueDimension, column),
            1,
          );
          mean[column] = (mean[column] ?? 0) + weight * value;
        }
      }
      out.data.set(
        mean.map((value) => value / normaliser),
        query * valueDimension,
      );
    }
    return out;
  },
});

function checked(input: TensorAttentionInput, options: TensorAttentionOptions): TensorAttentionShape {
  const shape = tensorAttentionShape(input, options);
  if (shape.counts.length !== 2 && shape.counts.length !== 3) {
    throw new InvalidInputError(
      `tensorAttention takes two or three lists of keys, not ${shape.counts.length}: for one, call attention.`,
      { field: 'keys' },
    );
  }
  if (shape.dimension > mostColumns || shape.valueDimension > mostColumns) {
    throw new InvalidInputError(
      `tensorAttention takes at most ${mostColumns} columns, but keys have ${shape.dimension} and values ${shape.valueDimension}.`,
      { field: 'queries' },
    );
  }
  return shape;
}
