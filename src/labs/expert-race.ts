/** Races for the mixture-of-experts lab: ways to compute the layer, routers, experts per token, winners foretold. */
import {
  expertModes,
  mixtureOfExperts,
  modeCost,
  selfSelectionFlops,
  type ExpertMode,
  type MixtureSizes,
  type ModeCost,
} from '../algorithms/mixture-of-experts';
import * as routing from '../algorithms/routing';
import type { Tensor } from '../device/device';
import { measure, type Measurement } from '../device/timing';
import { adamStep } from '../kernels/adam';
import { crossEntropyGradient } from '../kernels/cross-entropy';
import { gatherRows } from '../kernels/gather';
import { matmul } from '../kernels/matmul';
import { softmaxRows } from '../kernels/softmax';
import { topK } from '../kernels/top-k';
import { route, routers, tokensAt, type ExpertSetting, type Router } from './expert-setting';

/** What a way to compute the layer took. */
export interface ModeResult {
  readonly mode: ExpertMode;
  readonly timing: Measurement;
  readonly cost: ModeCost;
  /** Largest difference from the dense loop, over the largest output. */
  readonly difference: number;
}

/** Computes the layer in every mode; the padded buffer is the smallest that drops nothing. */
export async function* raceModes(
  setting: ExpertSetting,
  x: Tensor,
  routed: routing.Routing,
  router: Router,
  loads: Uint32Array,
): AsyncGenerator<ModeResult> {
  const weights = router === 'self' ? setting.lowRank : setting.weights;
  const capacity = Math.max(1, ...loads);
  const sizes = sizesOf(setting, routed, loads, capacity);
  const outputs = new Map<ExpertMode, ArrayLike<number>>();
  for (const mode of [...expertModes].reverse()) {
    using _scope = x.device.scope();
    const compute = () => mixtureOfExperts(x, weights, routed, { mode, capacity });
    outputs.set(mode, await compute().read());
    const timing = await measure(x.device, compute, { samples: 5, maximumMs: 1500 });
    const truth = Array.from(outputs.get('dense') ?? []);
    const largest = truth.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    const apart = truth.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (outputs.get(mode)?.[i] ?? NaN))),
      0,
    );
    yield { mode, timing, cost: modeCost(mode, sizes), difference: apart / largest };
  }
}

const routerNames = Object.keys(routers) as Router[];
/** Tokens that are enough to compare routers: competition computes every expert for each. */
const mostCompared = 1024;

function sampleOf(x: Tensor): { readonly sample: Tensor; readonly tokens: number } {
  const tokens = Math.min(mostCompared, x.shape[0] ?? 1);
  const rows = Uint32Array.from({ length: tokens }, (_, row) => row);
  return { sample: gatherRows(x, x.device.tensor(rows, [tokens], 'u32')), tokens };
}

/** What one router did. */
export interface RouterResult {
  readonly router: Router;
  readonly loads: Uint32Array;
  readonly tokens: number;
  /** Of choosing and of the scattered layer together. */
  readonly timing: Measurement;
}

/** Lets every router choose for the first 1,024 tokens, and computes its layer; prototypes only where k divides the experts. */
export async function* compareRouters(setting: ExpertSetting, x: Tensor): AsyncGenerator<RouterResult> {
  const { weights, up, parameters } = setting;
  using _all = x.device.scope();
  const { sample, tokens } = sampleOf(x);
  for (const router of routerNames) {
    if (router === 'prototypes' && parameters.experts % parameters.k !== 0) continue;
    using _scope = x.device.scope();
    const loads = await routing.expertLoads(route(setting, sample, router));
    const layer = () => {
      if (router !== 'self') return mixtureOfExperts(sample, weights, route(setting, sample, router));
      const chosen = routing.selfSelect(sample, setting.down, parameters.k);
      const rest = { first: up, second: weights.second };
      return mixtureOfExperts(chosen.projections, rest, chosen, { isProjected: true });
    };
    const timing = await measure(x.device, layer, { samples: 3, maximumMs: 500 });
    yield { router, loads, tokens, timing };
  }
}

/** Operations of self-selection, all experts' first steps included, over those of top-k with experts of full rank. */
export function selfSelectionShare({ tokens, width, parameters }: ExpertSetting): number {
  const { experts, k, hidden, rank } = parameters;
  const sizes = { tokens, experts, slots: k, pairs: tokens * k, inner: width, hidden, width, capacity: tokens };
  const { before, after } = selfSelectionFlops(sizes, rank);
  return (before + after) / (2 * tokens * experts * width + 4 * tokens * k * hidden * width);
}

/** The sizes that decide what a routing costs. */
function sizesOf(
  { tokens, width, parameters: { experts, hidden } }: ExpertSetting,
  { slots }: routing.Routing,
  loads: Uint32Array,
  capacity: number,
): MixtureSizes {
  const { pairs } = routing.loadStatistics(loads);
  return { tokens, experts, slots, pairs, inner: width, hidden, width, capacity };
}

/** Experts that a token takes on average by top-p, and how undecided the router is (entropy in nats). */
export async function expertsPerToken(setting: ExpertSetting, difficulty: number) {
  using _scope = setting.router.device.scope();
  const scores = matmul(tokensAt(setting, difficulty), setting.router);
  const loads = await routing.expertLoads(routing.routeTopP(scores, setting.parameters.p));
  const probabilities = await softmaxRows(scores).read();
  let entropy = 0;
  for (const one of probabilities) entropy -= one > 0 ? one * Math.log(one) : 0;
  return { count: routing.loadStatistics(loads).pairs / setting.tokens, entropy: entropy / setting.tokens };
}

/**
 * Trains a linear router by Adam to name the winner of the competition, on half of the first 1,024 tokens. Yields the share of
 * winners it gets right on the other half, and the share that the commonest winner of the first half has there.
 */
export async function* predictWinners({ width, weights, parameters }: ExpertSetting, x: Tensor, steps: number) {
  const { device } = x;
  const { experts } = parameters;
  using _scope = device.scope();
  const { sample, tokens } = sampleOf(x);
  const winners = await topK(routing.expertResponses(sample, weights), 1).indices.read();
  const half = Math.ceil(tokens / 2);
  const counts = new Uint32Array(experts);
  for (const winner of winners.subarray(0, half)) counts[winner] = (counts[winner] ?? 0) + 1;
  const commonest = counts.indexOf(Math.max(...counts));
  const tested = winners.subarray(half);
  const chance = tested.filter((winner) => winner === commonest).length / tested.length;
  // A target of no class counts nothing: the second half is held back.
  const targets = device.tensor(
    Array.from(winners, (winner, i) => (i < half ? winner : experts)),
    [tokens],
    'u32',
  );
  const router = device.full([width, experts], 0);
  const moments = device.full([width * experts, 2], 0);
  for (let step = 0; step <= steps; step++) {
    using _step = device.scope();
    const logits = matmul(sample, router);
    if (step % 10 === 0) {
      const best = await topK(logits, 1).indices.read();
      const right = tested.filter((winner, i) => winner === best[half + i]).length;
      yield { step, share: right / tested.length, chance };
    }
    const slope = matmul(sample, crossEntropyGradient(logits, targets, { scale: 1 / half }), { transposeA: true });
    adamStep(router, slope, moments, { learningRate: 0.05, step: step + 1 });
  }
}
