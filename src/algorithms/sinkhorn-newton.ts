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
import { placePotential, readPlanCosts, readPotential, sinkhorn, type SinkhornStatus } from './sinkhorn';
import { dot, placeProblem, type PlacedProblem, type TransportProblem } from './transport-problem';

/** How to solve. */
export interface SinkhornNewtonOptions {
  /** The weight of the entropy: P minimises `<P, C> + epsilon * sum P log P`. Positive. The paper's eta is 1 / epsilon. */
  readonly epsilon: number;
  /** Whether epsilon is in the units of C, or a multiple of the largest C_ij. Default `absolute`. */
  readonly epsilonUnit?: 'absolute' | 'largest-cost';
  /** Stop when both marginals together are this close in L1. Default 1e-6. */
  readonly tolerance?: number;
  /**
   * When Newton takes over: at a marginal error, or (the published form) after so many Sinkhorn iterations. Default: at 1e-3
   * for the L1 cost and 3e-2 for any other.
   */
  readonly switchAt?: { readonly error: number } | { readonly iterations: number };
  /** Default: by mass, a fraction of 0.05. */
  readonly sparsification?: Sparsification;
  /** The most Sinkhorn iterations, those of the fallback included. Default 10,000. */
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
  /** The entries that the last Newton system kept. */
  readonly sparse: SparsePlan;
  readonly problem: PlacedProblem;
  /** The potentials of the centred problem, on the device: for certificates and pictures. */
  readonly potentials: Potentials;
}

/** The first fallback takes so many Sinkhorn iterations, each later one twice as many. */
const firstFallback = 50;
/** Newton steps in a row that may pass without the error halving. */
const patience = 8;
/** What rounding in float32 leaves of the marginals when nothing else is wrong. */
const float32Noise = 1e-5;

/**
 * Solves a problem in the scope that is open on the device, which owns what the result holds. The plan is stored: memory is
 * about 28 bytes per pair. Throws `InvalidInputError` for a problem or options that make no sense, `DivergedError` if
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
  const switchAt = options.switchAt ?? { error: placed.cost === 'manhattan' ? 1e-3 : 3e-2 };
  const elapsedMs = (): number => performance.now() - startMs;

  const warmUp = sinkhorn(device, placed, {
    epsilon: options.epsilon,
    epsilonUnit: options.epsilonUnit ?? 'absolute',
    tolerance: 'error' in switchAt ? Math.max(switchAt.error, tolerance) : tolerance,
    maximumIterations: 'iterations' in switchAt ? switchAt.iterations : maximumIterations,
    checkEvery: 'iterations' in switchAt ? Math.min(50, switchAt.iterations) : 5,
  });
  let next = await warmUp.next();
  for (; next.done !== true; next = await warmUp.next()) {
    const { iteration, marginalError, rowErrors } = next.value;
    const errors = [...rowErrors.slice(0, -1), marginalError];
    yield { phase: 'sinkhorn', iteration, marginalError, errors, elapsedMs: elapsedMs(), newton: undefined };
  }
  const { epsilon, iterations: sinkhornIterations, potentials: first } = next.value;

  const state = await NewtonPlan.make(placed, first, epsilon);
  let [newtonSteps, gradientSteps, stalls, fallbackIterations, sinceHalved] = [0, 0, 0, 0, 0];
  let best = state.error;
  let nonzeros = 0;
  const stepOf = (
    phase: 'newton' | 'fallback',
    errors: readonly number[],
    newton?: NewtonStep,
  ): SinkhornNewtonStep => ({
    phase,
    iteration: sinkhornIterations + fallbackIterations + newtonSteps,
    marginalError: state.error,
    errors,
    elapsedMs: elapsedMs(),
    newton,
  });
  while (state.error > tolerance && newtonSteps < maximumNewtonSteps) {
    const newton = await state.newtonStep(sparsification, maximumGradientSteps);
    newtonSteps += 1;
    gradientSteps += newton.gradientSteps;
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
    if (newton.length > 0 && sinceHalved < patience) continue;
    const wanted = firstFallback * 2 ** stalls;
    const left = maximumIterations - sinkhornIterations - fallbackIterations;
    stalls += 1;
    if (state.error <= tolerance || left < 1 || isAtNoise(device, state.error)) break;
    const taken = Math.min(wanted, left);
    await state.sinkhornSteps(taken);
    fallbackIterations += taken;
    sinceHalved = 0;
    best = Math.min(best, state.error);
    yield stepOf('fallback', [state.error]);
  }

  const isConverged = state.error <= tolerance;
  const [f, g] = [await readPotential(first.rows), await readPotential(first.columns)];
  const rowPotential = f.map((value, i) => value + epsilon * (state.shift[i] ?? 0));
  const columnPotential = g.map((value, j) => value + epsilon * (state.shift[f.length + j] ?? 0));
  const potentials = {
    rows: placePotential(placed, rowPotential),
    columns: placePotential(placed, columnPotential),
  };
  const totalMs = elapsedMs();
  const { total } = await readPlanCosts(placed, potentials, epsilon);
  const { rows, columns, costOffset } = placed;
  return {
    status: isConverged ? 'converged' : isAtNoise(device, state.error) ? 'precision-limited' : 'not-converged',
    sinkhornIterations,
    newtonSteps,
    gradientSteps,
    stalls,
    fallbackIterations,
    nonzeros,
    marginalError: state.error,
    tolerance,
    elapsedMs: totalMs,
    epsilon,
    transportCost: total + costOffset,
    entropicObjective: dot(rows.weights, rowPotential) + dot(columns.weights, columnPotential) + costOffset,
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
  const { status, sinkhornIterations, newtonSteps, gradientSteps, stalls, fallbackIterations, marginalError } = result;
  const counts = `${String(sinkhornIterations)} Sinkhorn + ${String(newtonSteps)} Newton steps (${String(gradientSteps)} CG)`;
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
  const { tolerance = 1e-6, switchAt, sparsification } = options;
  const { maximumNewtonSteps = 60, maximumGradientSteps = 1000 } = options;
  const require = (isGood: boolean, field: string, expected: string): void => {
    if (!isGood) throw new InvalidInputError(`${field} must be ${expected}.`, { field });
  };
  require(Number.isFinite(tolerance) && tolerance > 0, 'tolerance', 'a positive number');
  if (switchAt !== undefined && 'error' in switchAt)
    require(Number.isFinite(switchAt.error) && switchAt.error > 0, 'switchAt.error', 'a positive number');
  if (switchAt !== undefined && 'iterations' in switchAt)
    require(Number.isInteger(switchAt.iterations) &&
      switchAt.iterations >= 1, 'switchAt.iterations', 'a positive integer');
  if (sparsification?.by === 'mass')
    require(sparsification.fraction >= 0 && sparsification.fraction < 1, 'fraction', 'at least 0 and below 1');
  if (sparsification?.by === 'count') require(sparsification.lambda > 0, 'lambda', 'a positive number');
  require(Number.isInteger(maximumNewtonSteps) &&
    maximumNewtonSteps >= 0, 'maximumNewtonSteps', 'an integer, 0 or more');
  require(Number.isInteger(maximumGradientSteps) &&
    maximumGradientSteps >= 1, 'maximumGradientSteps', 'a positive integer');
}
