/** Regression tasks that are written into a prompt, and least squares for them in float64. */
import type { RegressionPrompt } from '../algorithms/looped-transformer';
import type { FeatureMap } from '../algorithms/looped-weights';
import { symmetricEigen, symmetricFunction } from '../algorithms/symmetric-eigen';
import { InvalidInputError } from '../device/errors';
import { Philox } from '../kernels/random';
import type { NumericMatrix } from './parameters';

/** What the lab's parameters say of a task. */
export interface TaskParameters {
  readonly task: 'linear' | 'nonlinear' | 'table';
  readonly table: NumericMatrix | undefined;
  /** The column to predict, counted from 1. */
  readonly target: number;
  readonly dimension: number;
  readonly examples: number;
  readonly noise: number;
  readonly condition: number;
  readonly features: number;
  readonly seed: number;
}

/** A prompt, what its queries should be answered, and features that a pre-block can compute. */
export interface Task {
  readonly name: string;
  readonly prompt: RegressionPrompt;
  readonly truth: Float64Array;
  readonly features: FeatureMap;
}

const queryCount = 64;
const unlabelled = 1024;

/** Makes the task. Throws `InvalidInputError` for a table that is too small or has no such column. */
export function makeTask(params: TaskParameters): Task {
  const { task, dimension, examples, noise, condition, features, seed } = params;
  if (task === 'table') return tableTask(params);
  const normal = normals(seed);
  if (task === 'linear') {
    const count = examples + queryCount;
    const mix = mixing(dimension, condition, normal);
    const drawn = product(normal(count * dimension), mix, dimension, dimension);
    const inputs = centred(drawn, dimension, examples);
    const values = product(inputs, normal(dimension), dimension, 1);
    const map = featureMap(normal(unlabelled * dimension), dimension, features, { condition: 1, normal });
    return split(`linear in ${dimension} numbers`, inputs, values, { ...params, noisy: normal, map, noise });
  }
  const inputs = normal((examples + queryCount) * dimension);
  const map = featureMap(normal(unlabelled * dimension), dimension, features, { condition, normal });
  const values = product(applyFeatures(inputs, dimension, map), normal(features), features, 1);
  const name = `${features} features of ${dimension} numbers`;
  return split(name, inputs, values, { ...params, noisy: normal, map, noise });
}

function tableTask({ table, target, features, examples, seed }: TaskParameters): Task {
  if (table === undefined) throw new InvalidInputError('Choose a table or bring one.', { field: 'table' });
  const { columns, rows, values, name } = table;
  const least = 2 * columns + 2;
  if (columns < 2 || columns > 33 || target > columns || rows < least || !values.every(Number.isFinite)) {
    throw new InvalidInputError(
      `${name} must have 2 to 33 columns of numbers, ${least} rows or more, and a column ${target}.`,
      { field: target > columns ? 'target' : 'table' },
    );
  }
  // Rows in an order of their own: tables are often sorted.
  const keys = new Philox(seed, 5);
  const order = Array.from({ length: rows }, (_, row) => ({ row, key: keys.uniform() }))
    .sort((a, b) => a.key - b.key)
    .map(({ row }) => row);
  const asked = Math.max(1, Math.min(queryCount, Math.floor(rows / 5)));
  const count = Math.min(examples, rows - asked);
  const used = order.slice(0, count + asked);
  const pick = (keep: (column: number) => boolean): Float64Array =>
    Float64Array.from(
      used.flatMap((row) => Array.from(values.slice(row * columns, (row + 1) * columns)).filter((_, c) => keep(c))),
    );
  const inputs = standard(
    pick((column) => column !== target - 1),
    columns - 1,
    count,
  );
  const answers = standard(
    pick((column) => column === target - 1),
    1,
    count,
  );
  const map = featureMap(inputs, columns - 1, features, { condition: 1, normal: normals(seed) });
  return split(name, inputs, answers, { dimension: columns - 1, examples: count, noise: 0, noisy: normals(seed), map });
}

type Normals = (count: number) => Float64Array;

function normals(seed: number): Normals {
  const source = new Philox(seed, 1);
  return (count) => Float64Array.from({ length: count }, () => source.normal());
}

interface Split {
  readonly dimension: number;
  readonly examples: number;
  readonly noise: number;
  readonly noisy: Normals;
  readonly map: FeatureMap;
}

function split(name: string, inputs: Float64Array, values: Float64Array, how: Split): Task {
  const { dimension, examples, noise, noisy, map } = how;
  const scale = rootMeanSquare(values) || 1;
  const errors = noisy(examples);
  return {
    name,
    prompt: {
      inputs: dimension,
      examples: inputs.slice(0, examples * dimension),
      targets: values.slice(0, examples).map((value, at) => value / scale + noise * (errors[at] ?? NaN)),
      queries: inputs.slice(examples * dimension),
    },
    truth: values.slice(examples).map((value) => value / scale),
    features: map,
  };
}

/**
 * Features relu(u a + c) in random directions, less their mean and made orthonormal over a sample of inputs without targets, then
 * stretched to a condition number: both are linear, so they are the second matrix of a perceptron.
 */
function featureMap(
  sample: Float64Array,
  inputs: number,
  features: number,
  { condition, normal }: { readonly condition: number; readonly normal: Normals },
): FeatureMap {
  const hidden = features + 1;
  const count = sample.length / inputs;
  // A unit that is always 1 carries the means: its input is the constant that ends every input.
  // Directions have unit length and the kinks lie near the middle, so that each unit is active for some inputs and not for others.
  const rough = normal((inputs + 1) * hidden);
  const inward = new Float64Array(rough.length);
  for (let unit = 0; unit < features; unit++) {
    const entries = rough.filter((_, at) => at % hidden === unit);
    const length = rootMeanSquare(entries.subarray(0, inputs)) * Math.sqrt(inputs);
    entries.forEach((value, row) => (inward[row * hidden + unit] = row === inputs ? value / 2 : value / length));
  }
  inward[inputs * hidden + features] = 1;
  const active = rectified(sample, inputs, { rows: inputs + 1, columns: hidden, values: inward });
  const means = Float64Array.from({ length: features }, (_, k) => {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += (active[row * hidden + k] ?? NaN) / count;
    return sum;
  });
  const off = Float64Array.from({ length: count * features }, (_, at) => {
    const [row, k] = [Math.floor(at / features), at % features];
    return (active[row * hidden + k] ?? NaN) - (means[k] ?? NaN);
  });
  const moment = momentOf(off, features);
  const largest = Math.max(...symmetricEigen(moment, features).values);
  const whiten = symmetricFunction(moment, features, (value) => 1 / Math.sqrt(Math.max(value, 0) + 1e-3 * largest));
  const onto = product(whiten, mixing(features, condition, normal), features, features);
  const shift = product(means, onto, features, features).map((value) => -value);
  return {
    inward: { rows: inputs + 1, columns: hidden, values: inward },
    outward: { rows: hidden, columns: features, values: Float64Array.from([...onto, ...shift]) },
  };
}

/** Inputs with a 1 at the end of each, as the features take them. */
export function withConstant(values: Float64Array, dimension: number): Float64Array {
  const wide = new Float64Array((values.length / dimension) * (dimension + 1)).fill(1);
  values.forEach((value, at) => (wide[Math.floor(at / dimension) * (dimension + 1) + (at % dimension)] = value));
  return wide;
}

function rectified(values: Float64Array, dimension: number, inward: FeatureMap['inward']): Float64Array {
  return product(withConstant(values, dimension), inward.values, inward.rows, inward.columns).map((x) =>
    Math.max(0, x),
  );
}

/** What the pre-block computes, in float64. */
export function applyFeatures(values: Float64Array, dimension: number, { inward, outward }: FeatureMap): Float64Array {
  return product(rectified(values, dimension, inward), outward.values, outward.rows, outward.columns);
}

/** Square, with singular values from 1 down to 1 / sqrt(condition), in random directions: inputs times it have that condition. */
function mixing(size: number, condition: number, normal: Normals): Float64Array {
  const rough = normal(size * size);
  const { vectors } = symmetricEigen(
    rough.map((value, at) => value + (rough[(at % size) * size + Math.floor(at / size)] ?? NaN)),
    size,
  );
  const spread = (k: number): number => condition ** (-k / (2 * Math.max(1, size - 1)));
  const turned = Float64Array.from({ length: size * size }, (_, at) => {
    const [row, column] = [Math.floor(at / size), at % size];
    return (vectors[column * size + row] ?? NaN) * spread(row);
  });
  return product(vectors, turned, size, size);
}

/** What is known of a least squares problem: how fast loops can be, and where they lead. */
export interface LeastSquares {
  readonly largest: number;
  readonly condition: number;
  readonly predictions: Float64Array;
}

/** Least squares of least norm, by eigenvectors. */
export function leastSquares({ inputs: n, examples, targets, queries }: RegressionPrompt): LeastSquares {
  const moment = momentOf(examples, n);
  const { values } = symmetricEigen(moment, n);
  const largest = Math.max(...values);
  const kept = [...values].filter((value) => value > 1e-10 * largest);
  const inverse = symmetricFunction(moment, n, (value) => (value > 1e-10 * largest ? 1 / value : 0));
  const weights = product(inverse, averaged(examples, targets, n), n, 1);
  return { largest, condition: largest / Math.min(...kept), predictions: product(queries, weights, n, 1) };
}

/** Predictions after each step of plain gradient descent from zero, in float64: what each loop should be. */
export function plainDescent(prompt: RegressionPrompt, step: number, steps: number): (wanted: number) => Float64Array {
  const { inputs: n, examples, targets, queries } = prompt;
  const [moment, toward] = [momentOf(examples, n), averaged(examples, targets, n)];
  const path = [new Float64Array(n)];
  for (let k = 0; k < steps; k++) {
    const weights = path[k] ?? new Float64Array(n);
    const pull = product(moment, weights, n, 1);
    path.push(weights.map((weight, i) => weight - step * ((pull[i] ?? NaN) - (toward[i] ?? NaN))));
  }
  return (wanted) => product(queries, path[wanted] ?? new Float64Array(n).fill(NaN), n, 1);
}

function momentOf(rows: Float64Array, n: number): Float64Array {
  const moment = new Float64Array(n * n);
  const count = rows.length / n;
  for (let row = 0; row < count; row++)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        moment[i * n + j] =
          (moment[i * n + j] ?? NaN) + ((rows[row * n + i] ?? NaN) * (rows[row * n + j] ?? NaN)) / count;
  return moment;
}

function averaged(rows: Float64Array, targets: Float64Array, n: number): Float64Array {
  const sums = new Float64Array(n);
  rows.forEach((value, at) => {
    sums[at % n] = (sums[at % n] ?? NaN) + (value * (targets[Math.floor(at / n)] ?? NaN)) / targets.length;
  });
  return sums;
}

/** [rows, inner] times [inner, columns]. */
function product(left: Float64Array, right: Float64Array, inner: number, columns: number): Float64Array {
  const result = new Float64Array((left.length / inner) * columns);
  result.forEach((_, at) => {
    let sum = 0;
    for (let k = 0; k < inner; k++)
      sum += (left[Math.floor(at / columns) * inner + k] ?? NaN) * (right[k * columns + (at % columns)] ?? NaN);
    result[at] = sum;
  });
  return result;
}

/** Columns less their means over the first rows. */
function centred(values: Float64Array, columns: number, count: number, isScaled = false): Float64Array {
  const result = values.slice();
  for (let column = 0; column < columns; column++) {
    const mine = values.slice(0, count * columns).filter((_, at) => at % columns === column);
    const mean = mine.reduce((sum, value) => sum + value / count, 0);
    const unit = isScaled ? rootMeanSquare(mine.map((value) => value - mean)) || 1 : 1;
    for (let at = column; at < result.length; at += columns) result[at] = ((values[at] ?? NaN) - mean) / unit;
  }
  return result;
}

function standard(values: Float64Array, columns: number, count: number): Float64Array {
  return centred(values, columns, count, true);
}

/** The root of the mean square. */
function rootMeanSquare(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** Root mean square of a difference, over that of what is expected. */
export function relativeError(found: Float64Array, expected: Float64Array): number {
  return rootMeanSquare(found.map((value, at) => value - (expected[at] ?? NaN))) / rootMeanSquare(expected);
}
