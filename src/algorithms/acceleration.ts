/**
 * What makes Sinkhorn's iteration faster without changing its limit: over-relaxation (Thibault, Chizat, Dossal and Papadakis
 * 2017) with the factor that Lehmann, von Renesse, Sambale and Uschmajew (2022) derive from the rate of convergence, and
 * Anderson's extrapolation, tried every few iterations and taken back where it does not help. Host side only.
 */

/** How to accelerate. */
export type Acceleration = 'none' | 'over-relaxation' | 'anderson';

/** What acceleration did in a run. */
export interface AccelerationReport {
  readonly kind: Acceleration;
  /** The factor that the last steps were stretched by; 1 is the plain iteration. */
  readonly relaxation: number;
  /** Factors chosen, or extrapolations made. */
  readonly attempts: number;
  /** Of these, how many were taken back because the error grew. */
  readonly refused: number;
}

/** The factor that is best where the plain iteration shrinks the error by `rate` each time (Lehmann et al. 2022, eq. 5). */
export function bestRelaxation(rate: number): number {
  return 2 / (1 + Math.sqrt(1 - Math.min(Math.max(rate, 0), 1)));
}

/**
 * The rate of the plain iteration, from the rate that was seen with a factor: Young's relation
 * `(seen + factor - 1)^2 = seen * factor^2 * plain`, which holds while the factor is not above the best one.
 */
export function plainRate(seen: number, factor: number): number {
  return (seen + factor - 1) ** 2 / (seen * factor * factor);
}

/** Beyond this the iteration would hardly converge whatever the estimate says. */
const largestFactor = 1.99;
/** An error this many times the smallest one means that stretching did harm. */
const harm = 10;
/** Looks without progress after which stretching ends, and how often it may end before it is given up. */
const patience = 5;

/** Chooses the factor of over-relaxation from the errors that are looked at. */
export class Relaxation {
  /** What to stretch the next steps by. */
  factor = 1;
  attempts = 0;
  refused = 0;
  readonly #isFixed: boolean;
  #isOver = false;
  #lastError = NaN;
  #lastRate = NaN;
  #smallest = Infinity;
  #sinceProgress = 0;
  /** How often stretching ended. */
  #falls = 0;

  constructor(factor?: number) {
    this.#isFixed = factor !== undefined;
    if (factor !== undefined) {
      this.factor = factor;
      this.attempts = 1;
    }
  }

  /** Takes in the error after `iterations` more iterations with the present factor, and sets the next factor. */
  look(error: number, iterations: number): void {
    const rate = (error / this.#lastError) ** (1 / iterations);
    const agrees = Math.abs(rate - this.#lastRate) <= 0.5 * (1 - rate);
    this.#lastError = error;
    this.#lastRate = rate;
    this.#sinceProgress = error < 0.999 * this.#smallest ? 0 : this.#sinceProgress + 1;
    const grew = error > harm * this.#smallest;
    this.#smallest = Math.min(this.#smallest, error);
    if (this.#isOver) return;
    if (this.factor > 1 && (grew || this.#sinceProgress >= patience)) {
      this.refused += grew ? 1 : 0;
      this.#falls += 1;
      this.#isOver = this.#isFixed || this.#falls >= patience;
      this.#sinceProgress = 0;
      this.factor = 1;
      this.#lastRate = NaN;
    } else if (!this.#isFixed && agrees && rate > 0 && rate < 1) {
      // Above the best factor the error shrinks by factor - 1 whatever the rate of the plain iteration: nothing to learn.
      if (this.factor > 1 && rate <= this.factor - 1) return;
      const next = Math.min(largestFactor, bestRelaxation(plainRate(rate, this.factor)));
      if (next <= this.factor) return;
      this.factor = next;
      this.attempts += 1;
      this.#lastRate = NaN;
    }
  }
}

/** What the dual objective over epsilon may seem to move by in float32. */
const rounding = 1e-6;

interface Pair {
  readonly end: Float64Array;
  readonly residual: Float64Array;
}

/**
 * Anderson's extrapolation of the map "so many plain iterations", from the last few of its inputs and outputs (alternating
 * with plain iterations as in Pratapa, Suryanarayana and Pask 2016).
 */
export class Anderson {
  attempts = 0;
  refused = 0;
  readonly #depth: number;
  #pairs: readonly Pair[] = [];
  #start: Float64Array | undefined;
  /** The plain iterate to go back to, where the last start was extrapolated. */
  #plain: Float64Array | undefined;
  #lastError = Infinity;
  #lastValue = -Infinity;

  constructor(depth = 5) {
    this.#depth = depth;
  }

  /**
   * Takes in where the iteration came to, its error, and the dual objective over epsilon, which plain iterations never
   * lower; returns where to go on from instead, if anywhere. An extrapolation stands if the objective grew after it, or
   * stayed within rounding while the error fell.
   */
  next(end: Float64Array, error: number, value: number): Float64Array | undefined {
    const [start, plain] = [this.#start, this.#plain];
    const gain = value - this.#lastValue;
    const isBetter = gain > rounding || (gain >= -rounding && error <= this.#lastError);
    if (plain !== undefined && !isBetter) {
      this.refused += 1;
      this.#pairs = [];
      this.#start = plain;
      this.#plain = undefined;
      return plain;
    }
    this.#lastError = error;
    this.#lastValue = value;
    if (start !== undefined) {
      const pair = { end, residual: end.map((value, i) => value - (start[i] ?? 0)) };
      this.#pairs = [...this.#pairs, pair].slice(-this.#depth - 1);
    }
    const extrapolated = extrapolate(this.#pairs);
    this.#start = extrapolated ?? end;
    this.#plain = extrapolated === undefined ? undefined : end;
    if (extrapolated !== undefined) this.attempts += 1;
    return extrapolated;
  }
}

/** Relative to the largest diagonal entry: what keeps the least squares problem solvable where residuals are nearly parallel. */
const ridge = 1e-10;

/** The combination of the outputs whose residuals combine to the least; undefined with fewer than two pairs. */
function extrapolate(pairs: readonly Pair[]): Float64Array | undefined {
  const last = pairs.at(-1);
  const earlier = pairs.slice(0, -1);
  if (last === undefined || earlier.length === 0) return undefined;
  const differences = earlier.map(({ residual }) => last.residual.map((value, i) => value - (residual[i] ?? 0)));
  const gram = differences.map((a) => differences.map((b) => inner(a, b)));
  const largest = Math.max(...gram.map((row, i) => row[i] ?? 0));
  if (!(largest > 0)) return undefined;
  gram.forEach((row, i) => (row[i] = (row[i] ?? 0) + ridge * largest));
  const weights = solve(
    gram,
    differences.map((difference) => inner(difference, last.residual)),
  );
  if (!weights.every(Number.isFinite)) return undefined;
  return last.end.map((value, i) =>
    weights.reduce((sum, weight, k) => sum - weight * (value - (earlier[k]?.end[i] ?? 0)), value),
  );
}

function inner(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

/** Solves a small positive definite system by elimination. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const size = rows.length;
  const entry = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let k = 0; k < size; k++) {
    for (let i = k + 1; i < size; i++) {
      const factor = entry(i, k) / entry(k, k);
      rows[i] = (rows[i] ?? []).map((value, j) => value - factor * entry(k, j));
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let k = size - 1; k >= 0; k--) {
    let rest = entry(k, size);
    for (let j = k + 1; j < size; j++) rest -= entry(k, j) * (solution[j] ?? 0);
    solution[k] = rest / entry(k, k);
  }
  return solution;
}
