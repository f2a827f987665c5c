/** Probability weights, checked before a transport problem or a sampler believes them. */
import { InvalidInputError } from '../device/errors';

/** How weights are checked. */
export interface WeightOptions {
  /** Divide by the sum instead of refusing weights that do not sum to one. Default false. */
  readonly normalize?: boolean;
  /** How the message calls them. Default `weights`. */
  readonly name?: string;
}

/** How far a sum may be from one: the rounding of weights that were written as float32. */
const SUM_TOLERANCE = 1e-5;

/**
 * Copies weights to float64 so that they sum to one exactly up to float64 rounding. Throws `InvalidInputError` for none at
 * all, for a weight that is negative, NaN or infinite (naming its index), for all zero, and for a sum further than 1e-5
 * from one unless `normalize` is set.
 */
export function normalizedWeights(
  weights: ArrayLike<number>,
  { normalize = false, name = 'weights' }: WeightOptions = {},
): Float64Array<ArrayBuffer> {
  if (weights.length === 0) throw new InvalidInputError(`The ${name} are empty: give at least one.`, { field: name });
  const result = new Float64Array(weights.length);
  let largest = 0;
  for (let index = 0; index < weights.length; index++) {
    const weight = weights[index] ?? NaN;
    if (!Number.isFinite(weight) || weight < 0) {
      throw new InvalidInputError(
        `The ${name} hold ${String(weight)} at index ${index}: every weight must be zero or a positive number.`,
        {
          field: name,
          index,
        },
      );
    }
    largest = Math.max(largest, weight);
    result[index] = weight;
  }
  if (largest === 0)
    throw new InvalidInputError(`The ${name} are all zero: give at least one of them mass.`, { field: name, sum: 0 });
  // Scaled by the largest, so that the sum neither overflows nor underflows.
  const scaledSum = result.reduce((total, weight) => total + weight / largest, 0);
  const sum = scaledSum * largest;
  if (!normalize && !(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
    throw new InvalidInputError(
      `The ${name} sum to ${String(Number(sum.toPrecision(6)))} instead of 1: divide them by their sum.`,
      {
        field: name,
        sum,
      },
    );
  }
  return result.map((weight) => weight / largest / scaledSum);
}
