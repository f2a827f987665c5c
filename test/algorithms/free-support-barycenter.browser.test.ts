/** Barycenters of point clouds: means, translates, and bad input. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import {
  freeSupportBarycenter,
  type FreeSupportOptions,
  type FreeSupportProblem,
} from '../../src/algorithms/free-support-barycenter';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

async function solve(device: Device, problem: FreeSupportProblem, options: FreeSupportOptions) {
  using _scope = device.scope();
  const steps = freeSupportBarycenter(device, problem, options);
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value;
}

const mean = (points: ArrayLike<number>, axis: number): number =>
  Array.from(points).reduce((sum, value, at) => sum + (at % 2 === axis ? value : 0), 0) / (points.length / 2);

describe.each([['GPU', gpu] as const, ['reference device', cpu] as const])('on the %s', (_name, device) => {
  it('has the weighted mean of the clouds’ means', async () => {
    const clouds = [
      { points: float32s(40, 1) },
      { points: float32s(60, 2, 2, 3) },
      { points: float32s(20, 3, -4, -3) },
    ];
    const weights = [0.5, 0.3, 0.2];
    const { points } = await solve(
      device,
      { clouds, weights, dimension: 2, start: float32s(30, 4) },
      { epsilon: 0.5, maximumSteps: 3 },
    );
    for (const axis of [0, 1]) {
      const wanted = clouds.reduce((sum, cloud, k) => sum + (weights[k] ?? 0) * mean(cloud.points, axis), 0);
      // Marginals are right to 1e-5 of the clouds' extent.
      expect(Math.abs(mean(points, axis) - wanted)).toBeLessThanOrEqual(1e-4);
    }
  });

  it('lies between two translates of a cloud as a translate, up to the pull of epsilon', async () => {
    const cloud = float32s(24, 5);
    const moved = cloud.map((value, at) => value + (at % 2 === 0 ? 4 : 0));
    const problem = { clouds: [{ points: cloud }, { points: moved }], dimension: 2, start: cloud };
    const { status, points } = await solve(device, problem, { epsilon: 0.002, tolerance: 1e-3, maximumSteps: 10 });
    expect(status).toBe('converged');
    points.forEach((value, at) =>
      expect(Math.abs(value - (cloud[at] ?? NaN) - (at % 2 === 0 ? 2 : 0))).toBeLessThanOrEqual(0.1),
    );
  });
});

it.each([
  ['no clouds', { clouds: [], dimension: 2, start: [0, 0] }, /no clouds/],
  [
    'too few weights',
    { clouds: [{ points: [0, 0] }, { points: [1, 1] }], dimension: 2, start: [0, 0], weights: [1] },
    /1 barycenter weights for 2/,
  ],
  ['points that are NaN', { clouds: [{ points: [NaN, 0] }], dimension: 2, start: [0, 0] }, /NaN/],
])('refuses %s', async (_name, problem, message) => {
  const error = await solve(cpu, problem, { epsilon: 0.1 }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InvalidInputError);
  expect(String(error)).toMatch(message);
});
