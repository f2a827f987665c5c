/** The inner loops of Sinkhorn's algorithm: so many iterations between two looks at the error, in the log domain or absorbed. */
import type { Tensor } from '../device/tensor';
import { affine } from '../kernels/elementwise';
import { isSplit, potentialValues } from '../kernels/pairs';
import { rowScaling, scaledLogSums } from '../kernels/scaling';
import { planMatrix } from '../kernels/stored-plan';
import { logSumExpOverPairs, marginalError, updatePotential, type Potentials } from '../kernels/transport';
import type { PlacedProblem } from './transport-problem';

/** What a run keeps on the device between rounds. */
export interface RoundState {
  readonly problem: PlacedProblem;
  readonly potentials: Potentials;
  /** The potentials with the columns first. */
  readonly swapped: Potentials;
  /** The row errors of a round, then the error of the columns. */
  readonly errors: Tensor;
  /** Split potentials are multiples of this, and a remainder. */
  readonly grid: number;
}

/** One round of the log-domain form: an iteration for each epsilon, every step stretched by `factor`. */
export async function logDomainRound(state: RoundState, epsilons: readonly number[], factor = 1): Promise<void> {
  const { problem, potentials, swapped, errors, grid } = state;
  const { device, pairs, transposed, rows, columns } = problem;
  for (const [k, epsilon] of epsilons.entries()) {
    {
      using _scope = device.scope();
      const rowSums = logSumExpOverPairs(pairs, potentials, epsilon);
      // The plan before this update is the last iteration's: its row error costs nothing more.
      if (k > 0) marginalError(rowSums, rows.weightTensor, errors, k - 1);
      updatePotential(potentials.rows, rowSums, rows.logWeights, factor * epsilon, grid);
      const columnSums = logSumExpOverPairs(transposed, swapped, epsilon);
      updatePotential(potentials.columns, columnSums, columns.logWeights, factor * epsilon, grid);
    }
    if (k < epsilons.length - 1) await device.flush();
  }
}

/** The logarithm of the largest scaling that one round may absorb: entries that underflow in it stay below 1e-11 of the plan. */
const largestScaling = 30;

/**
 * One round of the absorbed form (Schmitzer 2019, section 3.1): the plan of the present potentials is stored, its rows and
 * columns are scaled `count` times, and the scalings go into the potentials. Returns false, with the potentials as they were,
 * where the scalings left the range in which float32 keeps every entry that matters.
 */
export async function absorbedRound(state: RoundState, epsilon: number, count: number): Promise<boolean> {
  const { problem, potentials, swapped, grid } = state;
  const { device, pairs, transposed, rows, columns } = problem;
  using _scope = device.scope();
  const before = [affine(potentials.rows), affine(potentials.columns)] as const;
  const plan = planMatrix(pairs, potentials, epsilon);
  const transposedPlan = planMatrix(transposed, swapped, epsilon);
  let columnScaling = device.full([columns.count], 1);
  for (let k = 1; k <= count; k++) {
    const rowSums = k === count ? scaledLogSums(plan, columnScaling) : undefined;
    const scaling = rowScaling(plan, columnScaling, rows.weightTensor);
    if (k === count) {
      const columnSums = scaledLogSums(transposedPlan, scaling);
      if (rowSums !== undefined) updatePotential(potentials.rows, rowSums, rows.logWeights, epsilon, grid);
      updatePotential(potentials.columns, columnSums, columns.logWeights, epsilon, grid);
    } else {
      columnScaling = rowScaling(transposedPlan, scaling, columns.weightTensor);
    }
    await device.flush();
  }
  const shifts = [
    await largestShift(before[0], potentials.rows),
    await largestShift(before[1], potentials.columns),
  ] as const;
  if (shifts.every((shift) => shift <= largestScaling * epsilon)) return true;
  affine(before[0], { out: potentials.rows });
  affine(before[1], { out: potentials.columns });
  return false;
}

/** The errors of both marginals, put behind those of the round: rows at `slot`, columns at the end. */
export function recordErrors(
  { problem, potentials, swapped, errors }: RoundState,
  epsilon: number,
  slot: number,
): void {
  const { device, pairs, transposed, rows, columns } = problem;
  using _scope = device.scope();
  marginalError(logSumExpOverPairs(pairs, potentials, epsilon), rows.weightTensor, errors, slot);
  marginalError(logSumExpOverPairs(transposed, swapped, epsilon), columns.weightTensor, errors, errors.size - 1);
}

async function largestShift(before: Tensor, after: Tensor): Promise<number> {
  const [from, to] = [await readPotential(before), await readPotential(after)];
  return from.reduce((largest, value, i) => {
    const shift = Math.abs((to[i] ?? NaN) - value);
    return shift <= largest ? largest : shift;
  }, 0);
}

/** A potential's values on the host, split or not. */
export async function readPotential(potential: Tensor): Promise<Float64Array<ArrayBuffer>> {
  return potentialValues(await potential.read(), isSplit(potential));
}
