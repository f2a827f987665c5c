/**
 * Wasserstein dictionary of product form (Kwon and Lyu 2023): joint histograms X_i on a grid are approximated by mixtures
 * `sum_k codes_ik left_k x right_k` of atoms that are products of two factors, so that the sum of the entropic transport costs
 * `W(X_i, mixture_i)` is least. Block coordinate descent of Gauss-Seidel type with proximal regularisation: one after the other
 * each block Z (left factors, right factors, codes; its rows are probability vectors) becomes
 * `argmin_Z sum_i W(X_i, (A Z)_i) + (proximal / 2) |Z - Z_old|^2`, A the linear map to the mixtures with the other blocks fixed.
 *
 * Each block is solved in the dual, `max_g -sum_i H*_i(g_i) + min_Z <A^T g, Z> + (proximal / 2) |Z - Z_old|^2`, where
 * `H*_i(g) = epsilon (<log K e^(g / epsilon), X_i> - <X_i, log X_i>)` (Rolet, Cuturi and Peyré 2016) has the second marginal of
 * the plan as its gradient, and the inner minimum is at the projection of `Z_old - A^T g / proximal` onto the simplices.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { affine, axpy, combine, map } from '../kernels/elementwise';
import { histogramAscent } from '../kernels/histogram-ascent';
import { matmul } from '../kernels/matmul';
import { contractAtoms, productAtoms, projectOntoSimplex } from '../kernels/product-atoms';
import { gridLogSums, matchTargets, placeHistograms, sourceValues, type SourceHistograms } from './grid-transport';
import {
  checkedDictionary,
  startingDictionary,
  type JointHistograms,
  type ProductDictionary,
} from './product-dictionary';

/** The blocks, in the order in which a sweep solves them. */
export const dictionaryBlocks = ['left', 'right', 'codes'] as const;
export type DictionaryBlock = (typeof dictionaryBlocks)[number];

/** How a block is solved. */
export interface BlockOptions {
  /** In `W(p, q) = min <P, C> + epsilon sum P log P`; both sides of the grid are 1 long. Positive. */
  readonly epsilon: number;
  /** The weight of the squared distance to the block before, halved. Positive: the dual is smooth because of it. Default 1. */
  readonly proximal?: number;
  /** A block is solved when the plans' marginals are this close to the mixtures, in L1, on average. Default 1e-3. */
  readonly tolerance?: number;
  /** The most dual steps for a block; fewer make it inexact. Default 200. */
  readonly maximumSteps?: number;
  /** Dual steps between looks at the residual. Default 5. */
  readonly checkEvery?: number;
}

/** How to learn. */
export interface DictionaryOptions extends BlockOptions {
  /** How many atoms. */
  readonly atoms: number;
  /** Default 20. */
  readonly sweeps?: number;
  /** Stop when a sweep's `stationarity` is below this. Default 1e-6. */
  readonly stationarity?: number;
  /** Of the start. Default 1. */
  readonly seed?: number;
  /** Where to start instead. */
  readonly start?: ProductDictionary;
}

/** What solving one block took. */
export interface BlockReport {
  readonly block: DictionaryBlock;
  /** Dual steps. */
  readonly steps: number;
  /** L1 distance of the plans' marginals to the mixtures, on average: what is left of the dual's gradient. */
  readonly residual: number;
}

/** Where the descent stands after a sweep; sweep 0 is the start. */
export interface DictionarySweep {
  readonly sweep: number;
  /** `sum_i W(X_i, mixture_i)`, by Sinkhorn's iteration on the mixtures themselves. */
  readonly objective: number;
  /**
   * `proximal^2 sum |Z - Z_old|^2` over the blocks: the squared norms of the gradients of their Moreau envelopes, 0 exactly at
   * points that no block can improve. Where blocks are solved exactly the smallest of n sweeps is at most
   * `2 proximal (first objective - last objective) / n`.
   */
  readonly stationarity: number;
  readonly blocks: readonly BlockReport[];
  /** L1 error of the marginals behind `objective`, on average. */
  readonly objectiveError: number;
  /** Since the start, without what the caller did in between. */
  readonly seconds: number;
  readonly dictionary: ProductDictionary;
}

/** What came out. */
export interface DictionaryResult extends DictionarySweep {
  readonly status: 'converged' | 'not-converged';
}

interface Blocks<T> {
  readonly left: T;
  readonly right: T;
  readonly codes: T;
}

/**
 * Learns in the scope that is open; yields the start and every sweep. Throws `InvalidInputError` for histograms that are none
 * (see `placeHistograms`), a number of atoms below 1, an epsilon or proximal weight that is not positive, and a start of
 * other sizes; `DivergedError` where the dual leaves the range of numbers.
 */
export async function* wassersteinDictionary(
  device: Device,
  problem: JointHistograms,
  options: DictionaryOptions,
): AsyncGenerator<DictionarySweep, DictionaryResult> {
  const { epsilon, atoms, proximal = 1, sweeps = 20, stationarity: enough = 1e-6, seed = 1 } = options;
  checkPositive({ epsilon, proximal, sweeps });
  const begun = performance.now();
  let waitedMs = 0;
  const { histograms, height, width } = problem;
  const sources = placeHistograms(device, histograms, { height, width, epsilon });
  const start = options.start ?? startingDictionary(problem, atoms, seed);
  const blocks = placeBlocks(device, problem, checkedDictionary(start, problem, atoms));
  const potential = device.full(sources.masses.shape, 0);
  // The first potentials are those of the start; after that every block goes on from the one before.
  await matchTargets(sources, mixturesOf(blocks), potential, { tolerance: 1e-3, maximumIterations: 30 });

  const look = async (sweep: number, moved: number, reports: readonly BlockReport[]): Promise<DictionarySweep> => {
    using _scope = device.scope();
    const { costs, marginalError } = await matchTargets(sources, mixturesOf(blocks), affine(potential), {
      tolerance: 1e-4,
      maximumIterations: 100,
    });
    return {
      sweep,
      objective: costs.reduce((sum, cost) => sum + cost, 0),
      stationarity: proximal ** 2 * moved,
      blocks: reports,
      objectiveError: marginalError,
      seconds: (performance.now() - begun - waitedMs) / 1000,
      dictionary: { atoms, ...(await readBlocks(blocks)) },
    };
  };

  let state = { ...(await look(0, NaN, [])), stationarity: Infinity };
  for (let sweep = 1; sweep <= sweeps && state.stationarity > enough; sweep++) {
    const shown = performance.now();
    yield state;
    waitedMs += performance.now() - shown;
    const reports: BlockReport[] = [];
    let moved = 0;
    for (const block of dictionaryBlocks) {
      const solved = await solveBlock(sources, blocks, block, potential, options);
      reports.push(solved.report);
      moved += solved.moved;
    }
    state = await look(sweep, moved, reports);
  }
  yield state;
  return { ...state, status: state.stationarity <= enough ? 'converged' : 'not-converged' };
}

/** Runs to the end. Options and errors as for `wassersteinDictionary`. */
export async function solveWassersteinDictionary(
  device: Device,
  problem: JointHistograms,
  options: DictionaryOptions,
): Promise<DictionaryResult> {
  const steps = wassersteinDictionary(device, problem, options);
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value;
}

/** The dual of one block at some potentials: a bound for every value of the block, and how it changes. */
export interface BlockDual {
  /** Never above `sum_i W(X_i, (A Z)_i) + (proximal / 2) |Z - Z_old|^2`, whatever Z. */
  readonly value: number;
  /** Its gradient in g: the mixtures at `point` less the plans' marginals, histogram after histogram. */
  readonly gradient: Float64Array;
  /** The block Z at which the inner minimum is reached: the solution, where the gradient is 0. */
  readonly point: Float64Array;
}

/** The dual of a block at potentials g, in the units of the cost, one for each place of each histogram. */
export async function blockDual(
  device: Device,
  problem: JointHistograms,
  dictionary: ProductDictionary,
  block: DictionaryBlock,
  potentials: ArrayLike<number>,
  { epsilon, proximal = 1 }: BlockOptions,
): Promise<BlockDual> {
  checkPositive({ epsilon, proximal });
  using _scope = device.scope();
  const { height, width } = problem;
  const sources = placeHistograms(device, problem.histograms, { height, width, epsilon });
  const blocks = placeBlocks(device, problem, checkedDictionary(dictionary, problem, dictionary.atoms));
  const { forward, adjoint } = linearMap(blocks, block);
  const scaled = Array.from(potentials, (value) => value / epsilon);
  const potential = device.tensor(scaled, sources.masses.shape);
  const logSums = gridLogSums(sources, potential);
  const pull = adjoint(potential);
  const point = projectOntoSimplex(axpy(-epsilon / proximal, pull, blocks[block]));
  const marginals = map(combine(potential, logSums.targets, 'add'), 'exp');
  const gradient = combine(forward(point), marginals, 'subtract');
  const [pulls, at, old] = [await pull.read(), await point.read(), await blocks[block].read()];
  let value = (await sourceValues(sources, logSums)).reduce((sum, part) => sum + part, 0);
  at.forEach((z, i) => (value += epsilon * (pulls[i] ?? NaN) * z + (proximal / 2) * (z - (old[i] ?? NaN)) ** 2));
  return { value, gradient: Float64Array.from(await gradient.read()), point: Float64Array.from(at) };
}

/** Solves one block in the dual, in place: the block, and the potentials over epsilon that it is reached by. */
async function solveBlock(
  sources: SourceHistograms,
  blocks: Blocks<Tensor>,
  block: DictionaryBlock,
  potential: Tensor,
  options: BlockOptions,
): Promise<{ readonly report: BlockReport; readonly moved: number }> {
  const { epsilon, proximal = 1, tolerance = 1e-3, maximumSteps = 200, checkEvery = 5 } = options;
  const { device, count } = sources;
  using _scope = device.scope();
  const current = blocks[block];
  const { forward, adjoint, curvature } = linearMap(blocks, block);
  // One over the step sizes, in the units of potentials over epsilon: bounds of the curvature of both parts of the dual. That
  // of H* is below the mass of the plan, which is to become the mixture: the bound grows with both.
  const curved = affine(curvature(), { scale: epsilon / proximal, offset: 1e-12 });
  const metric = combine(curved, forward(current), 'add');
  const previous = affine(potential);
  const momentum = device.full([count], 1);
  const residual = device.full([count], 0);
  const next = affine(current);
  let error = Infinity;
  let step = 0;
  while (error > tolerance && step < maximumSteps) {
    using _inner = device.scope();
    step += 1;
    const isCheck = step % checkEvery === 0 || step === maximumSteps;
    const { targets: logSums } = gridLogSums(sources, potential);
    const point = projectOntoSimplex(axpy(-epsilon / proximal, adjoint(potential), current));
    const wanted = forward(point);
    if (isCheck || step === 1) {
      const most = combine(map(combine(potential, logSums, 'add'), 'exp'), wanted, 'maximum');
      combine(metric, combine(most, curved, 'add'), 'maximum', { out: metric });
    }
    histogramAscent({ logSums, wanted, metric, potential, previous, momentum, residual });
    if (!isCheck) continue;
    affine(point, { out: next });
    error = Array.from(await residual.read()).reduce((sum, value) => sum + value, 0) / count;
    if (!Number.isFinite(error)) {
      const message = `The dual of the ${block} left the range of numbers after ${String(step)} steps: raise the proximal weight or epsilon.`;
      throw new DivergedError(message, { parameter: 'proximal', iteration: step });
    }
  }
  const [before, after] = [await current.read(), await next.read()];
  affine(next, { out: current });
  await device.flush();
  const moved = Array.from(after).reduce((sum, value, i) => sum + (value - (before[i] ?? NaN)) ** 2, 0);
  return { report: { block, steps: step, residual: error }, moved };
}

/** The mixtures as a linear map A of one block, the others fixed. */
interface LinearMap {
  /** A Z: [count, places]. */
  readonly forward: (block: Tensor) => Tensor;
  /** A^T g, of the block's shape. */
  readonly adjoint: (potential: Tensor) => Tensor;
  /** A diagonal above A A^T, as A has no negative entries: the sums of its rows, A A^T 1. */
  readonly curvature: () => Tensor;
}

function linearMap({ left, right, codes }: Blocks<Tensor>, block: DictionaryBlock): LinearMap {
  const { device } = codes;
  const [count = 1] = codes.shape;
  if (block === 'codes') {
    const atoms = productAtoms(left, right);
    return {
      forward: (z) => matmul(z, atoms),
      adjoint: (g) => matmul(g, atoms, { transposeB: true }),
      // Atoms sum to one, so A^T 1 is 1.
      curvature: () => matmul(device.full(codes.shape, 1), atoms),
    };
  }
  const atomsOf = (z: Tensor): Tensor => (block === 'left' ? productAtoms(z, right) : productAtoms(left, z));
  return {
    forward: (z) => matmul(codes, atomsOf(z)),
    adjoint: (g) => contractAtoms(matmul(codes, g, { transposeA: true }), block === 'left' ? right : left, block),
    // Factors sum to one, so A^T 1 is the sum of an atom's codes at each place of its factor.
    curvature: () => {
      const sums = matmul(device.full([count, count], 1), codes);
      const ones = device.full(block === 'left' ? left.shape : right.shape, 1);
      return matmul(combine(codes, sums, 'multiply'), atomsOf(ones));
    },
  };
}

const mixturesOf = ({ left, right, codes }: Blocks<Tensor>): Tensor => matmul(codes, productAtoms(left, right));

function placeBlocks(
  device: Device,
  { histograms, height, width }: JointHistograms,
  { atoms, left, right, codes }: ProductDictionary,
): Blocks<Tensor> {
  return {
    left: device.tensor(left, [atoms, height]),
    right: device.tensor(right, [atoms, width]),
    codes: device.tensor(codes, [histograms.length, atoms]),
  };
}

async function readBlocks({ left, right, codes }: Blocks<Tensor>): Promise<Blocks<Float64Array>> {
  return {
    left: Float64Array.from(await left.read()),
    right: Float64Array.from(await right.read()),
    codes: Float64Array.from(await codes.read()),
  };
}

function checkPositive(values: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(values)) {
    if (!(value > 0 && Number.isFinite(value)))
      throw new InvalidInputError(`${field} must be a positive number, not ${String(value)}.`, { field });
  }
}
