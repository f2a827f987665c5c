/** Light Schroedinger bridges against golden numbers, closed forms, a planted mixture and Sinkhorn, on both devices. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { gaussianBridge } from '../../src/algorithms/gaussian-bridge';
import {
  bridgeLoss,
  conditionalMean,
  drift,
  lossGradient,
  placeMixture,
  readMixture,
  samplePlan,
  simulateBridge,
  trainBridge,
  type Bridge,
  type BridgeOptions,
  type BridgeStep,
} from '../../src/algorithms/schroedinger-bridge';
import { solveSinkhorn } from '../../src/algorithms/sinkhorn';
import { symmetricFunction, symmetricRoot } from '../../src/algorithms/symmetric-eigen';
import { mapPoints } from '../../src/algorithms/transport-map';
import { mixtureForms, mixtureWeights } from '../../src/kernels/gaussian-mixture';
import { multiply } from '../../src/kernels/mixture-reference';
import { Philox } from '../../src/kernels/random';
import golden from '../golden/ot-bridge.json';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

function expectClose(made: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(made.length).toBe(expected.length);
  for (let i = 0; i < made.length; i++) {
    const value = expected[i] ?? NaN;
    expect(Math.abs((made[i] ?? NaN) - value)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)));
  }
}

function normals(count: number, seed: number): Float64Array<ArrayBuffer> {
  const random = new Philox(seed);
  return Float64Array.from({ length: count }, () => random.normal());
}

/** Points whose mean and covariance are exactly those given. */
function exactSample(
  mean: readonly number[],
  covariance: readonly number[],
  count: number,
  seed: number,
): Float64Array {
  const d = mean.length;
  const points = normals(count * d, seed);
  const average = (value: (row: number) => number): number => {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += value(row);
    return sum / count;
  };
  const means = mean.map((_, i) => average((row) => points[row * d + i] ?? NaN));
  points.forEach((value, at) => (points[at] = value - (means[at % d] ?? NaN)));
  const sample = Float64Array.from({ length: d * d }, (_, at) =>
    average((row) => (points[row * d + Math.floor(at / d)] ?? NaN) * (points[row * d + (at % d)] ?? NaN)),
  );
  const map = multiply(
    symmetricRoot(covariance, d),
    symmetricFunction(sample, d, (value) => 1 / Math.sqrt(value)),
  );
  return Float64Array.from(
    Array.from({ length: count }, (_, row) =>
      Array.from(multiply(map, points.slice(row * d, (row + 1) * d)), (value, i) => value + (mean[i] ?? NaN)),
    ).flat(),
  );
}

async function train(
  device: Device,
  source: ArrayLike<number>,
  target: ArrayLike<number>,
  dimension: number,
  options: BridgeOptions,
): Promise<BridgeStep> {
  const place = (points: ArrayLike<number>) => device.tensor(points, [points.length / dimension, dimension]);
  const steps = trainBridge(place(source), place(target), options);
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value;
}

// In float32 the largest term of these records is about 60, so a log is good to 60 rounding units of 6e-8 and a share to as much.
describe.each([
  { name: 'GPU', device: gpu, tolerance: 2e-5 },
  { name: 'reference device', device: cpu, tolerance: 1e-9 },
])('on the $name', ({ device, tolerance }) => {
  it.each(golden.lightsb_eval)('evaluates $id', async (record) => {
    using _scope = device.scope();
    const { dim, eps: epsilon, K, alpha, r, S, expected } = record;
    const mixture = { logWeights: alpha.map(Math.log), centers: r, matrices: S };
    const bridge: Bridge = { model: placeMixture(device, mixture, dim, 'full'), epsilon };
    for (const point of expected.points) {
      const x = device.tensor(point.x, [1, dim]);
      const normalizer = mixtureWeights(x, mixtureForms(bridge.model, { kind: 'normalizer', epsilon }));
      const potential = mixtureWeights(x, mixtureForms(bridge.model, { kind: 'potential', epsilon }));
      expectClose(await normalizer.logSums.read(), [point.log_c], tolerance);
      expectClose(await potential.logSums.read(), [point.log_v], tolerance);
      expectClose(await normalizer.weights.read(), point.weights.slice(0, K), tolerance);
      expectClose(await conditionalMean(bridge, x).read(), point.conditional_mean, tolerance);
      expectClose(await drift(bridge, x, point.t).read(), point.drift, tolerance);
    }
  });

  it.each(golden.lightsb_k1)('has the drift of $id', async (record) => {
    using _scope = device.scope();
    const { dim, eps: epsilon, expected } = record;
    const mixture = { logWeights: [0], centers: expected.r, matrices: expected.S };
    const bridge: Bridge = { model: placeMixture(device, mixture, dim, 'full'), epsilon };
    for (const point of record.points)
      expectClose(await drift(bridge, device.tensor(point.x, [1, dim]), point.t).read(), point.drift, tolerance);
  });

  it.each(golden.lightsb_k1)('recovers S and r of $id to 1 % by training', async (record) => {
    using _scope = device.scope();
    const { dim, eps: epsilon, expected } = record;
    const count = 32;
    const source = exactSample(record.m0, record.S0, count, 3);
    const target = exactSample(record.m1, record.S1, count, 4);
    const steps = 400;
    const { model, loss } = await train(device, source, target, dim, {
      epsilon,
      components: 1,
      covariance: 'full',
      steps,
      batch: count,
      learningRate: (step) => 0.2 * 0.05 ** (step / steps),
      initialVariance: 0.5,
      seed: 1,
      reportEvery: steps,
    });
    const found = await readMixture(model);
    const scale = (values: readonly number[]): number => Math.max(...values.map(Math.abs));
    expectClose(
      Float64Array.from(found.matrices, (value) => value / scale(expected.S)),
      expected.S.map((value) => value / scale(expected.S)),
      0.01,
    );
    expectClose(
      Float64Array.from(found.centers, (value) => value / scale(expected.r)),
      expected.r.map((value) => value / scale(expected.r)),
      0.01,
    );
    expect(Math.abs(loss - expected.loss)).toBeLessThanOrEqual(1e-3 * Math.max(1, Math.abs(expected.loss)));
  });

  it('recovers a planted plan', async () => {
    using _scope = device.scope();
    const planted = {
      logWeights: [0.5, 0.3, 0.2].map(Math.log),
      centers: [-1.5, 0, 1.2, 1, 0.8, -1.4],
      matrices: [0.3, 0.6, 0.5, 0.2, 0.25, 0.25],
    };
    const epsilon = 0.5;
    const count = 1024;
    const truth: Bridge = { model: placeMixture(cpu, planted, 2, 'diagonal'), epsilon };
    const x0 = cpu.tensor(normals(2 * count, 11), [count, 2]);
    const target = await samplePlan(truth, x0, 12).read();
    // Pairs are forgotten: training sees the two clouds only.
    const trained = await train(device, await x0.read(), target, 2, {
      epsilon,
      components: 3,
      steps: 300,
      learningRate: (step) => 0.1 * 0.03 ** (step / 300),
      initialVariance: 0.4,
      seed: 5,
      reportEvery: 300,
    });
    const best = await bridgeLoss(truth, x0, cpu.tensor(target, [count, 2]));
    // On its own samples a fit of 14 free numbers ends about 14 / 2n = 0.007 below the truth; four times that either way.
    expect(Math.abs(trained.loss - best)).toBeLessThan(0.03);
    const found = await readMixture(trained.model);
    for (let k = 0; k < 3; k++) {
      const distances = [0, 1, 2].map((other) =>
        Math.hypot(
          (found.centers[2 * other] ?? NaN) - (planted.centers[2 * k] ?? NaN),
          (found.centers[2 * other + 1] ?? NaN) - (planted.centers[2 * k + 1] ?? NaN),
        ),
      );
      // A centre of 200 samples with a standard deviation of 0.4 to 0.6 is known to 0.04 in each direction; four of these.
      expect(Math.min(...distances)).toBeLessThan(0.2);
    }
    const fresh = normals(2 * 512, 21);
    const made = await conditionalMean(trained, device.tensor(fresh, [512, 2])).read();
    const expected = await conditionalMean(truth, cpu.tensor(fresh, [512, 2])).read();
    const error = Array.from(made).reduce((sum, value, i) => sum + (value - (expected[i] ?? NaN)) ** 2, 0) / 512;
    // The target's variance is about 3 in all; 1 % of it unexplained.
    expect(error).toBeLessThan(0.03);
  });

  it('agrees with Sinkhorn at the same epsilon, which is twice as large for |x - y|^2', async () => {
    using _scope = device.scope();
    const [count, epsilon] = [128, 0.5];
    const source = normals(2 * count, 31);
    const random = new Philox(32);
    const target = Float64Array.from(
      Array.from({ length: count }, () => {
        const angle = Math.PI * random.uniform();
        const side = random.uniform() < 0.5 ? 1 : -1;
        return [side * (1.5 * Math.cos(angle) - 0.7), side * (1.5 * Math.sin(angle) - 0.4)];
      }).flat(),
    );
    const options = { epsilon: 2 * epsilon, tolerance: 1e-5, maximumIterations: 200 };
    const solved = await solveSinkhorn(device, { x: source, y: target, dimension: 2 }, options);
    const mapped = await mapPoints(solved.problem, solved.potentials, solved.epsilon, source);
    const trained = await train(device, source, target, 2, {
      epsilon,
      components: 8,
      steps: 200,
      batch: count,
      learningRate: (step) => 0.1 * 0.05 ** (step / 200),
      seed: 5,
      reportEvery: 200,
    });
    const made = await conditionalMean(trained, device.tensor(source, [count, 2])).read();
    let error = 0;
    let spread = 0;
    made.forEach((value, i) => {
      error += (value - (mapped[i] ?? NaN)) ** 2;
      spread += (mapped[i] ?? NaN) ** 2;
    });
    expect(Math.sqrt(error / spread)).toBeLessThan(0.05);
  });
});

it('has the gradient that central differences have', async () => {
  using _scope = cpu.scope();
  for (const covariance of ['diagonal', 'full'] as const) {
    const matrices = covariance === 'full' ? [0.5, 0.1, 0.1, 0.3, 0.8, -0.2, -0.2, 0.4] : [0.5, 0.3, 0.8, 0.4];
    const mixture = { logWeights: [-0.3, 0.2], centers: [0.2, -1, 0.7, 0.4], matrices };
    const bridge: Bridge = { model: placeMixture(cpu, mixture, 2, covariance), epsilon: 0.6 };
    const [x0, x1] = [cpu.tensor(normals(40, 1), [20, 2]), cpu.tensor(normals(60, 2), [30, 2])];
    const gradient = await lossGradient(bridge, x0, x1).read();
    const parameters = await bridge.model.parameters.read();
    for (let i = 0; i < parameters.length; i++) {
      if (covariance === 'full' && i % 7 === 4) continue; // above the diagonal of L: not a parameter
      const at = (shift: number): Promise<number> => {
        const moved = Float64Array.from(parameters);
        moved[i] = (moved[i] ?? NaN) + shift;
        return bridgeLoss(
          { ...bridge, model: { ...bridge.model, parameters: cpu.tensor(moved, bridge.model.parameters.shape) } },
          x0,
          x1,
        );
      };
      const slope = ((await at(1e-5)) - (await at(-1e-5))) / 2e-5;
      expect(Math.abs(slope - (gradient[i] ?? NaN))).toBeLessThanOrEqual(1e-7 * Math.max(1, Math.abs(slope)));
    }
  }
});

it('carries particles to where the plan has them', async () => {
  using _scope = gpu.scope();
  const pair = {
    sourceMean: [0, 0],
    sourceCovariance: [1, 0, 0, 1],
    targetMean: [2, -1],
    targetCovariance: [0.5, 0.2, 0.2, 0.8],
  };
  const { matrix, center } = gaussianBridge({ ...pair, epsilon: 0.3 });
  const bridge: Bridge = {
    model: placeMixture(gpu, { logWeights: [0], centers: center, matrices: matrix }, 2, 'full'),
    epsilon: 0.3,
  };
  const count = 4096;
  const source = normals(2 * count, 51);
  const particles = gpu.tensor(source, [count, 2]);
  const times: number[] = [];
  for await (const time of simulateBridge(bridge, particles, { steps: 25, seed: 9 })) times.push(time);
  expect(times).toHaveLength(25);
  const drawn = await samplePlan(bridge, gpu.tensor(source, [count, 2]), 10).read();
  for (const points of [await particles.read(), drawn]) {
    const moment = (i: number, j: number): number => {
      let sum = 0;
      for (let at = 0; at < count; at++)
        sum +=
          ((points[2 * at + i] ?? NaN) - (pair.targetMean[i] ?? NaN)) *
          ((points[2 * at + j] ?? NaN) - (pair.targetMean[j] ?? NaN));
      return sum / count;
    };
    // Five standard errors of a variance, 5 sqrt(2 / 4096) = 0.11, and what 25 Euler steps add.
    expectClose([moment(0, 0), moment(0, 1), moment(1, 1)], [0.5, 0.2, 0.8], 0.12);
  }
});

it('says what is wrong with samples and options', async () => {
  const options = { epsilon: 0.1, components: 2, steps: 1, seed: 1 };
  const cloud = [0, 1, 2, 3];
  await expect(train(gpu, cloud, cloud, 2, { ...options, epsilon: 0 })).rejects.toThrow(InvalidInputError);
  await expect(train(gpu, cloud, cloud, 2, { ...options, components: 0 })).rejects.toThrow(InvalidInputError);
  await expect(train(gpu, cloud, [0, NaN, 1, 1], 2, options)).rejects.toThrow(/not a number/);
  await expect(train(gpu, [0, Infinity, 1, 1], cloud, 2, options)).rejects.toThrow(/not a number/);
  await expect(
    train(gpu, new Float64Array(9), new Float64Array(9), 9, { ...options, covariance: 'full' }),
  ).rejects.toThrow(/at most 8/);
  expect(() => placeMixture(gpu, { logWeights: [0], centers: [0], matrices: [-1] }, 1, 'diagonal')).toThrow(
    InvalidInputError,
  );
  expect(() =>
    gaussianBridge({ sourceMean: [0], sourceCovariance: [0], targetMean: [0], targetCovariance: [1], epsilon: 1 }),
  ).toThrow(InvalidInputError);
});
