/**
 * HiPPO-LegS, the state matrix that compresses a signal's past into Legendre coefficients (Gu et al. 2020, 2022), in float64:
 * x' = A x + B u with A lower triangular. Its kernels and its transfer functions have closed forms, so the truth that
 * diagonal systems are held against needs no matrix exponential.
 */
import { InvalidInputError } from '../device/errors';

/** Matrices of HiPPO-LegS. */
export interface Hippo {
  /** A, [size, size]: -sqrt((2 i + 1) (2 j + 1)) below the diagonal, -(i + 1) on it. */
  readonly state: Float64Array<ArrayBuffer>;
  /** B, [size]: sqrt(2 i + 1). */
  readonly input: Float64Array<ArrayBuffer>;
}

/** A and B of HiPPO-LegS. Throws `InvalidInputError` unless the size is a positive whole number. */
export function hippoLegS(size: number): Hippo {
  if (!Number.isInteger(size) || size < 1)
    throw new InvalidInputError('A HiPPO matrix needs a positive whole number of states.', { field: 'size' });
  const input = Float64Array.from({ length: size }, (_, i) => Math.sqrt(2 * i + 1));
  const state = Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    return i === j ? -(i + 1) : i > j ? -(input[i] ?? 0) * (input[j] ?? 0) : 0;
  });
  return { state, input };
}

/**
 * The normal part of A: A + P P^T with P = B / sqrt(2), which is -I/2 plus a skew-symmetric matrix. S4D-LegS keeps its
 * eigenvalues and halves B (Gu et al. 2022, theorem 3).
 */
export function normalPart({ state, input }: Hippo): Float64Array<ArrayBuffer> {
  const size = input.length;
  return state.map((value, at) => value + 0.5 * (input[Math.floor(at / size)] ?? 0) * (input[at % size] ?? 0));
}

/** A complex number. */
export type Complex = readonly [re: number, im: number];

const product = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const quotient = ([a, b]: Complex, [c, d]: Complex): Complex => {
  const square = c * c + d * d;
  return [(a * c + b * d) / square, (b * c - a * d) / square];
};

/**
 * C (s I - A)^-1 B of HiPPO-LegS, for real C. Forward substitution collapses: state i is sqrt(2 i + 1) / (s + i + 1) times
 * the product of (s - k) / (s + k + 1) over k < i.
 */
export function hippoTransfer(output: ArrayLike<number>, s: Complex): Complex {
  let rest: Complex = [1, 0];
  let [re, im] = [0, 0];
  for (let i = 0; i < output.length; i++) {
    const divided = quotient(rest, [s[0] + i + 1, s[1]]);
    const weight = (output[i] ?? 0) * Math.sqrt(2 * i + 1);
    re += weight * divided[0];
    im += weight * divided[1];
    rest = product(divided, [s[0] - i, s[1]]);
  }
  return [re, im];
}

/**
 * How S4D-LegS (the normal part with B / 2) differs from HiPPO-LegS of the same size: its transfer function is that of HiPPO
 * times this, whatever C is. By the Sherman-Morrison formula it is 1 / (1 + p) with p the product of (s - k) / (s + k + 1)
 * over all k < size: |p| = w / sqrt(w² + size²) at s = i w, which vanishes as the size grows at each w but not for all w at once.
 */
export function diagonalFactor(size: number, s: Complex): Complex {
  let p: Complex = [1, 0];
  for (let k = 0; k < size; k++) p = quotient(product(p, [s[0] - k, s[1]]), [s[0] + k + 1, s[1]]);
  return quotient([1, 0], [1 + p[0], p[1]]);
}

/**
 * The kernel of HiPPO-LegS under zero-order hold, exactly: the integral of C exp(t A) B over each step, [length]. State i of
 * exp(t A) B is sqrt(2 i + 1) exp(-t) P_i(2 exp(-t) - 1) with Legendre's polynomials P_i, which has an antiderivative.
 */
export function hippoKernel(output: ArrayLike<number>, step: number, length: number): Float64Array<ArrayBuffer> {
  let before = antiderivative(output, 1);
  return Float64Array.from({ length }, (_, at) => {
    const after = antiderivative(output, 2 * Math.exp(-(at + 1) * step) - 1);
    const value = before - after;
    before = after;
    return value;
  });
}

/** sum_i C_i sqrt(2 i + 1) P_i(2 exp(-t) - 1) at t = lag: how far back in the past a state's coefficients C say what. */
export function legendreSum(output: ArrayLike<number>, lag: number): number {
  const values = legendre(output.length, 2 * Math.exp(-lag) - 1);
  return values
    .slice(0, output.length)
    .reduce((sum, value, i) => sum + (output[i] ?? 0) * Math.sqrt(2 * i + 1) * value, 0);
}

/** An antiderivative of sum_i C_i sqrt(2 i + 1) P_i(x) / 2. */
function antiderivative(output: ArrayLike<number>, x: number): number {
  const values = legendre(output.length, x);
  let sum = 0;
  for (let i = 0; i < output.length; i++) {
    const integral = i === 0 ? x : ((values[i + 1] ?? 0) - (values[i - 1] ?? 0)) / (2 * i + 1);
    sum += 0.5 * (output[i] ?? 0) * Math.sqrt(2 * i + 1) * integral;
  }
  return sum;
}

/** P_0(x) to P_count(x), by Bonnet's recursion. */
function legendre(count: number, x: number): Float64Array {
  const values = Float64Array.of(1, x, ...new Float64Array(Math.max(0, count - 1)));
  for (let i = 2; i <= count; i++)
    values[i] = ((2 * i - 1) * x * (values[i - 1] ?? 0) - (i - 1) * (values[i - 2] ?? 0)) / i;
  return values;
}
