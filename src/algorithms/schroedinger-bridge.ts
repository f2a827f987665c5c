/**
 * Light Schroedinger bridges (Korotin, Gushchin, Burnaev, ICLR 2024): the bridge between two sets of samples, from one
 * mixture of Gaussians that is trained without simulating anything. Cost |x - y|^2 / 2, entropy weighted by epsilon, which is
 * the variance of the reference process; Sinkhorn with |x - y|^2 has the same plan at twice this epsilon.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import { matrixShape, type Tensor } from '../device/tensor';
import { adamStep } from '../kernels/adam';
import { axpy } from '../kernels/elementwise';
import {
  mixtureForms,
  mixtureGradient,
  mixtureLossGradient,
  mixtureMoments,
  mixtureWeights,
} from '../kernels/gaussian-mixture';
import { largestDimension, requirePositive, type MixtureModel } from '../kernels/mixture-model';
import { conditionalSample, gatherRows } from '../kernels/mixture-sampling';
import { Philox, randomIntegers, randomNormal, randomUniform } from '../kernels/random';
import { reduceAll } from '../kernels/reduce';

/** A trained bridge, or one that is being trained. */
export interface Bridge {
  readonly model: MixtureModel;
  readonly epsilon: number;
}

/** How to train. */
export interface BridgeOptions {
  readonly epsilon: number;
  /** Components of the mixture, K. */
  readonly components: number;
  /** Full matrices S cost d^2 numbers a component and need d <= 8. Default `diagonal`. */
  readonly covariance?: 'diagonal' | 'full';
  readonly steps: number;
  /** Samples of each side in a step; all of them, in their order, where there are no more. Default 128. */
  readonly batch?: number;
  /** Of Adam; a function is asked at every step (counted from 1). Default 1e-3. */
  readonly learningRate?: number | ((step: number) => number);
  /** The variance that S starts at, in every direction. Default 0.1. */
  readonly initialVariance?: number;
  readonly seed: number;
  /** Steps between two looks at the loss. Default 100. */
  readonly reportEvery?: number;
}

/** Where training stands. */
export interface BridgeStep extends Bridge {
  readonly step: number;
  /** mean log c(x0) - mean log v(x1) on up to 1,024 samples a side: the divergence from the true bridge, up to a constant. */
  readonly loss: number;
}

/** The most samples a side that a loss is computed on. */
const lossSamples = 1024;

/** Streams of one seed, so that no two uses see the same numbers. Two streams a step for batches come after. */
const streams = { centers: 0, noise: 1, choice: 2, batches: 16 } as const;

/**
 * Trains on samples `[n, d]` and `[m, d]`, in the scope that is open on their device. Yields the start, every `reportEvery`
 * steps, and the end; the model's tensor is the same one all along. Throws `InvalidInputError` for samples that do not fit
 * together or options that make no sense, `DivergedError` if the loss leaves the range of numbers.
 */
export async function* trainBridge(
  source: Tensor,
  target: Tensor,
  options: BridgeOptions,
): AsyncGenerator<BridgeStep, BridgeStep> {
  const { epsilon, steps, batch = 128, learningRate = 1e-3, seed, reportEvery = 100 } = options;
  const { device } = source;
  const dimension = checkTraining(source, target, options);
  checkNumbers(await source.read(), 'source');
  const model = await initialModel(target, dimension, options);
  const [sourceSample, targetSample] = [first(source), first(target)];
  const bridge: Bridge = { model, epsilon };
  const moments = device.full([model.parameters.size, 2], 0);
  const rate = typeof learningRate === 'number' ? (): number => learningRate : learningRate;
  let last = { ...bridge, step: 0, loss: await bridgeLoss(bridge, sourceSample, targetSample) };
  yield last;
  for (let step = 1; step <= steps; step++) {
    {
      using _scope = device.scope();
      const x0 = draw(source, batch, { seed, stream: streams.batches + 2 * step });
      const x1 = draw(target, batch, { seed, stream: streams.batches + 2 * step + 1 });
      adamStep(model.parameters, lossGradient(bridge, x0, x1), moments, { learningRate: rate(step), step });
    }
    if (step % reportEvery !== 0 && step !== steps) {
      await device.flush();
      continue;
    }
    const loss = await bridgeLoss(bridge, sourceSample, targetSample);
    if (!Number.isFinite(loss)) {
      throw new DivergedError(
        `Training left the range of numbers at step ${String(step)}: lower the learning rate or raise epsilon.`,
        {
          parameter: 'learningRate',
          iteration: step,
        },
      );
    }
    last = { ...bridge, step, loss };
    yield last;
  }
  return last;
}

/** The gradient of the loss on a batch in all parameters, of the shape of `model.parameters`. */
export function lossGradient({ model, epsilon }: Bridge, x0: Tensor, x1: Tensor): Tensor {
  const normalizer = mixtureForms(model, { kind: 'normalizer', epsilon });
  const potential = mixtureForms(model, { kind: 'potential', epsilon });
  const source = mixtureMoments(x0, normalizer, mixtureWeights(x0, normalizer).weights);
  const target = mixtureMoments(x1, potential, mixtureWeights(x1, potential).weights);
  return mixtureLossGradient(model, { source, target }, potential, epsilon);
}

/** mean log c(x0) - mean log v(x1). */
export async function bridgeLoss({ model, epsilon }: Bridge, x0: Tensor, x1: Tensor): Promise<number> {
  using _scope = x0.device.scope();
  const normalizer = mixtureWeights(x0, mixtureForms(model, { kind: 'normalizer', epsilon })).logSums;
  const potential = mixtureWeights(x1, mixtureForms(model, { kind: 'potential', epsilon })).logSums;
  const [above = NaN] = await reduceAll(normalizer, 'sum').read();
  const [below = NaN] = await reduceAll(potential, 'sum').read();
  return above / normalizer.size - below / potential.size;
}

/** E[x1 | x0] under the plan: epsilon times the gradient of log c. `[points, d]`. */
export function conditionalMean({ model, epsilon }: Bridge, x0: Tensor): Tensor {
  const forms = mixtureForms(model, { kind: 'normalizer', epsilon });
  return mixtureGradient(x0, forms, mixtureWeights(x0, forms).weights, epsilon);
}

/** The drift g(x, t) of the bridge, for 0 <= t <= 1. `[points, d]`. */
export function drift({ model, epsilon }: Bridge, x: Tensor, time: number): Tensor {
  const forms = mixtureForms(model, { kind: 'bridge', epsilon, time });
  return mixtureGradient(x, forms, mixtureWeights(x, forms).weights, epsilon);
}

/** One draw of x1 for each x0 from the plan, without simulating the bridge. `[points, d]`. */
export function samplePlan({ model, epsilon }: Bridge, x0: Tensor, seed: number): Tensor {
  const { device } = x0;
  const forms = mixtureForms(model, { kind: 'normalizer', epsilon });
  const [points] = matrixShape(x0, 'x0');
  return conditionalSample(model, x0, {
    weights: mixtureWeights(x0, forms).weights,
    uniforms: randomUniform(device, [points], { seed, stream: streams.choice }),
    noise: randomNormal(device, x0.shape, { seed, stream: streams.noise }),
    epsilon,
  });
}

/**
 * Follows particles from x0 (`[points, d]`, which is overwritten) through dX = g(X, t) dt + sqrt(epsilon) dW by Euler and Maruyama:
 * yields the time from 1 / steps to 1 after each step, with the particles in x0's tensor.
 */
export async function* simulateBridge(
  bridge: Bridge,
  x0: Tensor,
  { steps, seed }: { readonly steps: number; readonly seed: number },
): AsyncGenerator<number> {
  const { device } = x0;
  for (let step = 0; step < steps; step++) {
    {
      using _scope = device.scope();
      const slope = drift(bridge, x0, step / steps);
      const noise = randomNormal(device, x0.shape, { seed, stream: streams.batches + step });
      axpy(1 / steps, slope, x0, { out: x0 });
      axpy(Math.sqrt(bridge.epsilon / steps), noise, x0, { out: x0 });
    }
    await device.flush();
    yield (step + 1) / steps;
  }
}

/** A mixture on the host. Matrices are `[d, d]` a component, or their diagonals. */
export interface HostMixture {
  readonly logWeights: readonly number[];
  /** `[components, d]` */
  readonly centers: ArrayLike<number>;
  /** S, `[components, d, d]` for full covariances, `[components, d]` for diagonal ones. */
  readonly matrices: ArrayLike<number>;
}

/** Puts a mixture on a device. Throws `InvalidInputError` for a matrix that is not positive definite. */
export function placeMixture(
  device: Device,
  mixture: HostMixture,
  dimension: number,
  covariance: 'diagonal' | 'full',
): MixtureModel {
  const { logWeights, centers, matrices } = mixture;
  const quadratic = covariance === 'full' ? dimension ** 2 : dimension;
  const rows = logWeights.flatMap((logWeight, k) => {
    const matrix = Array.from({ length: quadratic }, (_, at) => matrices[k * quadratic + at] ?? NaN);
    const factor =
      covariance === 'full' ? choleskyFactor(matrix, dimension) : matrix.map((value) => Math.log(value) / 2);
    if (factor.some((value) => !Number.isFinite(value)))
      throw new InvalidInputError('A matrix of the mixture is not positive definite.', {
        field: 'matrices',
        component: k,
      });
    return [logWeight, ...Array.from({ length: dimension }, (_, i) => centers[k * dimension + i] ?? NaN), ...factor];
  });
  return { parameters: device.tensor(rows, [logWeights.length, 1 + dimension + quadratic]), dimension, covariance };
}

/** Reads a mixture back. */
export async function readMixture({ parameters, dimension: d, covariance }: MixtureModel): Promise<HostMixture> {
  const values = await parameters.read();
  const [components, stride] = matrixShape(parameters, 'parameters');
  const at = (k: number, index: number): number => values[k * stride + index] ?? NaN;
  const axes = Array.from({ length: d }, (_, i) => i);
  const each = <T>(make: (k: number) => readonly T[]): T[] =>
    Array.from({ length: components }, (_, k) => make(k)).flat();
  const factor = (k: number, i: number, j: number): number =>
    i === j
      ? Math.exp(at(k, 1 + d + (covariance === 'full' ? i * (d + 1) : i)))
      : j > i || covariance === 'diagonal'
        ? 0
        : at(k, 1 + d + i * d + j);
  const entry = (k: number, i: number, j: number): number =>
    axes.reduce((sum, l) => sum + factor(k, i, l) * factor(k, j, l), 0);
  return {
    logWeights: each((k) => [at(k, 0)]),
    centers: Float64Array.from(each((k) => axes.map((i) => at(k, 1 + i)))),
    matrices: Float64Array.from(
      each((k) => axes.flatMap((i) => (covariance === 'full' ? axes : [i]).map((j) => entry(k, i, j)))),
    ),
  };
}

/** L with L L^T = S, row-major, its diagonal as logarithms. */
function choleskyFactor(matrix: readonly number[], d: number): number[] {
  const factor = new Array<number>(d * d).fill(0);
  const at = (i: number, j: number): number => factor[i * d + j] ?? NaN;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * d + j] ?? NaN;
      for (let l = 0; l < j; l++) rest -= at(i, l) * at(j, l);
      factor[i * d + j] = i === j ? Math.sqrt(rest) : rest / at(j, j);
    }
  }
  return factor.map((value, index) => (index % (d + 1) === 0 ? Math.log(value) : value));
}

/** Centres at samples of the target, weights all equal. */
async function initialModel(target: Tensor, dimension: number, options: BridgeOptions): Promise<MixtureModel> {
  const { components, covariance = 'diagonal', initialVariance = 0.1, seed } = options;
  const points = await target.read();
  checkNumbers(points, 'target');
  const count = points.length / dimension;
  const random = new Philox(seed, streams.centers);
  const chosen = Array.from({ length: components }, () => random.integer(count));
  const variances = Array.from({ length: dimension ** 2 }, (_, at) =>
    at % (dimension + 1) === 0 ? initialVariance : 0,
  );
  const matrix = covariance === 'full' ? variances : new Array<number>(dimension).fill(initialVariance);
  const mixture = {
    logWeights: chosen.map(() => -Math.log(components)),
    centers: chosen.flatMap((row) => Array.from(points.slice(row * dimension, (row + 1) * dimension))),
    matrices: chosen.flatMap(() => matrix),
  };
  return placeMixture(target.device, mixture, dimension, covariance);
}

/** A batch of rows, drawn with repetition; all rows where there are no more than that. */
function draw(points: Tensor, batch: number, random: { readonly seed: number; readonly stream: number }): Tensor {
  const [count] = matrixShape(points, 'points');
  if (count <= batch) return points;
  return gatherRows(points, randomIntegers(points.device, [batch], { ...random, below: count }));
}

/** Up to as many rows as the loss is computed on. */
function first(points: Tensor): Tensor {
  const [count] = matrixShape(points, 'points');
  if (count <= lossSamples) return points;
  const { device } = points;
  return gatherRows(
    points,
    device.tensor(
      Array.from({ length: lossSamples }, (_, i) => i),
      [lossSamples],
      'u32',
    ),
  );
}

function checkNumbers(points: Iterable<number>, field: 'source' | 'target'): void {
  for (const value of points) {
    if (!Number.isFinite(value))
      throw new InvalidInputError(`The ${field} has a coordinate that is not a number: leave that point out.`, {
        field,
      });
  }
}

function checkTraining(source: Tensor, target: Tensor, options: BridgeOptions): number {
  const [, dimension] = matrixShape(source, 'source');
  const [, other] = matrixShape(target, 'target');
  const { covariance = 'diagonal', initialVariance = 0.1, batch = 128, reportEvery = 100 } = options;
  if (dimension !== other) {
    throw new InvalidInputError(
      `The source has points of ${String(dimension)} coordinates and the target of ${String(other)}: give both the same.`,
      { field: 'target' },
    );
  }
  if (dimension > largestDimension[covariance]) {
    throw new InvalidInputError(
      `A light bridge with ${covariance} matrices takes points of at most ${String(largestDimension[covariance])} coordinates, not ${String(dimension)}.`,
      { field: 'source' },
    );
  }
  requirePositive(options.epsilon, 'epsilon');
  requirePositive(initialVariance, 'initialVariance');
  for (const [field, value] of Object.entries({
    components: options.components,
    steps: options.steps,
    batch,
    reportEvery,
  })) {
    if (!Number.isInteger(value) || value < 1)
      throw new InvalidInputError(`${field} must be a positive whole number, not ${String(value)}.`, { field });
  }
  return dimension;
}
