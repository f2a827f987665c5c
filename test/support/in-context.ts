/** Least squares by the book in float64: what hand-built transformers must do, written without tokens. */
import type { RegressionPrompt } from '../../src/algorithms/looped-transformer';
import { uniformSource } from './numbers';

/** A seeded prompt; inputs uniform on [-1, 1), centred over the examples if asked. */
export function prompt(inputs: number, examples: number, queries: number, seed: number, centred = false) {
  const draw = uniformSource(seed);
  const some = (count: number): Float64Array<ArrayBuffer> => new Float64Array(count).map(() => 2 * draw() - 1);
  const made = { inputs, examples: some(inputs * examples), targets: some(examples), queries: some(inputs * queries) };
  for (let column = 0; centred && column < inputs; column++) {
    const mine = made.examples.filter((_, at) => at % inputs === column);
    const mean = mine.reduce((sum, value) => sum + value, 0) / examples;
    made.examples = made.examples.map((value, at) => (at % inputs === column ? value - mean : value));
  }
  return made;
}

const entry = (values: Float64Array, at: number): number => values[at] ?? NaN;

function predict({ inputs, queries }: RegressionPrompt, weights: Float64Array): Float64Array {
  return Float64Array.from({ length: queries.length / inputs }, (_, row) =>
    weights.reduce((sum, weight, k) => sum + weight * entry(queries, row * inputs + k), 0),
  );
}

/** Predictions after steps of gradient descent on |X w - y|^2 / (2 N) from zero. */
export function descend(task: RegressionPrompt, step: number, steps: number): Float64Array {
  const { inputs, examples, targets } = task;
  const weights = new Float64Array(inputs);
  for (let k = 0; k < steps; k++) {
    const gradient = new Float64Array(inputs);
    targets.forEach((target, row) => {
      let residual = -target;
      for (let i = 0; i < inputs; i++) residual += entry(weights, i) * entry(examples, row * inputs + i);
      for (let i = 0; i < inputs; i++)
        gradient[i] = entry(gradient, i) + (residual * entry(examples, row * inputs + i)) / targets.length;
    });
    gradient.forEach((value, i) => (weights[i] = entry(weights, i) - step * value));
  }
  return predict(task, weights);
}

/** Predictions with A X^T y / N, A from step I after steps of A <- 2 A - A S A. */
export function newton(task: RegressionPrompt, step: number, steps: number): Float64Array {
  const { inputs: n, examples, targets } = task;
  const count = targets.length;
  const moment = new Float64Array(n * n);
  const product = new Float64Array(n);
  targets.forEach((target, row) => {
    for (let i = 0; i < n; i++) {
      const x = entry(examples, row * n + i) / count;
      product[i] = entry(product, i) + x * target;
      for (let j = 0; j < n; j++) moment[i * n + j] = entry(moment, i * n + j) + x * entry(examples, row * n + j);
    }
  });
  const times = (a: Float64Array, b: Float64Array): Float64Array =>
    Float64Array.from({ length: n * n }, (_, at) => {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += entry(a, Math.floor(at / n) * n + k) * entry(b, k * n + (at % n));
      return sum;
    });
  let inverse: Float64Array = Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? step : 0));
  for (let k = 0; k < steps; k++) {
    const square = times(times(inverse, moment), inverse);
    inverse = inverse.map((value, at) => 2 * value - entry(square, at));
  }
  const weights = Float64Array.from({ length: n }, (_, i) =>
    product.reduce((sum, value, j) => sum + value * entry(inverse, i * n + j), 0),
  );
  return predict(task, weights);
}

/** The largest difference over the largest number. */
export function relative(found: Float64Array, expected: Float64Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = found.reduce((most, value, at) => Math.max(most, Math.abs(value - entry(expected, at))), 0);
  return found.length === expected.length ? difference / Math.max(largest, 1e-300) : NaN;
}
