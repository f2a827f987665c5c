/** Costs computed when they are needed against a stored matrix of them, at the largest size at which both fit. */
import { expect, it } from 'vitest';
import { solveSinkhorn } from '../../src/algorithms/sinkhorn';
import { openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

it('streaming from coordinates gives what the stored matrix gives at n = 4,096', async () => {
  const device = await openTestDevice({ cutsEverything: false });
  using _scope = device.scope();
  const [count, dimension] = [4096, 3];
  const [x, y] = [float32s(count * dimension, 1), float32s(count * dimension, 2)];
  const matrix = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      let squared = 0;
      for (let k = 0; k < dimension; k++) squared += ((x[i * dimension + k] ?? 0) - (y[j * dimension + k] ?? 0)) ** 2;
      matrix[i * count + j] = squared;
    }
  }
  const options = { epsilon: 4, tolerance: 1e-6, maximumIterations: 20, checkEvery: 2 } as const;
  const stored = await solveSinkhorn(device, { matrix, rows: count, columns: count }, options);
  const streamed = await solveSinkhorn(device, { x, y, dimension, cost: 'squared-euclidean' }, options);
  expect([streamed.status, stored.status]).toEqual(['converged', 'converged']);
  expect(Math.abs(streamed.transportCost / stored.transportCost - 1)).toBeLessThanOrEqual(1e-6);
  expect(Math.abs(streamed.entropicObjective - stored.entropicObjective)).toBeLessThanOrEqual(1e-6);
  // The matrix alone is 64 MiB.
  expect(device.memory().liveBytes).toBeGreaterThan(4 * count * count);
});
