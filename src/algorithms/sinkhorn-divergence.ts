/**
 * The debiased Sinkhorn divergence (Genevay, Peyre and Cuturi 2018; Feydy et al. 2019),
 * `S(a, b) = OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2`, its gradient by barycentric maps, and the flow that follows it. OT is
 * the entropic objective; it does not matter which reference measure the entropy has, because the difference is the same.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError, UnsupportedError } from '../device/errors';
import { logSumExpOverPairs, marginalError, updatePotential } from '../kernels/transport';
import {
  placePotential,
  potentialGrid,
  readPlanCosts,
  readPotential,
  solveSinkhorn,
  type SinkhornOptions,
  type SinkhornStatus,
} from './sinkhorn';
import { mapPoints } from './transport-map';
import { dot, placeProblem, type PointProblem } from './transport-problem';

/** Options of the three problems; epsilon is in the units of the cost. */
export type DivergenceOptions = Pick<
  SinkhornOptions,
  'epsilon' | 'tolerance' | 'maximumIterations' | 'checkEvery' | 'scaling'
> & {
  /** Also compute where the maps take the points of x. Needs a squared Euclidean cost. Default false. */
  readonly maps?: boolean;
  /** The potentials of an earlier result, to start from. */
  readonly start?: DivergencePotentials | undefined;
  /** OT(b, b) of an earlier result with the same y and epsilon, which is not computed again. */
  readonly target?: SelfTransport | undefined;
};

/** One for each point of y, x and y. */
export interface DivergencePotentials {
  readonly cross: Float64Array;
  readonly source: Float64Array;
}

/** Entropic transport from a measure to itself. */
export interface SelfTransport {
  readonly status: SinkhornStatus;
  readonly iterations: number;
  readonly marginalError: number;
  readonly epsilon: number;
  readonly transportCost: number;
  /** `<P, C> + epsilon * sum P log P`. */
  readonly entropicObjective: number;
  /** One for each point, both f and g of the plan. */
  readonly potential: Float64Array;
  /** Where the plan's barycentric map takes each point, if that was asked for. */
  readonly map: Float64Array | undefined;
}

/** What came out. */
export interface DivergenceResult {
  /** The least trustworthy ending of the three problems. */
  readonly status: SinkhornStatus;
  readonly iterations: number;
  readonly marginalError: number;
  /** `OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2` with the whole entropic objective; 0 for equal measures, else positive. */
  readonly divergence: number;
  /** The same difference of `<P, C>` alone. */
  readonly transportDivergence: number;
  /** The biased values of the problem from a to b. */
  readonly transportCost: number;
  readonly entropicObjective: number;
  readonly source: SelfTransport;
  readonly target: SelfTransport;
  readonly potentials: DivergencePotentials;
  /** Where the plan from a to b takes each point of x, if maps were asked for. */
  readonly map: Float64Array | undefined;
}

/** Throws `InvalidInputError` as `placeProblem` does, and `UnsupportedError` for maps with a cost that has none. */
export async function sinkhornDivergence(
  device: Device,
  problem: PointProblem,
  options: DivergenceOptions,
): Promise<DivergenceResult> {
  const { maps = false, start, target: known, ...rest } = options;
  if (maps && !isSquared(problem)) {
    throw new UnsupportedError(
      `Barycentric maps give the gradient of squared Euclidean costs only, not of ${problem.cost ?? ''}: choose squared-euclidean.`,
    );
  }
  using _scope = device.scope();
  // A start is already right where a large epsilon would only blur it.
  const scaling = start === undefined ? (rest.scaling ?? 0) : 0;
  const cross = await solveSinkhorn(device, problem, { ...rest, scaling, startColumnPotential: start?.cross });
  const map = maps ? await mapPoints(cross.problem, cross.potentials, cross.epsilon, problem.x) : undefined;
  const { x, y, rowWeights, columnWeights, ...shared } = problem;
  const source = await selfTransport(device, { ...shared, x, y: x, rowWeights }, options, start?.source);
  if (
    known !== undefined &&
    (known.potential.length !== y.length / problem.dimension || known.epsilon !== rest.epsilon)
  ) {
    throw new InvalidInputError('The known target belongs to another cloud or epsilon.', { field: 'target' });
  }
  const target =
    known ??
    (await selfTransport(device, { ...shared, x: y, y, rowWeights: columnWeights }, { ...options, maps: false }));
  const parts = [cross, source, target];
  const halfOf = (value: (self: SelfTransport) => number): number => (value(source) + value(target)) / 2;
  return {
    status: worst(parts.map(({ status }) => status)),
    iterations: cross.iterations + source.iterations + (known === undefined ? target.iterations : 0),
    marginalError: Math.max(...parts.map((part) => part.marginalError)),
    divergence: cross.entropicObjective - halfOf((self) => self.entropicObjective),
    transportDivergence: cross.transportCost - halfOf((self) => self.transportCost),
    transportCost: cross.transportCost,
    entropicObjective: cross.entropicObjective,
    source,
    target,
    potentials: { cross: cross.columnPotential, source: source.potential },
    map,
  };
}

/**
 * Transport from a measure to itself, whose two potentials are equal: averaged steps `f <- f + epsilon/2 (log a - log sums)`
 * (Feydy et al. 2019, section 3.3), which converge in a few iterations whatever the epsilon.
 */
async function selfTransport(
  device: Device,
  problem: PointProblem,
  { epsilon, tolerance = 1e-6, maximumIterations = 1000, checkEvery = 10, maps = false }: DivergenceOptions,
  start?: Float64Array,
): Promise<SelfTransport> {
  using _scope = device.scope();
  const placed = await placeProblem(device, { ...problem, columnWeights: problem.rowWeights });
  const { rows, pairs } = placed;
  // Both sides are centred alike, so the offsets of the rows and of the columns are zero.
  const values = Float64Array.from(rows.support, (index) => start?.[index] ?? 0);
  const potential = placePotential(placed, values);
  const both = { rows: potential, columns: potential };
  const grid = potentialGrid(placed);
  const error = device.full([1], 0);
  let iterations = 0;
  let reached = Infinity;
  let smallest = Infinity;
  let withoutProgress = 0;
  while (reached > tolerance && withoutProgress < 3 && iterations < maximumIterations) {
    for (let k = 0; k < checkEvery && iterations < maximumIterations; k++, iterations++) {
      using _step = device.scope();
      updatePotential(potential, logSumExpOverPairs(pairs, both, epsilon), rows.logWeights, epsilon / 2, grid);
      await device.flush();
    }
    {
      using _look = device.scope();
      marginalError(logSumExpOverPairs(pairs, both, epsilon), rows.weightTensor, error, 0);
    }
    // Rows and columns are the same, so both marginals together are off by twice this.
    reached = 2 * ((await error.read())[0] ?? NaN);
    if (!Number.isFinite(reached)) {
      throw new DivergedError(
        `Transport to itself left the range of numbers at iteration ${String(iterations)}: raise epsilon.`,
        { parameter: 'epsilon', iteration: iterations },
      );
    }
    withoutProgress = reached < 0.9 * smallest ? 0 : withoutProgress + 1;
    smallest = Math.min(smallest, reached);
  }
  const f = await readPotential(potential);
  const costs = await readPlanCosts(placed, both, epsilon);
  const whole = new Float64Array(rows.total).fill(-Infinity);
  rows.support.forEach((index, i) => (whole[index] = f[i] ?? NaN));
  return {
    status: reached <= tolerance ? 'converged' : withoutProgress >= 3 ? 'precision-limited' : 'not-converged',
    iterations,
    marginalError: reached,
    epsilon,
    transportCost: costs.total,
    entropicObjective: 2 * dot(rows.weights, f),
    potential: whole,
    map: maps ? await mapPoints(placed, both, epsilon, problem.x) : undefined,
  };
}

/** Where a flow stands. */
export interface FlowStep {
  /** 0 is before the first step. */
  readonly step: number;
  /** The points of the source, where they are now. */
  readonly x: Float64Array;
  /** What is being minimised: the divergence, or the entropic objective where the flow is biased. */
  readonly divergence: number;
  readonly transportCost: number;
  readonly entropicObjective: number;
  readonly status: SinkhornStatus;
  readonly marginalError: number;
  /** Root mean square length of the velocity. */
  readonly speed: number;
}

/** What may change while a flow goes on. */
export interface FlowSettings {
  readonly epsilon: number;
  /** 1 moves every point by minus its gradient over twice its mass: for epsilon to 0, onto its image. */
  readonly stepSize: number;
}

/**
 * Moves the points of x down the gradient: by `T_ab(x) - T_aa(x)` for the debiased divergence (Feydy et al. 2019, section
 * 3.2), by `T_ab(x) - x` for the biased objective, with T the barycentric maps. Endless: stop pulling. `settings` is looked
 * at before every step. The cost is |x - y|^2.
 */
export async function* divergenceFlow(
  device: Device,
  problem: Omit<PointProblem, 'cost'>,
  settings: () => FlowSettings,
  options: Omit<DivergenceOptions, 'epsilon' | 'maps' | 'start' | 'target'> & { readonly isDebiased?: boolean } = {},
): AsyncGenerator<FlowStep, never> {
  const { isDebiased = true, ...rest } = options;
  const x = Float64Array.from(problem.x);
  const weights = problem.rowWeights;
  let previous: DivergenceResult | undefined;
  for (let step = 0; ; step++) {
    const { epsilon, stepSize } = settings();
    const isSame = previous?.target.epsilon === epsilon;
    const result = await sinkhornDivergence(
      device,
      { ...problem, x },
      { ...rest, epsilon, maps: true, start: previous?.potentials, target: isSame ? previous?.target : undefined },
    );
    previous = result;
    const from = isDebiased ? result.source.map : x;
    const velocity = x.map((_, at) => (result.map?.[at] ?? NaN) - (from?.[at] ?? NaN));
    const count = x.length / problem.dimension;
    const squares = velocity.reduce(
      (sum, value, at) => sum + (weights?.[Math.floor(at / problem.dimension)] ?? 1 / count) * value * value,
      0,
    );
    yield { ...result, step, x: x.slice(), speed: Math.sqrt(squares) };
    velocity.forEach((value, at) => (x[at] = (x[at] ?? 0) + stepSize * value));
  }
}

/** The gradient of the divergence by the coordinates of x: `2 a_i (T_aa(x_i) - T_ab(x_i))` for |x - y|^2, half of it for |x - y|^2 / 2. */
export function divergenceGradient({ map, source }: DivergenceResult, problem: PointProblem): Float64Array {
  if (map === undefined || source.map === undefined) {
    throw new InvalidInputError('The gradient needs the maps: ask for them with maps.', { field: 'maps' });
  }
  const count = problem.x.length / problem.dimension;
  const factor = problem.cost === 'half-squared-euclidean' ? 1 : 2;
  return map.map((value, at) => {
    const weight = problem.rowWeights?.[Math.floor(at / problem.dimension)] ?? 1 / count;
    return factor * weight * ((source.map?.[at] ?? NaN) - value);
  });
}

const isSquared = ({ cost = 'squared-euclidean' }: PointProblem): boolean =>
  cost === 'squared-euclidean' || cost === 'half-squared-euclidean';

const trust: readonly SinkhornStatus[] = ['converged', 'precision-limited', 'not-converged'];

function worst(statuses: readonly SinkhornStatus[]): SinkhornStatus {
  return statuses.reduce((a, b) => (trust.indexOf(b) > trust.indexOf(a) ? b : a), 'converged');
}
