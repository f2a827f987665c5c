/**
 * A mixture of linear regressions with a linear router, fitted by expectation and maximisation (Jacobs, Jordan, Nowlan and
 * Hinton 1991; Jordan and Jacobs 1994): small enough for the host, in float64.
 */
import { InvalidInputError } from '../device/errors';

/** Rows of inputs `[rows, inputs]` and a target for each. */
export interface RegressionTask {
  readonly inputs: Float64Array;
  readonly targets: Float64Array;
  /** Rows from here on are held back from fitting: the errors are theirs. */
  readonly held: number;
}

/** Root mean squared errors on the rows held back, after some rounds. */
export interface RegressionErrors {
  readonly round: number;
  /** One regression for all rows. */
  readonly single: number;
  /** The expert that the router finds most likely. */
  readonly chosen: number;
  /** All experts, each times its gate. */
  readonly mixed: number;
}

/** Pulls an expert towards the single regression as strongly as this many rows. */
const priorRows = 4;
/** Pulls the router's weights towards zero. */
const routerDecay = 0.01;
const routerSteps = 12;

/**
 * Fits `experts` regressions and their router, and yields the errors after every round. Starts from `starts`, a row that stands
 * for each expert: rows begin with the nearest of them. Throws `InvalidInputError` where fewer than two rows are left to fit
 * or none is held back.
 */
export function* fitExperts(
  task: RegressionTask,
  starts: readonly number[],
  rounds: number,
): Generator<RegressionErrors> {
  const { targets, held } = task;
  const rows = targets.length;
  if (!(held >= 2 && held < rows) || task.inputs.length % rows !== 0 || starts.length === 0) {
    throw new InvalidInputError('A regression needs two rows or more to fit, one or more held back, and an expert.', {
      field: 'held',
    });
  }
  const width = task.inputs.length / rows + 1;
  const experts = starts.length;
  // A constant in front.
  const inputs = Array.from({ length: rows }, (_, row) => [
    1,
    ...task.inputs.subarray(row * (width - 1), (row + 1) * (width - 1)),
  ]);
  const fit = { inputs: inputs.slice(0, held), targets: targets.subarray(0, held) };
  const single = leastSquares(fit, () => 1, new Float64Array(width), 1e-9);
  const nearest = fit.inputs.map((row) => indexOfLeast(starts.map((start) => distance(row, inputs[start] ?? []))));
  let shares = nearest.map((expert) => Float64Array.from({ length: experts }, (_, e) => (e === expert ? 1 : 0)));
  const router = Array.from({ length: experts }, () => new Float64Array(width));
  for (let round = 1; round <= rounds; round++) {
    const weights = Array.from({ length: experts }, (_, e) =>
      leastSquares(fit, (row) => shares[row]?.[e] ?? 0, single, priorRows),
    );
    let squares = 0;
    fit.inputs.forEach((row, at) => {
      weights.forEach((weight, e) => {
        squares += (shares[at]?.[e] ?? 0) * (dot(weight, row) - (targets[at] ?? 0)) ** 2;
      });
    });
    const variance = Math.max(1e-12, squares / held);
    trainRouter(router, fit.inputs, shares);
    shares = fit.inputs.map((row, at) =>
      softmax(
        router.map(
          (gate, e) => dot(gate, row) - (dot(weights[e] ?? [], row) - (targets[at] ?? 0)) ** 2 / (2 * variance),
        ),
      ),
    );
    const errors = { single: 0, chosen: 0, mixed: 0 };
    for (let at = held; at < rows; at++) {
      const row = inputs[at] ?? [];
      const gates = softmax(router.map((gate) => dot(gate, row)));
      const answers = weights.map((weight) => dot(weight, row));
      const target = targets[at] ?? 0;
      errors.single += (dot(single, row) - target) ** 2;
      errors.chosen += ((answers[gates.indexOf(Math.max(...gates))] ?? NaN) - target) ** 2;
      errors.mixed += (dot(gates, answers) - target) ** 2;
    }
    const root = (sum: number) => Math.sqrt(sum / (rows - held));
    yield { round, single: root(errors.single), chosen: root(errors.chosen), mixed: root(errors.mixed) };
  }
}

interface FittedRows {
  readonly inputs: readonly (readonly number[])[];
  readonly targets: Float64Array;
}

/** Weighted least squares with a pull of `ridge` rows towards `prior`, by Cholesky factors of the normal equations. */
function leastSquares(
  { inputs, targets }: FittedRows,
  shareOf: (row: number) => number,
  prior: Float64Array,
  ridge: number,
): Float64Array {
  const width = prior.length;
  const lower = Array.from({ length: width }, (_, i) => Float64Array.from(prior, (__, j) => (i === j ? ridge : 0)));
  const right = prior.map((value) => ridge * value);
  inputs.forEach((row, at) => {
    const share = shareOf(at);
    if (share === 0) return;
    row.forEach((value, i) => {
      right[i] = (right[i] ?? 0) + share * value * (targets[at] ?? 0);
      const line = lower[i];
      if (line !== undefined) for (let j = 0; j <= i; j++) line[j] = (line[j] ?? 0) + share * value * (row[j] ?? 0);
    });
  });
  const at = (i: number, j: number): number => lower[i]?.[j] ?? 0;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = at(i, j);
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k);
      const line = lower[i];
      // Columns that say the same leave next to nothing on the diagonal.
      if (line !== undefined) line[j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / at(j, j);
    }
  }
  for (let i = 0; i < width; i++) {
    for (let k = 0; k < i; k++) right[i] = (right[i] ?? 0) - at(i, k) * (right[k] ?? 0);
    right[i] = (right[i] ?? 0) / at(i, i);
  }
  for (let i = width - 1; i >= 0; i--) {
    for (let k = i + 1; k < width; k++) right[i] = (right[i] ?? 0) - at(k, i) * (right[k] ?? 0);
    right[i] = (right[i] ?? 0) / at(i, i);
  }
  return right;
}

/** Steps down the cross-entropy of the router against the shares, with step 1 / curvature bound of softmax regression. */
function trainRouter(
  router: readonly Float64Array[],
  inputs: readonly (readonly number[])[],
  shares: readonly Float64Array[],
): void {
  const squared = inputs.reduce((sum, row) => sum + dot(row, row), 0) / inputs.length;
  const rate = 1 / (squared / 2 + routerDecay);
  const slopes = router.map((gate) => new Float64Array(gate.length));
  for (let step = 0; step < routerSteps; step++) {
    for (const slope of slopes) slope.fill(0);
    for (const [at, row] of inputs.entries()) {
      const gates = softmax(router.map((gate) => dot(gate, row)));
      for (const [e, slope] of slopes.entries()) {
        const off = ((gates[e] ?? 0) - (shares[at]?.[e] ?? 0)) / inputs.length;
        for (let i = 0; i < slope.length; i++) slope[i] = (slope[i] ?? 0) + off * (row[i] ?? 0);
      }
    }
    for (const [e, gate] of router.entries()) {
      for (let i = 0; i < gate.length; i++)
        gate[i] = (gate[i] ?? 0) - rate * ((slopes[e]?.[i] ?? 0) + routerDecay * (gate[i] ?? 0));
    }
  }
}

function softmax(logits: readonly number[]): Float64Array<ArrayBuffer> {
  const most = Math.max(...logits);
  const terms = Float64Array.from(logits, (value) => Math.exp(value - most));
  const sum = terms.reduce((total, term) => total + term, 0);
  return terms.map((term) => term / sum);
}

function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] ?? 0) * (y[i] ?? 0);
  return sum;
}

const distance = (x: readonly number[], y: readonly number[]): number =>
  x.reduce((sum, value, i) => sum + (value - (y[i] ?? 0)) ** 2, 0);

const indexOfLeast = (values: readonly number[]): number => values.indexOf(Math.min(...values));
