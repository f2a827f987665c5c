/** A stored plan that Newton steps and Sinkhorn iterations move towards its marginals; one object per solve. */
import type { Device } from '../device/device';
import type { NumberArray, Tensor } from '../device/tensor';
import { axpy } from '../kernels/elementwise';
import {
  compressPlan,
  conjugateGradientStep,
  sparseProduct,
  startConjugateGradient,
  type ConjugateGradient,
  type SparsePlan,
} from '../kernels/sparse';
import {
  marginalStep,
  massThreshold,
  rankThreshold,
  scalePlan,
  storePlan,
  type StoredPlan,
} from '../kernels/stored-plan';
import type { Potentials } from '../kernels/transport';
import type { PlacedProblem } from './transport-problem';

/** Which entries of the plan the Newton system keeps; its diagonal is always kept whole. */
export type Sparsification =
  /** The smallest entries are dropped while all of them together weigh at most `fraction` of the marginal error. */
  | { readonly by: 'mass'; readonly fraction: number }
  /** The published form: the entries down to the `ceil(lambda * rows * columns)`-th largest are kept. */
  | { readonly by: 'count'; readonly lambda: number };

/** What a Newton step did. */
export interface NewtonStep {
  /** Entries of the plan that the system kept. */
  readonly nonzeros: number;
  readonly gradientSteps: number;
  /** The part of the step that was taken: 1, halved until accepted, or 0 where no part was. */
  readonly length: number;
}

/** Conjugate gradient steps between two looks at the residual. */
const gradientStepsPerLook = 50;
const mostHalvings = 12;
/** Part of the ascent that the linear model promises which a step must bring. */
const sufficientAscent = 0.1;

/** The plan, its sums and what the steps need; all tensors belong to the scope that was open when it was made. */
export class NewtonPlan {
  /** L1 error of both marginals. */
  error = Infinity;
  /** What the steps added to the potentials, in units of epsilon: rows, then columns. */
  readonly shift: Float64Array;
  #device: Device;
  #rows: number;
  #current: StoredPlan;
  #trial: StoredPlan;
  #sparse: SparsePlan;
  #solver: Omit<ConjugateGradient, 'diagonal'>;
  #weights: Float64Array;
  #weightTensor: Tensor;
  #residual: Float64Array;

  private constructor({ device, rows, columns }: PlacedProblem, plan: Tensor) {
    const size = rows.count + columns.count;
    const vector = (): Tensor => device.full([size], 0);
    this.#device = device;
    this.#rows = rows.count;
    this.shift = new Float64Array(size);
    this.#current = { plan, sums: vector(), remainders: device.empty([rows.count]) };
    this.#trial = { plan: device.empty(plan.shape), sums: vector(), remainders: device.empty([rows.count]) };
    this.#sparse = {
      rows: rows.count,
      columns: columns.count,
      offsets: device.full([size + 1], 0, 'u32'),
      indices: device.empty([2 * plan.size], 'u32'),
      values: device.empty([2 * plan.size]),
      leftover: vector(),
    };
    const scalars = device.full([4], 0);
    this.#solver = { solution: vector(), residual: vector(), direction: vector(), image: vector(), scalars };
    this.#weights = Float64Array.from([...rows.weights, ...columns.weights]);
    this.#weightTensor = device.tensor(this.#weights, [size]);
    this.#residual = new Float64Array(size);
  }

  /** Stores the plan of some potentials. */
  static async make(problem: PlacedProblem, potentials: Potentials, epsilon: number): Promise<NewtonPlan> {
    const made = new NewtonPlan(problem, storePlan(problem.pairs, potentials, epsilon));
    // A step of length 0 changes nothing but brings the sums.
    scalePlan(made.#current.plan, made.#solver.solution, 0, made.#trial);
    made.#swap(await made.#trial.sums.read());
    return made;
  }

  get plan(): Tensor {
    return this.#current.plan;
  }

  /** The entries that the last Newton step kept. */
  get sparse(): SparsePlan {
    return this.#sparse;
  }

  /**
   * One Newton step on the kept entries. A step counts if it brings the marginal error down, or the dual objective up by
   * what the change itself says; halved until it does.
   */
  async newtonStep(sparsification: Sparsification, maximumGradientSteps: number): Promise<NewtonStep> {
    using _scope = this.#device.scope();
    const { plan, sums } = this.#current;
    compressPlan(plan, this.#threshold(sparsification), this.#sparse);
    const gradientSteps = await this.#solve(sums, maximumGradientSteps);
    const step = Float64Array.from(await this.#solver.solution.read());
    const nonzeros = ((await this.#sparse.offsets.read()).at(-1) ?? 0) / 2;
    const slope = this.#residual.reduce((sum, value, i) => sum + value * (step[i] ?? 0), 0);
    for (let halvings = 0; halvings <= mostHalvings; halvings++) {
      const length = 2 ** -halvings;
      scalePlan(plan, this.#solver.solution, length, this.#trial);
      const newSums = await this.#trial.sums.read();
      const remainder = sumOf(await this.#trial.remainders.read());
      const error = this.#errorOf(newSums);
      const ascends = slope > 0 && length * slope - remainder >= sufficientAscent * length * slope;
      if (error <= (1 - sufficientAscent * length) * this.error || (ascends && error < 2 * this.error)) {
        this.#swap(newSums);
        step.forEach((value, i) => (this.shift[i] = (this.shift[i] ?? 0) + length * value));
        return { nonzeros, gradientSteps, length };
      }
    }
    return { nonzeros, gradientSteps, length: 0 };
  }

  /** So many Sinkhorn iterations on the stored plan. */
  async sinkhornSteps(count: number): Promise<void> {
    using _scope = this.#device.scope();
    const size = this.shift.length;
    const added = this.#device.full([size], 0);
    const step = this.#solver.solution;
    let [from, to] = [this.#current, this.#trial];
    for (let iteration = 0; iteration < count; iteration++) {
      for (const range of [
        [0, this.#rows],
        [this.#rows, size],
      ] as const) {
        marginalStep(from.sums, this.#weightTensor, range, step);
        scalePlan(from.plan, step, 1, to);
        axpy(1, step, added, { out: added });
        [from, to] = [to, from];
      }
      await this.#device.flush();
    }
    // Two half-iterations each: the plan is back where it was.
    const shifts = await added.read();
    shifts.forEach((value, i) => (this.shift[i] = (this.shift[i] ?? 0) + value));
    this.#accept(await this.#current.sums.read());
  }

  #threshold(sparsification: Sparsification): Tensor {
    const { plan } = this.#current;
    switch (sparsification.by) {
      case 'mass':
        return massThreshold(plan, sparsification.fraction * this.error);
      case 'count':
        return rankThreshold(plan, Math.min(plan.size, Math.ceil(sparsification.lambda * plan.size)));
      default:
        return sparsification satisfies never;
    }
  }

  async #solve(diagonal: Tensor, maximumSteps: number): Promise<number> {
    const solver = { ...this.#solver, diagonal };
    const rightHandSide = this.#device.tensor(this.#residual, [this.#residual.length]);
    startConjugateGradient(solver, rightHandSide, gradientTolerance(this.error));
    for (let taken = 0; ;) {
      const batch = Math.min(gradientStepsPerLook, maximumSteps - taken);
      for (let k = 0; k < batch; k++) {
        sparseProduct(this.#sparse, solver.direction, { curvature: true, out: solver.image });
        conjugateGradientStep(solver);
      }
      taken += batch;
      const [product = NaN, wanted = NaN, steps = 0, broken = 0] = await solver.scalars.read();
      if (!(product > wanted) || broken > 0 || taken >= maximumSteps) return steps;
    }
  }

  #errorOf(sums: ArrayLike<number>): number {
    return this.#weights.reduce((total, weight, i) => total + Math.abs(weight - (sums[i] ?? NaN)), 0);
  }

  #swap(sums: ArrayLike<number>): void {
    [this.#current, this.#trial] = [this.#trial, this.#current];
    this.#accept(sums);
  }

  #accept(sums: ArrayLike<number>): void {
    this.#weights.forEach((weight, i) => (this.#residual[i] = weight - (sums[i] ?? NaN)));
    this.error = this.#errorOf(sums);
  }
}

/** Newton steps are worth solving for as well as they will converge. */
const gradientTolerance = (error: number): number => Math.max(1e-7, Math.min(1e-2, error));

const sumOf = (values: NumberArray): number => Array.from(values).reduce((sum, value) => sum + value, 0);
