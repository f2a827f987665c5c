/**
 * Routers of a mixture of experts, written once for both devices: top-k, top-p (Huang et al. 2024), self-selection by norms
 * (Lv et al. 2025), competition of responses (Pham et al. 2024) and prototypes (Yang et al. 2021); capacity, and what the
 * load on the experts looks like.
 */
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { matrixShape, type Tensor } from '../device/tensor';
import { combine } from '../kernels/elementwise';
import { chooseExperts, limitLoads, rowNorms, tooManyExperts, type Assignment } from '../kernels/experts';
import { equalTiles, groupedMatmul, tileRows } from '../kernels/grouped-matmul';
import { softmaxRows } from '../kernels/softmax';
import { countingSort } from '../kernels/sort';
import { topK } from '../kernels/top-k';

/** An assignment of tokens to experts. */
export interface Routing extends Assignment {
  /** Pairs of one token, used or not. */
  readonly slots: number;
  readonly expertCount: number;
}

/** Options of all routers. */
export interface RouterOptions {
  /** Added to the scores, of their shape: what makes experts more or less popular. */
  readonly bias?: Tensor;
}

/** Two layers for every expert: relu(x first) second. */
export interface ExpertWeights {
  /** `[experts, inner, hidden]` */
  readonly first: Tensor;
  /** `[experts, hidden, width]` */
  readonly second: Tensor;
}

/**
 * The k experts with the highest scores `[tokens, experts]`; gates are the softmax of the k scores. Of equal scores the expert
 * with the lower number is taken. Throws `InvalidInputError` for more experts than there are.
 */
export function routeTopK(scores: Tensor, k: number, options: RouterOptions = {}): Routing {
  const [, experts] = matrixShape(scores, 'scores');
  checkCount(k, experts);
  using scope = scores.device.scope();
  const best = topK(biased(scores, options), k);
  const chosen = chooseExperts(
    { values: softmaxRows(best.values), indices: best.indices },
    { experts, normalize: true },
  );
  return { ...keep(scope, chosen), slots: k, expertCount: experts };
}

/**
 * The fewest experts whose softmax of the scores `[tokens, experts]` adds up to p: an undecided router takes more. Gates are
 * those probabilities. `slots` is the number of experts, because p = 1 takes them all. Throws `InvalidInputError` for p
 * outside (0, 1].
 */
export function routeTopP(scores: Tensor, p: number, options: RouterOptions = {}): Routing {
  const [, experts] = matrixShape(scores, 'scores');
  using scope = scores.device.scope();
  const sorted = topK(softmaxRows(biased(scores, options)), experts);
  return { ...keep(scope, chooseExperts(sorted, { experts, threshold: p })), slots: experts, expertCount: experts };
}

/**
 * The best expert of each of k prototypes, groups of experts / k with a softmax of their own: tokens `[tokens, inner]` and
 * routers `[k, inner, experts / k]`. Gates are the probabilities within the group. A bias is `[tokens * k, experts / k]`.
 */
export function routePrototypes(x: Tensor, routers: Tensor, options: RouterOptions = {}): Routing {
  const [prototypes = 1, , group = 1] = routers.shape;
  const experts = prototypes * group;
  using scope = x.device.scope();
  const best = topK(softmaxRows(biased(everyExpert(x, routers), options)), 1);
  return { ...keep(scope, chooseExperts(best, { experts, prototypes })), slots: prototypes, expertCount: experts };
}

/** What self-selection has computed on the way. */
export interface SelfSelection extends Routing {
  /** The first projection of each token by each expert, `[tokens * experts, rank]`: the chosen ones go on from it. */
  readonly projections: Tensor;
}

/**
 * Experts choose themselves: all of them take the first step of x `[tokens, inner]` by `down` `[experts, inner, rank]`, the k
 * with the longest results go on. Gates are the softmax of the k lengths.
 */
export function selfSelect(x: Tensor, down: Tensor, k: number, options: RouterOptions = {}): SelfSelection {
  const [experts = 0] = down.shape;
  using scope = x.device.scope();
  const projections = scope.keep(everyExpert(x, down));
  const routing = routeTopK(rowNorms(projections, experts), k, options);
  return { ...routing, ...keep(scope, routing), projections };
}

/** The length of every expert's output for every token, `[tokens, experts]`: the dear part of a competition. */
export function expertResponses(x: Tensor, { first, second }: ExpertWeights): Tensor {
  const [tokens] = matrixShape(x, 'x');
  const [experts = 1] = first.shape;
  using scope = x.device.scope();
  const plan = everyPair(x.device, tokens, experts);
  const hidden = groupedMatmul(x, first, plan.tiles, { ...plan, gather: true, relu: true });
  const outputs = groupedMatmul(hidden, second, plan.tiles, { ...plan, scatter: true });
  return scope.keep(rowNorms(outputs, experts));
}

/** The k experts that answer most loudly: all of them are computed, the longest outputs win. */
export function compete(x: Tensor, weights: ExpertWeights, k: number, options: RouterOptions = {}): Routing {
  using scope = x.device.scope();
  const routing = routeTopK(expertResponses(x, weights), k, options);
  return { ...routing, ...keep(scope, routing) };
}

/** Drops what goes beyond `capacity` tokens an expert, the later tokens first; their gates stay as they are. */
export function limitCapacity(routing: Routing, capacity: number): Routing {
  using scope = routing.experts.device.scope();
  const experts = scope.keep(limitLoads(countingSort(routing.experts, routing.expertCount), capacity));
  return { ...routing, experts };
}

/** Each row of x `[tokens, inner]` times every expert's weights `[experts, inner, width]`: `[tokens * experts, width]`. */
function everyExpert(x: Tensor, weights: Tensor): Tensor {
  const [tokens] = matrixShape(x, 'x');
  using scope = x.device.scope();
  const plan = everyPair(x.device, tokens, weights.shape[0] ?? 1);
  return scope.keep(groupedMatmul(x, weights, plan.tiles, { ...plan, gather: true, scatter: true }));
}

/** All pairs of tokens and experts, sorted by expert. */
function everyPair(device: Device, tokens: number, experts: number) {
  const permutation = Uint32Array.from(
    { length: tokens * experts },
    (_, place) => (place % tokens) * experts + Math.floor(place / tokens),
  );
  return {
    permutation: device.tensor(permutation, [permutation.length], 'u32'),
    tiles: equalTiles(device, experts, tokens),
    slots: experts,
  };
}

/** How many pairs each expert has. Waits for the device. */
export async function expertLoads({ experts, expertCount }: Routing): Promise<Uint32Array> {
  const loads = new Uint32Array(expertCount + 1);
  for (const expert of await experts.read()) loads[expert] = (loads[expert] ?? 0) + 1;
  return loads.subarray(0, expertCount);
}

/** How even a load is, and how full the tiles of the product are. */
export interface LoadStatistics {
  readonly pairs: number;
  readonly largest: number;
  /** Standard deviation over mean: 0 where all experts have the same. */
  readonly variation: number;
  readonly tiles: number;
  /** Rows in tiles over the rows that so many full tiles have. */
  readonly occupancy: number;
}

/** Statistics of the loads of all experts. */
export function loadStatistics(loads: ArrayLike<number>): LoadStatistics {
  const counts = Array.from(loads);
  const pairs = counts.reduce((sum, count) => sum + count, 0);
  const mean = pairs / counts.length;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
  const tiles = counts.reduce((sum, count) => sum + Math.ceil(count / tileRows), 0);
  return {
    pairs,
    largest: Math.max(0, ...counts),
    variation: pairs === 0 ? 0 : Math.sqrt(variance) / mean,
    tiles,
    occupancy: tiles === 0 ? 0 : pairs / (tiles * tileRows),
  };
}

/** The share of pairs that experts of `capacity` could not take. */
export function droppedShare(loads: ArrayLike<number>, capacity: number): number {
  const { pairs } = loadStatistics(loads);
  const dropped = Array.from(loads).reduce((sum, count) => sum + Math.max(0, count - capacity), 0);
  return pairs === 0 ? 0 : dropped / pairs;
}

const biased = (scores: Tensor, { bias }: RouterOptions): Tensor =>
  bias === undefined ? scores : combine(scores, bias, 'add');

function keep(scope: { keep<T extends Tensor>(tensor: T): T }, { experts, gates }: Assignment): Assignment {
  return { experts: scope.keep(experts), gates: scope.keep(gates) };
}

function checkCount(k: number, experts: number): void {
  if (k > experts) throw tooManyExperts(k, experts);
  if (Number.isInteger(k) && k >= 1) return;
  throw new InvalidInputError(`k must be a positive integer, but is ${String(k)}.`, { field: 'k' });
}
