/** What a trained Schroedinger bridge does with its particles, and what it is compared with. */
import { gaussianBridge } from '../algorithms/gaussian-bridge';
import { conditionalMean, drift, readMixture, simulateBridge, type Bridge } from '../algorithms/schroedinger-bridge';
import { solveSinkhorn } from '../algorithms/sinkhorn';
import { mapPoints } from '../algorithms/transport-map';
import type { Tensor } from '../device/tensor';
import { cloudFrame, momentsOf, type CloudPair } from './bridge-clouds';
import type { LineFrame, ScatterFrame, StatusFrame } from './frames';

/** Particles whose whole way is drawn, and time steps. */
const pathCount = 24;
const timeSteps = 100;

/** Frames while particles follow the drift: where they are, where a few of them were, and how strong the drift is. */
export async function* followParticles(
  bridge: Bridge,
  particles: Tensor,
  { source, target, dimension }: CloudPair,
  seed: number,
): AsyncGenerator<{
  readonly clouds: ScatterFrame;
  readonly paths: readonly ScatterFrame[];
  readonly speed: LineFrame;
  readonly status: StatusFrame;
}> {
  const { device } = particles;
  const trail = Array.from(source.slice(0, pathCount * dimension));
  for await (const time of simulateBridge(bridge, particles, { steps: timeSteps, seed })) {
    using _scope = device.scope();
    const points = await particles.read();
    trail.push(...points.slice(0, pathCount * dimension));
    const slopes = await drift(bridge, particles, time).read();
    const square = Array.from(slopes).reduce((sum, value) => sum + value * value, 0);
    yield {
      clouds: cloudFrame('particles', points, dimension),
      paths: [cloudFrame('paths', trail, dimension), cloudFrame('target', target, dimension)],
      speed: { series: 'drift', x: time, y: Math.sqrt((square * dimension) / slopes.length) },
      status: {
        state: 'running',
        text: `particles at time ${time.toFixed(2)}`,
        step: Math.round(timeSteps * time),
        steps: timeSteps,
      },
    };
  }
}

/** How good a bridge is; all differences are relative. */
export interface BridgeJudgement {
  /** Of the particles' mean and covariance to the target's. */
  readonly moments: number;
  /** Of E[y | x] to that of discrete Sinkhorn at the same epsilon. */
  readonly sinkhorn: number;
  /** Of S and r to the closed form between Gaussians; undefined unless one full component was trained. */
  readonly closedForm: number | undefined;
}

/** Compares a bridge, and particles that followed it to the end, with what is known otherwise. */
export async function judgeBridge(bridge: Bridge, particles: Tensor, clouds: CloudPair): Promise<BridgeJudgement> {
  const { parameters, covariance } = bridge.model;
  const isGaussian = parameters.shape[0] === 1 && covariance === 'full';
  return {
    moments: await differenceOfMoments(particles, clouds),
    sinkhorn: await differenceToSinkhorn(bridge, clouds),
    closedForm: isGaussian ? await differenceToClosedForm(bridge, clouds) : undefined,
  };
}

/** Rows of the table of numbers. */
export function numbersOf(judged: BridgeJudgement): { readonly quantity: string; readonly value: number }[] {
  const rows: readonly (readonly [string, number | undefined])[] = [
    ['mean and covariance of the particles against the target’s', judged.moments],
    ['E[y | x] against Sinkhorn’s at the same epsilon', judged.sinkhorn],
    ['S and r against the closed form', judged.closedForm],
  ];
  return rows.flatMap(([quantity, value]) => (value === undefined ? [] : [{ quantity, value }]));
}

/** The most points a side that Sinkhorn is given. */
const sinkhornPoints = 512;

/**
 * Root mean square difference between E[x1 | x0] of the bridge and of discrete Sinkhorn at the same epsilon (|x - y|^2 / 2) on up
 * to 512 points a side, over the target's root mean square deviation.
 */
async function differenceToSinkhorn(bridge: Bridge, { source, target, dimension }: CloudPair): Promise<number> {
  const { device } = bridge.model.parameters;
  const [x, y] = [thinned(source, dimension, sinkhornPoints), thinned(target, dimension, sinkhornPoints)];
  using _scope = device.scope();
  const options = { epsilon: bridge.epsilon, tolerance: 1e-4, maximumIterations: 300, scaling: 0.7 };
  const solved = await solveSinkhorn(device, { x, y, dimension, cost: 'half-squared-euclidean' }, options);
  const expected = await mapPoints(solved.problem, solved.potentials, solved.epsilon, x);
  const made = await conditionalMean(bridge, device.tensor(x, [x.length / dimension, dimension])).read();
  const square =
    expected.reduce((sum, value, at) => sum + (value - (made[at] ?? NaN)) ** 2, 0) / (x.length / dimension);
  return Math.sqrt(square / deviation(momentsOf(y, dimension).covariance));
}

/** At most `most` points, evenly over their order: a person's may be sorted. */
function thinned(points: Float32Array, dimension: number, most: number): Float32Array<ArrayBuffer> {
  const rows = points.length / dimension;
  const count = Math.min(most, rows);
  return Float32Array.from(
    { length: count * dimension },
    (_, at) => points[Math.floor((Math.floor(at / dimension) * rows) / count) * dimension + (at % dimension)] ?? NaN,
  );
}

/** The largest relative error of S and of r (to the largest entry of each) against the bridge of Gaussians with the clouds' moments. */
async function differenceToClosedForm(
  { model, epsilon }: Bridge,
  { source, target, dimension }: CloudPair,
): Promise<number> {
  const [from, to] = [momentsOf(source, dimension), momentsOf(target, dimension)];
  const exact = gaussianBridge({
    sourceMean: from.mean,
    sourceCovariance: from.covariance,
    targetMean: to.mean,
    targetCovariance: to.covariance,
    epsilon,
  });
  const { matrices, centers } = await readMixture(model);
  const worst = (made: ArrayLike<number>, expected: Float64Array): number => {
    const largest = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    return expected.reduce((a, value, at) => Math.max(a, Math.abs(value - (made[at] ?? NaN)) / largest), 0);
  };
  return Math.max(worst(matrices, exact.matrix), worst(centers, exact.center));
}

/** How far mean and covariance of particles are from the target's, in root mean square deviations of the target. */
async function differenceOfMoments(particles: Tensor, { target, dimension }: CloudPair): Promise<number> {
  const [made, expected] = [momentsOf(await particles.read(), dimension), momentsOf(target, dimension)];
  const shift = made.mean.reduce((sum, value, i) => sum + (value - (expected.mean[i] ?? NaN)) ** 2, 0);
  const spread = made.covariance.reduce((sum, value, i) => sum + (value - (expected.covariance[i] ?? NaN)) ** 2, 0);
  const scale = deviation(expected.covariance);
  return Math.sqrt(shift / scale + spread / scale ** 2);
}

/** The trace of a covariance. */
function deviation(covariance: Float64Array): number {
  const size = Math.sqrt(covariance.length);
  return covariance.reduce((sum, value, at) => (at % (size + 1) === 0 ? sum + value : sum), 0);
}
