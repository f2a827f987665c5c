/** Optimal transport on a line, exactly and on the host: for a convex cost of the distance mass keeps its order. */
import { normalizedWeights } from '../data/weights';
import { InvalidInputError } from '../device/errors';

/** Two weighted sets of numbers. */
export interface LineProblem {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Not negative, summing to one. Uniform where they are left out. */
  readonly rowWeights?: ArrayLike<number> | undefined;
  readonly columnWeights?: ArrayLike<number> | undefined;
}

/**
 * `min <P, |x_i - y_j|^power>` for a power of at least 1: the integral of |F^-1 - G^-1|^power over the quantiles, merged in
 * order (Peyre and Cuturi 2019, section 2.6). W_p is its `1 / power`-th power. Throws `InvalidInputError` for weights that are
 * none, numbers that are not finite and a power below 1, for which order is not kept.
 */
export function lineTransport({ x, y, rowWeights, columnWeights }: LineProblem, power: number): number {
  if (!(power >= 1 && Number.isFinite(power)))
    throw new InvalidInputError('power must be a number of at least 1.', { field: 'power' });
  const sources = inOrder(x, rowWeights, 'x', 'row weights');
  const targets = inOrder(y, columnWeights, 'y', 'column weights');
  let cost = 0;
  let [i, j, sent, received] = [0, 0, 0, 0];
  for (let source = sources[0], target = targets[0]; source !== undefined && target !== undefined;) {
    const moved = Math.min(source.weight - sent, target.weight - received);
    cost += moved * Math.abs(source.place - target.place) ** power;
    sent += moved;
    received += moved;
    if (sent >= source.weight) {
      source = sources[++i];
      sent = 0;
    }
    if (received >= target.weight) {
      target = targets[++j];
      received = 0;
    }
  }
  return cost;
}

function inOrder(
  places: ArrayLike<number>,
  given: ArrayLike<number> | undefined,
  name: string,
  weightName: string,
): { readonly place: number; readonly weight: number }[] {
  if (given !== undefined && given.length !== places.length) {
    throw new InvalidInputError(
      `There are ${String(given.length)} ${weightName} for ${String(places.length)} points: give one each.`,
      { field: weightName },
    );
  }
  const equal = new Float64Array(places.length).fill(1 / places.length);
  const weights = normalizedWeights(given ?? equal, { name: weightName });
  const points = Array.from(weights, (weight, i) => ({ place: places[i] ?? NaN, weight }));
  const wrong = points.findIndex(({ place }) => !Number.isFinite(place));
  if (wrong >= 0) {
    throw new InvalidInputError(`${name} holds ${String(places[wrong])} at index ${String(wrong)}.`, { field: name });
  }
  return points.sort((p, q) => p.place - q.place);
}
