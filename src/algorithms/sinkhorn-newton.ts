/**
 * Entropic optimal transport by Sinkhorn's algorithm and then sparse Newton steps (Tang, Shavlovsky, Rahmanian, Tardini,
 * Thekumparampil, Xiao, Ying 2024). The plan is stored and multiplied by exp(u_i + v_j); the Newton system keeps only the
 * entries of the plan that matter and is solved by conjugate gradients on the device. Written once over kernels.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import type { SparsePlan } from '../kernels/sparse';
import type { Potentials } from '../kernels/transport';
import { NewtonPlan, type NewtonStep, type Sparsification } from './newton-plan';
import { readPlanCosts, sinkhorn, type SinkhornStatus } from './sinkhorn';
import { dot, placeProblem, type PlacedProblem, type TransportProblem } from './transport-problem';

/** Newton takes over at a marginal error or after so many iterations, whichever comes first; the published form is the latter. */
export interface WarmUp {
  readonly error?: number;
  readonly iterations?: number;
  /** The factor of epsilon scaling, as of `sinkhorn`. Default 0: none. */
  readonly scaling?: number;
}

/** How to solve. */
export interface SinkhornNewtonOptions {
  /** The weight of the entropy: P minimises `<P, C> + epsilon * sum P log P`. Positive. The paper's eta is 1 / epsilon. */
  readonly epsilon: number;
  /** Whether epsilon is in the units of C, or a multiple of the largest C_ij. Default `absolute`. */
  readonly epsilonUnit?: 'absolute' | 'largest-cost';
  /** Stop when both marginals together are this close in L1. Default 1e-6. */
  readonly tolerance?: number;
  /**
   * How Sinkhorn's iteration leads up to Newton's steps. Default: to an error of 3e-2 in at most 200 iterations; for the L1
   * cost with epsilon scaling by 0.98, to an error of 3e-3 in at most 1,500.
   */
  readonly warmUp?: WarmUp;
  /** Default: by mass, a fraction of 0.05. */
  readonly sparsification?: Sparsification;
  /** The most Sinkhorn iterations, those of corrections and the fallback included. Default 10,000. */
  readonly maximumIterations?: number;
  /** Default 60. */
  readonly maximumNewtonSteps?: number;
  /** Conjugate gradient steps of one Newton step. Default 1,000. */
  readonly maximumGradientSteps?: number;
}

/** Where the method stands: yielded at every look at Sinkhorn's error, after every Newton step and every fallback. */
export interface SinkhornNewtonStep {
  readonly phase: 'sinkhorn' | 'newton' | 'fallback';
  /** Sinkhorn iterations and Newton steps so far. */
  readonly iteration: number;
  /** L1 error of both marginals. */
  readonly marginalError: number;
  /** Errors of the iterations since the last step, this one's last; those in between are of the rows alone. */
  readonly errors: readonly number[];
  /** Since the method began. */
  readonly elapsedMs: number;
  /** What a Newton step did. */
  readonly newton: NewtonStep | undefined;
}

/** What came out. */
export interface SinkhornNewtonResult {
  readonly status: SinkhornStatus;
  /** Sinkhorn iterations before the first Newton step. */
  readonly sinkhornIterations: number;
  readonly newtonSteps: number;
  /** Conjugate gradient steps of all Newton steps: each a product with the sparse matrix. */
  readonly gradientSteps: number;
  /** How often Newton stalled, and the Sinkhorn iterations that were taken instead. */
  readonly stalls: number;
  readonly fallbackIterations: number;
  /** Sinkhorn iterations that corrected Newton steps. */
  readonly correctionIterations: number;
  /** Entries of the plan that the last Newton system kept; 0 where there was none. */
  readonly nonzeros: number;
  /** L1 error of both marginals of the stored plan. */
  readonly marginalError: number;
  readonly tolerance: number;
  readonly elapsedMs: number;
  /** In the units of C. */
  readonly epsilon: number;
  /** `<P, C>`, without the entropy. */
  readonly transportCost: number;
  /** `<P, C> + epsilon * sum P log P`. */
  readonly entropicObjective: number;
  /** The plan, `[rows, columns]` of the points that carry mass. */
  readonly plan: Tensor;
  /** The entries that the last Newton system kept; what it added to its diagonal is among the leftover mass. */
  readonly sparse: SparsePlan;
  readonly problem: PlacedProblem;
  /** The potentials of the centred problem, on the device: for certificates and pictures. */
  readonly potentials: Potentials;
}

const warmUps = {
  manhattan: { scaling: 0.98, error: 3e-3, iterations: 1500 },
  other: { error: 3e-2, iterations: 200 },
} as const satisfies Readonly<Record<string, WarmUp>>;

/** The first fallback takes so many Sinkhorn iterations, each later one twice as many. */
const firstFallback = 50;
/** Newton steps in a row that may pass without the error halving. */
const patience = 12;
const patienceAtNoise = 3;
/** What rounding in float32 leaves of the marginals when nothing else is wrong. */
const float32Noise = 1e-5;

/**
 * Solves a problem in the scope that is open on the device, which owns what the result holds. The plan is stored: memory is
 * about 32 bytes per pair. Throws `InvalidInputError` for a problem or options that make no sense, `DivergedError` if
 * numbers leave their range.
 */
export async function* sinkhornNewton(
  device: Device,
  problem: TransportProblem | PlacedProblem,
  options: SinkhornNewtonOptions,
): AsyncGenerator<SinkhornNewtonStep, SinkhornNewtonResult> {
  checkOptions(options);
  const startMs = performance.now();
  const {
    tolerance = 1e-6,
    maximumIterations = 10_000,
    maximumNewtonSteps = 60,
    maximumGradientSteps = 1000,
  } = options;
  const sparsification = options.sparsification ?? { by: 'mass', fraction: 0.05 };
  const placed = 'costOffset' in problem ? problem : await placeProblem(device, problem);
  const warmUp: WarmUp = options.warmUp ?? warmUps[placed.cost === 'manhattan' ? 'manhattan' : 'other'];
  const elapsedMs = (): number => performance.now() - startMs;

  const iterations = sinkhorn(device, placed, {
    epsilon: options.epsilon,
    epsilonUnit: options.epsilonUnit ?? 'absolute',
    tolerance: Math.max(warmUp.error ?? 0, tolerance),
    maximumIterations: Math.min(warmUp.iterations ?? Infinity, maximumIterations),
    checkEvery: Math.min(warmUp.error === undefined ? 50 : 5, warmUp.iterations ?? Infinity),
    scaling: warmUp.scaling ?? 0,
  });
  let next = await iterations.next();
  for (; next.done !== true; next = await iterations.next()) {
    const { iteration, marginalError, rowErrors } = next.value;
    const errors = [...rowErrors.slice(0, -1), marginalError];
    yield { phase: 'sinkhorn', iteration, marginalError, errors, elapsedMs: elapsedMs(), newton: undefined };
  }
  const { epsilon, iterations: sinkhornIterations } = next.value;

  const state = await NewtonPlan.make(placed, next.value.potentials, epsilon);
  let [newtonSteps, gradientSteps, correctionIterations, stalls, fallbackIterations, sinceHalved] = [0, 0, 0, 0, 0, 0];
  let best = state.error;
  let nonzeros = 0;
  const stepOf = (
    phase: 'newton' | 'fallback',
    errors: readonly number[],
    newton?: NewtonStep,
  ): SinkhornNewtonStep => ({
    phase,
    iteration: sinkhornIterations + fallbackIterations + correctionIterations + newtonSteps,
    marginalError: state.error,
    errors,
    elapsedMs: elapsedMs(),
    newton,
  });
  while (state.error > tolerance && newtonSteps < maximumNewtonSteps) {
    const newton = await state.newtonStep(sparsification, maximumGradientSteps);
    newtonSteps += 1;
    gradientSteps += newton.gradientSteps;
    correctionIterations += newton.corrections;
    nonzeros = newton.nonzeros;
    if (!Number.isFinite(state.error)) {
      throw new DivergedError(
        `The Newton step left the range of numbers at step ${String(newtonSteps)}: raise epsilon.`,
        {
          parameter: 'epsilon',
          iteration: newtonSteps,
        },
      );
    }
    yield stepOf('newton', [state.error], newton);
    sinceHalved = state.error <= best / 2 ? 0 : sinceHalved + 1;
    if (sinceHalved === 0) best = state.error;
    if (newton.length > 0 && sinceHalved < (isAtNoise(device, state.error) ? patienceAtNoise : patience)) continue;
    const wanted = firstFallback * 2 ** stalls;
    const left = maximumIterations - sinkhornIterations - correctionIterations - fallbackIterations;
    stalls += 1;
    if (state.error <= tolerance || left < 1 || isAtNoise(device, state.error)) break;
    const taken = Math.min(wanted, left);
    await state.sinkhornSteps(taken);
    fallbackIterations += taken;
    sinceHalved = 0;
    best = Math.min(best, state.error);
    yield stepOf('fallback', [state.error]);
  }

  // An epsilon below the rounding of the costs: the plan is no longer that of the potentials, whatever its marginals are.
  const isResolved = epsilon >= (device.kind === 'webgpu' ? 2 ** -24 : 2 ** -53) * placed.largestCost;
  const isConverged = state.error <= tolerance && isResolved;
  const potentials = state.placePotentials();
  const totalMs = elapsedMs();
  const { total } = await readPlanCosts(placed, potentials, epsilon);
  const { rows, columns, costOffset } = placed;
  return {
    status: isConverged
      ? 'converged'
      : isAtNoise(device, state.error) || !isResolved
        ? 'precision-limited'
        : 'not-converged',
    sinkhornIterations,
    newtonSteps,
    gradientSteps,
    stalls,
    fallbackIterations,
    correctionIterations,
    nonzeros,
    marginalError: state.error,
    tolerance,
    elapsedMs: totalMs,
    epsilon,
    transportCost: total + costOffset,
    entropicObjective: dot(rows.weights, state.rowPotential) + dot(columns.weights, state.columnPotential) + costOffset,
    plan: state.plan,
    sparse: state.sparse,
    problem: placed,
    potentials,
  };
}

const isAtNoise = (device: Device, error: number): boolean => device.kind === 'webgpu' && error <= float32Noise;

/** Runs to the end and returns the result. Options and errors as for `sinkhornNewton`. */
export async function solveSinkhornNewton(
  device: Device,
  problem: TransportProblem | PlacedProblem,
  options: SinkhornNewtonOptions,
): Promise<SinkhornNewtonResult> {
  const steps = sinkhornNewton(device, problem, options);
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value;
}

/** How a run ended, in words; a fallback to Sinkhorn is said. */
export function describeSinkhornNewton(result: SinkhornNewtonResult): {
  readonly state: SinkhornStatus;
  readonly text: string;
  readonly warning?: string;
} {
  const { status, newtonSteps, gradientSteps, stalls, fallbackIterations, marginalError } = result;
  const iterations = result.sinkhornIterations + result.correctionIterations;
  const counts = `${String(iterations)} Sinkhorn + ${String(newtonSteps)} Newton steps (${String(gradientSteps)} CG)`;
  const ending = {
    converged: `converged to ${result.tolerance.toExponential()} in ${counts}`,
    'not-converged': `did not converge: marginal error ${marginalError.toExponential(1)} after ${counts}`,
    'precision-limited': `precision-limited: marginal error ${marginalError.toExponential(1)} after ${counts}`,
  }[status];
  const stalled =
    stalls === 0
      ? ''
      : `Newton stalled ${stalls === 1 ? 'once' : `${String(stalls)} times`}; ${String(fallbackIterations)} more Sinkhorn iterations were taken instead.`;
  return { state: status, text: ending, ...(stalled === '' ? {} : { warning: stalled }) };
}

function checkOptions(options: SinkhornNewtonOptions): void {
  const { tolerance = 1e-6, warmUp = {}, sparsification } = options;
  const { maximumNewtonSteps = 60, maximumGradientSteps = 1000 } = options;
  const require = (isGood: boolean, field: string, expected: string): void => {
    if (!isGood) throw new InvalidInputError(`${field} must be ${expected}.`, { field });
  };
  require(Number.isFinite(tolerance) && tolerance > 0, 'tolerance', 'a positive number');
  const { error = 1, iterations = 1 } = warmUp;
  require(Number.isFinite(error) && error > 0, 'warmUp.error', 'a positive number');
  require(Number.isInteger(iterations) && iterations >= 1, 'warmUp.iterations', 'a positive integer');
  if (sparsification?.by === 'mass')
    require(sparsification.fraction >= 0 && sparsification.fraction < 1, 'fraction', 'at least 0 and below 1');
  if (sparsification?.by === 'count') require(sparsification.lambda > 0, 'lambda', 'a positive number');
  require(Number.isInteger(maximumNewtonSteps) &&
    maximumNewtonSteps >= 0, 'maximumNewtonSteps', 'an integer, 0 or more');
  require(Number.isInteger(maximumGradientSteps) &&
    maximumGradientSteps >= 1, 'maximumGradientSteps', 'a positive integer');
}
