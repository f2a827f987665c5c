/**
 * Attention through polynomial features: exp(x) is replaced by a polynomial, whose value at an inner product is an inner
 * product of monomials, so that the weights factorise and n^2 (or n^3) of them are never formed (Alman and Song, NeurIPS 2023
 * and ICLR 2024). It is good while logits are small, and breaks as they grow.
 */
import { InvalidInputError } from '../device/errors';
import type { Device, Tensor } from '../device/device';
import { combine, map } from '../kernels/elementwise';
import { matmul } from '../kernels/matmul';
import { contractRows, listMonomials, monomialFeatures, type Monomials } from '../kernels/polynomial';
import { tensorAttentionShape, type TensorAttentionInput } from '../kernels/tensor-attention';

/** How exp is approximated: by its Taylor polynomial at 0, or by Chebyshev's on the range of the logits. */
export type ExponentialApproximation = 'taylor' | 'chebyshev';

/** Options of `polynomialAttention`. */
export interface PolynomialAttentionOptions {
  /** The degree of the polynomial. Taylor's has no zero where it is even; Chebyshev's may turn negative where it is poor. */
  readonly degree: number;
  /** What logits are multiplied by. Default 1 / dimension. */
  readonly scale?: number;
  /** Default `taylor`. */
  readonly approximation?: ExponentialApproximation;
  /** For `chebyshev`: logits are taken to lie in [-bound, bound]. Default 1. */
  readonly bound?: number;
}

/**
 * p_0 ... p_degree with sum p_j x^j close to exp(x): Taylor's 1 / j!, or the truncated Chebyshev series on [-bound, bound],
 * exp(bound t) = I_0(bound) + 2 sum I_k(bound) T_k(t).
 */
export function exponentialPolynomial(
  degree: number,
  approximation: ExponentialApproximation,
  bound = 1,
): Float64Array {
  const coefficients = new Float64Array(degree + 1);
  switch (approximation) {
    case 'taylor':
      for (let j = 0, factorial = 1; j <= degree; factorial *= ++j) coefficients[j] = 1 / factorial;
      return coefficients;
    case 'chebyshev': {
      if (!(bound > 0 && bound <= 80)) {
        throw new InvalidInputError(`The bound on the logits must lie in (0, 80], not ${bound}.`, { field: 'bound' });
      }
      // T_k by its recurrence, as coefficients of t; t = x / bound at the end.
      let [before, current] = [Float64Array.of(1), Float64Array.of(0, 1)];
      coefficients[0] = besselI(0, bound);
      for (let k = 1; k <= degree; k++) {
        const weight = 2 * besselI(k, bound);
        current.forEach((value, j) => (coefficients[j] = (coefficients[j] ?? 0) + weight * value));
        const next = new Float64Array(k + 2);
        current.forEach((value, j) => (next[j + 1] = 2 * value));
        before.forEach((value, j) => (next[j] = (next[j] ?? 0) - value));
        [before, current] = [current, next];
      }
      return coefficients.map((value, j) => value / bound ** j);
    }
    default:
      return approximation satisfies never;
  }
}

/** The modified Bessel function of the first kind, by its power series: all terms are positive. */
function besselI(order: number, x: number): number {
  let term = 1;
  for (let j = 1; j <= order; j++) term *= x / 2 / j;
  let sum = term;
  for (let j = 1; term > 1e-18 * sum; j++) {
    term *= (x / 2) ** 2 / (j * (j + order));
    sum += term;
  }
  return sum;
}

/** The monomials on a device, with the weights that make an inner product of features the polynomial of an inner product. */
export interface FeatureMap {
  readonly monomials: Monomials;
  /** Features of keys: the bare monomials, [rows, features]. */
  keys(rows: Tensor): Tensor;
  /** Features of queries: the monomials times their weights in the polynomial, [rows, features]. */
  queries(rows: Tensor): Tensor;
}

/** Prepares features for rows of so many columns. Throws `InvalidInputError` where there would be too many. */
export function makeFeatureMap(device: Device, columns: number, options: PolynomialAttentionOptions): FeatureMap {
  const { degree, scale = 1 / columns, approximation = 'taylor', bound } = options;
  const monomials = listMonomials(columns, degree);
  const { count, multiplicities, degrees } = monomials;
  const polynomial = exponentialPolynomial(degree, approximation, bound);
  // (scale q.k)^j is the sum over the monomials of degree j of multiplicity * scale^j * q^a k^a, whatever many lists of keys.
  const weights = multiplicities.map((times, at) => {
    const j = degrees[at] ?? 0;
    return times * scale ** j * (polynomial[j] ?? 0);
  });
  const factors = device.tensor(monomials.factors, [count, degree], 'u32');
  const [bare, weighted] = [device.full([count], 1), device.tensor(weights, [count])];
  return {
    monomials,
    keys: (rows) => monomialFeatures(rows, factors, bare),
    queries: (rows) => monomialFeatures(rows, factors, weighted),
  };
}

/** What keys and values come down to: all that queries need of them. */
export interface KeySummary {
  /** [features, value dimension]. */
  readonly values: Tensor;
  /** [features, 1]. */
  readonly counts: Tensor;
}

/** Phi(K)^T V and Phi(K)^T 1 of one list: keys [m, d], values [m, dv]. */
export function summarizeKeys(features: FeatureMap, keys: Tensor, values: Tensor): KeySummary {
  const device = keys.device;
  using scope = device.scope();
  const phi = features.keys(keys);
  const ones = device.full([keys.shape[0] ?? 0, 1], 1);
  return {
    values: scope.keep(matmul(phi, values, { transposeA: true })),
    counts: scope.keep(matmul(phi, ones, { transposeA: true })),
  };
}

/** Attention of queries [n, d] to what was summarised: [n, value dimension]. */
export function attendToSummary(features: FeatureMap, queries: Tensor, summary: KeySummary): Tensor {
  using scope = queries.device.scope();
  const phi = features.queries(queries);
  const normaliser = matmul(phi, summary.counts);
  return scope.keep(contractRows(matmul(phi, summary.values), map(normaliser, 'reciprocal', { out: normaliser })));
}

/** The summary of all tuples of keys from two lists is the product of their summaries: monomials are multiplicative. */
function combineSummaries(first: KeySummary, second: KeySummary): KeySummary {
  return {
    values: combine(first.values, second.values, 'multiply'),
    counts: combine(first.counts, second.counts, 'multiply'),
  };
}

/**
 * Attention of queries [n, d] to all tuples of keys from one or more lists [m, d], with values [m, dv]: like `attention` for
 * one list and `tensorAttention` for more, up to the error of the polynomial. Takes O((n + m) r dv) steps for r =
 * (d + degree choose degree) features. Throws `InvalidInputError` for lists that do not fit each other.
 */
export function polynomialAttention(input: TensorAttentionInput, options: PolynomialAttentionOptions): Tensor {
  const { dimension } = tensorAttentionShape(input, options);
  const device = input.queries.device;
  using scope = device.scope();
  const features = makeFeatureMap(device, dimension, options);
  const summaries = input.keys.map((keys, at) => {
    const values = input.values[at];
    if (values === undefined) throw new InvalidInputError('A list of keys has no values.', { field: 'values' });
    return summarizeKeys(features, keys, values);
  });
  const all = summaries.reduce((product, summary) => combineSummaries(product, summary));
  return scope.keep(attendToSummary(features, input.queries, all));
}
