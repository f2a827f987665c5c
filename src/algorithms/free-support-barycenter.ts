/**
 * Barycenters of point clouds (Cuturi and Doucet 2014): points of equal mass go, step by step, to the weighted mean of where
 * the entropic plans to all clouds take them. Streaming: no cost matrix is stored.
 */
import { normalizedWeights } from '../data/weights';
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { solveSinkhorn } from './sinkhorn';
import { mapPoints } from './transport-map';

/** Clouds and the points that become their barycenter. */
export interface FreeSupportProblem {
  /** Points one after the other, `dimension` numbers each, and their masses (equal where they are left out). */
  readonly clouds: readonly { readonly points: ArrayLike<number>; readonly masses?: ArrayLike<number> }[];
  readonly dimension: number;
  /** Weights of the clouds, summing to one. Default: all equal. */
  readonly weights?: readonly number[];
  /** Where the barycenter's points start. */
  readonly start: ArrayLike<number>;
}

/** How to solve. */
export interface FreeSupportOptions {
  /** In `<P, C> + epsilon sum P log P` with the squared Euclidean cost. It pulls points together: small is sharp. */
  readonly epsilon: number;
  /** Stop when the points move less than this, root mean square. Default 1e-4. */
  readonly tolerance?: number;
  /** Default 50. */
  readonly maximumSteps?: number;
}

/** Where the points are. */
export interface FreeSupportStep {
  readonly step: number;
  /** How far the last step moved the points, root mean square. */
  readonly movement: number;
  readonly points: Float64Array;
}

/** Moves the points until they rest. Throws `InvalidInputError` for clouds, weights or points that make no sense. */
export async function* freeSupportBarycenter(
  device: Device,
  { clouds, dimension, weights, start }: FreeSupportProblem,
  { epsilon, tolerance = 1e-4, maximumSteps = 50 }: FreeSupportOptions,
): AsyncGenerator<FreeSupportStep, FreeSupportStep & { readonly status: 'converged' | 'not-converged' }> {
  if (clouds.length === 0) throw new InvalidInputError('There are no clouds: give at least one.', { field: 'clouds' });
  const shares = normalizedWeights(weights ?? clouds.map(() => 1 / clouds.length), { name: 'barycenter weights' });
  if (shares.length !== clouds.length) {
    const message = `There are ${String(shares.length)} barycenter weights for ${String(clouds.length)} clouds: give one each.`;
    throw new InvalidInputError(message, { field: 'weights' });
  }
  let state: FreeSupportStep = { step: 0, movement: Infinity, points: Float64Array.from(start) };
  while (state.step < maximumSteps && state.movement > tolerance) {
    const points = new Float64Array(state.points.length);
    for (const [k, { points: y, masses }] of clouds.entries()) {
      const share = shares[k] ?? 0;
      if (share === 0) continue;
      using _scope = device.scope();
      const problem = { x: state.points, y, dimension, columnWeights: masses };
      const plan = await solveSinkhorn(device, problem, { epsilon, tolerance: 1e-5, scaling: 0.5 });
      const mapped = await mapPoints(plan.problem, plan.potentials, plan.epsilon, state.points);
      mapped.forEach((value, at) => (points[at] = (points[at] ?? 0) + share * value));
    }
    const moved = points.reduce((sum, value, at) => sum + (value - (state.points[at] ?? NaN)) ** 2, 0);
    state = { step: state.step + 1, movement: Math.sqrt((moved * dimension) / points.length), points };
    yield state;
  }
  return { ...state, status: state.movement <= tolerance ? 'converged' : 'not-converged' };
}
