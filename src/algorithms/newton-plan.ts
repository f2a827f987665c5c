/** A stored plan that Newton steps and Sinkhorn iterations move towards its marginals; one object per solve. */
import type { Device } from '../device/device';
import type { NumberArray, Tensor } from '../device/tensor';
import { affine, axpy } from '../kernels/elementwise';
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
  planMatrix,
  rankThreshold,
  scalePlan,
  type StoredPlan,
} from '../kernels/stored-plan';
import type { Potentials } from '../kernels/transport';
import { placePotential, readPotential } from './sinkhorn';
import { dot, type PlacedProblem } from './transport-problem';

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
  /** The part of the step that was taken: 1 or less, or 0 where no part was. */
  readonly length: number;
  /** Sinkhorn iterations that corrected its trials. */
  readonly corrections: number;
}

/** Conjugate gradient steps between two looks at the residual. */
const gradientStepsPerLook = 50;
/** What is tried until something is good enough: the step as it is, corrected by a Sinkhorn iteration, shortened. */
const trials = [
  { length: 1, isCorrected: false },
  ...[1, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64].map((length) => ({ length, isCorrected: true })),
];
/** Part of the ascent that the model promises which a step must bring, as it is and corrected. */
const sufficientAscent = 0.25;
const sufficientCorrectedAscent = 0.1;
/** Part of the error that a step must take away where it does not bring that ascent. */
const sufficientDecrease = 0.1;
/** Damping, in units of the marginal error: at first, at least, and the factor by which trust changes it. */
const firstDamping = 0.1;
const leastDamping = 1e-4;
const dampingFactor = 4;
/** Once entries may have moved by exp of this, the plan is stored anew: entries that underflowed may matter by then. */
const longestReach = 40;

/** The plan, its sums and what the steps need; all tensors belong to the scope that was open when it was made. */
export class NewtonPlan {
  /** L1 error of both marginals. */
  error = Infinity;
  #problem: PlacedProblem;
  #epsilon: number;
  #device: Device;
  #rows: number;
  #current: StoredPlan;
  #trial: StoredPlan;
  #sparse: SparsePlan;
  #solver: Omit<ConjugateGradient, 'diagonal'>;
  #weights: Float64Array;
  #weightTensor: Tensor;
  #sums: Float64Array;
  #residual: Float64Array;
  /** Of the present plan and the centred cost, in units of C: rows, then columns. */
  #potential: Float64Array;
  #damping = firstDamping;
  /** How far exponents of the plan may have moved since it was stored. */
  #reach = 0;

  private constructor(problem: PlacedProblem, potential: Float64Array, epsilon: number) {
    const { device, rows, columns } = problem;
    const size = rows.count + columns.count;
    const entries = rows.count * columns.count;
    const vector = (): Tensor => device.full([size], 0);
    const plan = (): StoredPlan => ({
      plan: device.empty([rows.count, columns.count]),
      sums: vector(),
      remainders: device.empty([rows.count]),
    });
    this.#problem = problem;
    this.#epsilon = epsilon;
    this.#device = device;
    this.#rows = rows.count;
    this.#potential = potential;
    this.#current = plan();
    this.#trial = plan();
    this.#sparse = {
      rows: rows.count,
      columns: columns.count,
      offsets: device.full([size + 1], 0, 'u32'),
      indices: device.empty([2 * entries], 'u32'),
      values: device.empty([2 * entries]),
      leftover: vector(),
    };
    const scalars = device.full([4], 0);
    this.#solver = { solution: vector(), residual: vector(), direction: vector(), image: vector(), scalars };
    this.#weights = Float64Array.from([...rows.weights, ...columns.weights]);
    this.#weightTensor = device.tensor(this.#weights, [size]);
    this.#sums = new Float64Array(size);
    this.#residual = new Float64Array(size);
  }

  /** Stores the plan of some potentials. */
  static async make(problem: PlacedProblem, potentials: Potentials, epsilon: number): Promise<NewtonPlan> {
    const potential = [...(await readPotential(potentials.rows)), ...(await readPotential(potentials.columns))];
    const made = new NewtonPlan(problem, Float64Array.from(potential), epsilon);
    await made.#store();
    return made;
  }

  get plan(): Tensor {
    return this.#current.plan;
  }

  /** The entries that the last Newton step kept. */
  get sparse(): SparsePlan {
    return this.#sparse;
  }

  /** The potentials of the centred problem, in units of C. */
  get rowPotential(): Float64Array<ArrayBuffer> {
    return this.#potential.slice(0, this.#rows);
  }

  get columnPotential(): Float64Array<ArrayBuffer> {
    return this.#potential.slice(this.#rows);
  }

  /** The potentials on the device, in the scope that is open there. */
  placePotentials(): Potentials {
    return {
      rows: placePotential(this.#problem, this.rowPotential),
      columns: placePotential(this.#problem, this.columnPotential),
    };
  }

  /**
   * One Newton step on the kept entries, damped as by Levenberg and Marquardt: nearly separate blocks of the plan would move
   * by any amount without it. A step counts if it brings the dual objective up by a part of what the model promises, as the
   * change itself says, or the marginal error down.
   */
  async newtonStep(sparsification: Sparsification, maximumGradientSteps: number): Promise<NewtonStep> {
    using _scope = this.#device.scope();
    const { plan, sums } = this.#current;
    const { solution } = this.#solver;
    const damping = this.#damping * this.error;
    compressPlan(plan, this.#threshold(sparsification), this.#sparse);
    axpy(damping, sums, this.#sparse.leftover, { out: this.#sparse.leftover });
    const gradientSteps = await this.#solve(sums, maximumGradientSteps);
    const step = await solution.read();
    const nonzeros = ((await this.#sparse.offsets.read()).at(-1) ?? 0) / 2;
    const slope = dot(this.#residual, step);
    // The residual is orthogonal to what conjugate gradients found: <x, (M + damping D) x> is <r, x>.
    const curvature = slope - damping * this.#sums.reduce((sum, value, i) => sum + value * (step[i] ?? 0) ** 2, 0);
    const done = { nonzeros, gradientSteps };
    let corrections = 0;
    for (const { length, isCorrected } of trials) {
      const change = affine(solution, { scale: length });
      scalePlan(plan, change, 1, this.#trial);
      if (isCorrected) {
        this.#correct(change);
        corrections += 1;
      }
      const newSums = await this.#trial.sums.read();
      const moved = await change.read();
      const gain = dot(this.#residual, moved) - sumOf(await this.#trial.remainders.read());
      const promised = length * slope - (length ** 2 * curvature) / 2;
      const error = this.#errorOf(newSums);
      const ascends = isCorrected
        ? gain >= sufficientCorrectedAscent * promised
        : gain >= sufficientAscent * promised && error < 2 * this.error;
      if (error > (1 - sufficientDecrease * length) * this.error && !(promised > 0 && ascends)) continue;
      if (length < 1 || gain < 0.25 * promised) this.#damping *= dampingFactor;
      else if (gain > 0.75 * promised) this.#damping = Math.max(leastDamping, this.#damping / dampingFactor);
      this.#swap(newSums);
      await this.#move(moved);
      return { ...done, length, corrections };
    }
    this.#damping *= dampingFactor;
    return { ...done, length: 0, corrections };
  }

  /** So many Sinkhorn iterations on the stored plan. */
  async sinkhornSteps(count: number): Promise<void> {
    using _scope = this.#device.scope();
    const size = this.#potential.length;
    const added = this.#device.full([size], 0);
    const step = this.#solver.solution;
    let [from, to] = [this.#current, this.#trial];
    for (let iteration = 0; iteration < count; iteration++) {
      for (const range of this.#sides()) {
        marginalStep(from.sums, this.#weightTensor, range, step);
        scalePlan(from.plan, step, 1, to);
        axpy(1, step, added, { out: added });
        [from, to] = [to, from];
      }
      await this.#device.flush();
    }
    // Two half-iterations each: the plan is back where it was.
    this.#accept(await this.#current.sums.read());
    await this.#move(await added.read());
  }

  /** A Sinkhorn iteration on the trial, always from the present plan: its remainders are those of the whole change. */
  #correct(change: Tensor): void {
    for (const range of this.#sides()) {
      const correction = this.#device.empty([change.size]);
      marginalStep(this.#trial.sums, this.#weightTensor, range, correction);
      axpy(1, correction, change, { out: change });
      scalePlan(this.#current.plan, change, 1, this.#trial);
    }
  }

  #sides(): readonly (readonly [start: number, end: number])[] {
    return [
      [0, this.#rows],
      [this.#rows, this.#potential.length],
    ];
  }

  /** Puts a change of the plan, in units of epsilon, into the potentials; stores the plan anew after long ways. */
  async #move(change: NumberArray): Promise<void> {
    change.forEach((value, i) => (this.#potential[i] = (this.#potential[i] ?? 0) + this.#epsilon * value));
    const [u, v] = [change.subarray(0, this.#rows), change.subarray(this.#rows)];
    this.#reach += Math.max(Math.abs(largest(u, 1) + largest(v, 1)), Math.abs(largest(u, -1) + largest(v, -1)));
    if (this.#reach > longestReach) await this.#store();
  }

  async #store(): Promise<void> {
    using _scope = this.#device.scope();
    const plan = planMatrix(this.#problem.pairs, this.placePotentials(), this.#epsilon);
    // A step of length 0 changes nothing but brings the sums.
    scalePlan(plan, this.#solver.solution, 0, this.#trial);
    this.#swap(await this.#trial.sums.read());
    this.#reach = 0;
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

  #swap(sums: NumberArray): void {
    [this.#current, this.#trial] = [this.#trial, this.#current];
    this.#accept(sums);
  }

  #accept(sums: NumberArray): void {
    this.#sums.set(sums);
    this.#weights.forEach((weight, i) => (this.#residual[i] = weight - (sums[i] ?? NaN)));
    this.error = this.#errorOf(sums);
  }
}

/** Newton steps are worth solving for as well as they will converge. */
const gradientTolerance = (error: number): number => Math.max(1e-7, Math.min(1e-2, error));

const sumOf = (values: NumberArray): number => Array.from(values).reduce((sum, value) => sum + value, 0);

/** The largest of some values times a sign. */
const largest = (values: NumberArray, sign: 1 | -1): number =>
  Array.from(values).reduce((most, value) => Math.max(most, sign * value), -Infinity);
