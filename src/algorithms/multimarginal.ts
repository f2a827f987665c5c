/**
 * Multimarginal entropic transport: one plan with a marginal per axis of a cost tensor, by cyclic scaling in the log domain.
 * Two axes are ordinary transport. Memory is that of the tensor.
 */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import { normalizedWeights } from '../data/weights';
import { logSumExpOverTensor, tensorPlanCosts, tensorStep, type TensorPlan } from '../kernels/tensor-transport';
import { marginalError } from '../kernels/transport';
import { takingTurns } from './taking-turns';

/** A cost tensor and its marginals. */
export interface MultimarginalProblem {
  /** C, row-major, as many numbers as the product of the marginals' lengths. */
  readonly cost: ArrayLike<number>;
  /** One marginal per axis, each not negative and summing to one. */
  readonly marginals: readonly ArrayLike<number>[];
}

/** How to solve. */
export interface MultimarginalOptions {
  /** P minimises `<P, C> + epsilon sum P log P`. In the units of C; positive. */
  readonly epsilon: number;
  /** Stop when all marginals together are this close in L1. Default 1e-6. */
  readonly tolerance?: number;
  /** Default 1,000. One iteration updates every axis once. */
  readonly maximumIterations?: number;
  /** Default 10. */
  readonly checkEvery?: number;
  /** Epsilon scaling: start at the largest cost and multiply by this every iteration; 0 (the default) does not. */
  readonly scaling?: number;
}

/** Where the iteration stands. */
export interface MultimarginalStep {
  readonly iteration: number;
  /** L1 error of all marginals together. */
  readonly marginalError: number;
}

/** What came out. */
export interface MultimarginalResult extends MultimarginalStep {
  readonly status: 'converged' | 'not-converged' | 'precision-limited';
  /** One potential per axis, in `P = exp((sum of potentials - C) / epsilon)`; minus infinity where there is no mass. */
  readonly potentials: readonly Float64Array[];
  readonly transportCost: number;
  /** `<P, C> + epsilon sum P log P`. */
  readonly entropicObjective: number;
}

/** Solves in the scope that is open. Throws `InvalidInputError` for marginals, costs or options that make no sense. */
export async function* multimarginalSinkhorn(
  device: Device,
  problem: MultimarginalProblem,
  options: MultimarginalOptions,
): AsyncGenerator<MultimarginalStep, MultimarginalResult> {
  const { epsilon, tolerance = 1e-6, maximumIterations = 1000, checkEvery = 10, scaling = 0 } = options;
  if (!(epsilon > 0 && Number.isFinite(epsilon))) {
    throw new InvalidInputError('epsilon must be a positive number.', { field: 'epsilon' });
  }
  const centred = await centre(problem, takingTurns(device.signal));
  const { shape, weights } = centred;
  device.require(4 * centred.cost.length, 'the cost tensor');
  const all = weights.flatMap((values) => [...values]);
  const plan: TensorPlan = {
    cost: device.tensor(centred.cost, shape),
    axes: device.tensor(shape, [shape.length], 'u32'),
    potentials: device.full([all.length], 0),
  };
  const logWeights = device.tensor(all.map(Math.log), [all.length]);
  const weightTensors = weights.map((values) => device.tensor(values, [values.length]));
  const errors = device.full([shape.length], 0);

  let status: MultimarginalResult['status'] | undefined;
  let state: MultimarginalStep = { iteration: 0, marginalError: Infinity };
  let current = scaling > 0 ? Math.max(epsilon, centred.largest) : epsilon;
  for (let iteration = 1; status === undefined; iteration++) {
    using _scope = device.scope();
    shape.forEach((_, axis) => tensorStep(plan, axis, logSumExpOverTensor(plan, axis, current), logWeights, current));
    const isFinal = current === epsilon;
    current = Math.max(epsilon, current * scaling);
    if (iteration % checkEvery !== 0 && iteration < maximumIterations) {
      await device.flush();
      continue;
    }
    const last = isFinal ? epsilon : current / scaling;
    weightTensors.forEach((values, axis) => marginalError(logSumExpOverTensor(plan, axis, last), values, errors, axis));
    const measured = Array.from(await errors.read());
    const total = measured.reduce((sum, error) => sum + error, 0);
    if (!Number.isFinite(total)) {
      const message = `The iteration left the range of numbers at iteration ${String(iteration)}: raise epsilon.`;
      throw new DivergedError(message, { parameter: 'epsilon', iteration });
    }
    state = { iteration, marginalError: total };
    yield state;
    // Right after its update an axis is wrong by rounding alone.
    const noise = shape.length * (measured.at(-1) ?? 0);
    if (isFinal && total <= tolerance) status = 'converged';
    else if (isFinal && device.kind === 'webgpu' && noise > tolerance / 2 && total <= 4 * noise)
      status = 'precision-limited';
    else if (iteration >= maximumIterations) status = 'not-converged';
  }
  const { costs } = tensorPlanCosts(plan, 0, epsilon);
  const parts = Array.from(await costs.read());
  const values = Array.from(await plan.potentials.read());
  let offset = 0;
  let entropicObjective = 0;
  const potentials = shape.map((length, axis) => {
    const whole = new Float64Array(problem.marginals[axis]?.length ?? 0).fill(-Infinity);
    centred.supports[axis]?.forEach((index, i) => {
      const value = (values[offset + i] ?? NaN) + (centred.offsets[axis]?.[i] ?? 0);
      entropicObjective += (weights[axis]?.[i] ?? 0) * value;
      whole[index] = value;
    });
    offset += length;
    return whole;
  });
  const taken = centred.offsets.reduce(
    (sum, offsets, axis) => sum + offsets.reduce((part, value, i) => part + value * (weights[axis]?.[i] ?? 0), 0),
    0,
  );
  const transportCost = parts.reduce((sum, cost) => sum + cost, 0) + taken;
  return { ...state, status, potentials, transportCost, entropicObjective };
}

/** Runs to the end. Options and errors as for `multimarginalSinkhorn`. */
export async function solveMultimarginal(
  device: Device,
  problem: MultimarginalProblem,
  options: MultimarginalOptions,
): Promise<MultimarginalResult> {
  const steps = multimarginalSinkhorn(device, problem, options);
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value;
}

/** The plan of some potentials in float64, row-major. */
export function multimarginalPlan(
  { cost }: MultimarginalProblem,
  potentials: readonly Float64Array[],
  epsilon: number,
): Float64Array {
  return Float64Array.from({ length: cost.length }, (_, at) => {
    let [left, total] = [at, 0];
    for (let axis = potentials.length - 1; axis >= 0; axis--) {
      const potential = potentials[axis] ?? new Float64Array(1);
      total += potential[left % potential.length] ?? NaN;
      left = Math.floor(left / potential.length);
    }
    return Math.exp((total - (cost[at] ?? NaN)) / epsilon);
  });
}

interface Centred {
  readonly shape: readonly number[];
  readonly supports: readonly (readonly number[])[];
  readonly weights: readonly Float64Array[];
  readonly cost: Float64Array;
  /** What was taken off the cost for each index of each axis: offsets cost no digits. */
  readonly offsets: readonly Float64Array[];
  readonly largest: number;
}

/** Entries of the tensor between two chances to take a break. */
const entriesAtOnce = 2 ** 14;

/** Checks a problem, leaves out what has no mass, and takes the least cost off every slice, axis after axis. */
async function centre({ cost: given, marginals }: MultimarginalProblem, turn: () => Promise<void>): Promise<Centred> {
  if (marginals.length < 2) {
    throw new InvalidInputError('There must be at least two marginals.', { field: 'marginals' });
  }
  const checked = marginals.map((marginal, axis) =>
    normalizedWeights(marginal, { name: `weights of marginal ${String(axis + 1)}` }),
  );
  const expected = checked.reduce((product, { length }) => product * length, 1);
  if (given.length !== expected) {
    const message = `The cost tensor holds ${String(given.length)} numbers instead of ${String(expected)}.`;
    throw new InvalidInputError(message, { field: 'cost' });
  }
  const supports = checked.map((weights) => [...weights.keys()].filter((index) => (weights[index] ?? 0) > 0));
  const shape = supports.map(({ length }) => length);
  const size = shape.reduce((product, length) => product * length, 1);
  const placeOf = (entry: number): number => {
    let [left, place, stride] = [entry, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const length = shape[axis] ?? 1;
      place += (supports[axis]?.[left % length] ?? 0) * stride;
      stride *= checked[axis]?.length ?? 1;
      left = Math.floor(left / length);
    }
    return place;
  };
  const cost = new Float64Array(size);
  let largest = 0;
  for (let at = 0; at < size; at++) {
    if (at % entriesAtOnce === 0) await turn();
    const place = size === expected ? at : placeOf(at);
    const value = given[place] ?? NaN;
    if (!(Math.abs(value) <= 1e15)) {
      const message = `The cost tensor holds ${String(value)} at index ${String(place)}: every cost must be finite and at most 1e15.`;
      throw new InvalidInputError(message, { field: 'cost', index: place });
    }
    cost[at] = value;
  }
  const offsets: Float64Array[] = [];
  let stride = size;
  for (const length of shape) {
    stride /= length;
    const least = new Float64Array(length).fill(Infinity);
    // Runs of the same index along this axis, one after the other.
    const forRuns = async (visit: (index: number, from: number, to: number) => void): Promise<void> => {
      for (let from = 0, index = 0, sinceTurn = 0; from < size; from += stride, index = (index + 1) % length) {
        for (let part = from; part < from + stride; part += entriesAtOnce) {
          const to = Math.min(from + stride, part + entriesAtOnce);
          visit(index, part, to);
          sinceTurn += to - part;
        }
        if (sinceTurn < entriesAtOnce) continue;
        sinceTurn = 0;
        await turn();
      }
    };
    await forRuns((index, from, to) => {
      let value = least[index] ?? Infinity;
      for (let at = from; at < to; at++) value = Math.min(value, cost[at] ?? 0);
      least[index] = value;
    });
    await forRuns((index, from, to) => {
      const value = least[index] ?? 0;
      for (let at = from; at < to; at++) cost[at] = (cost[at] ?? 0) - value;
    });
    offsets.push(least);
  }
  for (let at = 0; at < size; at++) largest = Math.max(largest, cost[at] ?? 0);
  const weights = checked.map((values) => values.filter((weight) => weight > 0));
  return { shape, supports, weights, cost, offsets, largest };
}
