/** The barycentric map of a solved problem, extended to points that took no part in it. */
import { InvalidInputError } from '../device/errors';
import { packedWidth, packPoints } from '../kernels/pairs';
import { barycentricMap, type Potentials } from '../kernels/transport';
import type { PlacedProblem } from './transport-problem';

/** Points mapped at once: what bounds the memory. */
const batch = 65_536;

/**
 * Where the plan takes points: for each of `points` (in the coordinates of the problem's x) the mean of the problem's y under
 * the plan's row, which the column potential g extends to any point. Returns as many points. Needs a problem of points.
 */
export async function mapPoints(
  problem: PlacedProblem,
  potentials: Potentials,
  epsilon: number,
  points: ArrayLike<number>,
): Promise<Float64Array<ArrayBuffer>> {
  const { device, pairs, dimension, xShift, yShift } = problem;
  if ('matrix' in pairs)
    throw new InvalidInputError('A cost matrix says nothing about new points: give the problem as points.');
  const count = points.length / dimension;
  const width = packedWidth(dimension);
  const mapped = new Float64Array(count * dimension);
  for (let start = 0; start < count; start += batch) {
    using _scope = device.scope();
    const size = Math.min(batch, count - start);
    const shifted = Float64Array.from(
      { length: size * dimension },
      (_, at) => (points[start * dimension + at] ?? 0) - (xShift[at % dimension] ?? 0),
    );
    const x = device.tensor(packPoints(shifted, dimension), [size, width]);
    const means = await barycentricMap(
      { ...pairs, x },
      pairs.y,
      { rows: device.full([size, 2], 0), columns: potentials.columns },
      epsilon,
    ).read();
    for (let at = 0; at < shifted.length; at++) {
      const k = at % dimension;
      mapped[start * dimension + at] = (means[Math.floor(at / dimension) * width + k] ?? 0) + (yShift[k] ?? 0);
    }
  }
  return mapped;
}
