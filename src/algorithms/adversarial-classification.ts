/**
 * Adversarial classification of two or three classes as multimarginal transport (Garcia Trillos, Jacobs and Kim 2023). An
 * adversary may move every point by at most a budget. Points of different classes that it can move to one place are merged
 * there, and the most that any classifier can get right is the least mass that is left when as much as possible is merged.
 *
 * Each class is one marginal: its points, and one dummy that stands for "no point of this class". An entry of the plan merges
 * one point (or dummy) of each class; it costs the least number of places that its points can be moved to, so an entry of
 * dummies costs 0. With total mass 1 in every marginal, the optimal cost is the optimal robust accuracy. A dual solution with
 * 0 on the dummies is the robust classifier: the probability of class i at z is the largest potential of the points of class i
 * within the budget of z, and these sum to at most 1 because such points can all be merged at z.
 */
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { mergeTable, placeOf, smallestCircle, type MergeTable, type Place } from './merged-points';
import {
  multimarginalSinkhorn,
  type MultimarginalOptions,
  type MultimarginalResult,
  type MultimarginalStep,
} from './multimarginal';
import { takingTurns } from './taking-turns';

/** Points in the plane, one cloud per class; all points have the same mass. */
export interface ClassificationProblem {
  /** Two or three clouds, two numbers per point. */
  readonly classes: readonly ArrayLike<number>[];
  /** How far the adversary may move a point. Not negative. */
  readonly budget: number;
}

/** Where the adversary takes some mass of a point. */
export interface AdversaryMove {
  readonly label: number;
  readonly from: Place;
  readonly to: Place;
  /** Of a total of 1. */
  readonly mass: number;
}

/** What came out. The optimal robust accuracy lies between `lower` and `upper`, up to rounding in float64. */
export interface RobustClassification {
  readonly transport: MultimarginalResult;
  /** What the classifier gets right at least, whatever the adversary does. */
  readonly lower: number;
  /** What any classifier gets right at most against the adversary's plan. */
  readonly upper: number;
  /** The classifier's potentials, one per point of each class, between 0 and 1. */
  readonly confidence: readonly Float64Array[];
  /** The adversary's moves, for mass above a thousandth of a point's. */
  readonly moves: readonly AdversaryMove[];
  /** Probabilities of the classes at a place; they sum to at most 1. */
  classify(place: Place): number[];
}

/** Solves; yields the scaling's steps. Throws `InvalidInputError` for clouds that are none and a negative budget. */
export async function* robustClassification(
  device: Device,
  problem: ClassificationProblem,
  options: MultimarginalOptions,
): AsyncGenerator<MultimarginalStep, RobustClassification> {
  const clouds = checkedClouds(problem);
  const turn = takingTurns(device.signal);
  const total = clouds.reduce((sum, { length }) => sum + length / 2, 0);
  const marginals = clouds.map(({ length }) => [
    ...new Array<number>(length / 2).fill(1 / total),
    1 - length / 2 / total,
  ]);
  const table = await mergeTable(clouds, problem.budget, turn);
  const transport = yield* multimarginalSinkhorn(device, { cost: table.cost, marginals }, options);
  const confidence = await confidenceOf(transport.potentials, table, turn);
  const plan = await planOf(transport.potentials, table, options.epsilon, turn);
  const moves = await movesOf(table, plan, 1e-3 / total, turn);
  const lower = confidence.reduce((sum, values) => sum + values.reduce((part, value) => part + value, 0) / total, 0);
  const upper = await feasibleCost(table, marginals, plan, turn);
  const classify = (place: Place): number[] =>
    clouds.map((cloud, label) => mostNear(place, cloud, confidence[label] ?? cloud, problem.budget));
  return { transport, confidence, lower, upper, moves, classify };
}

/** The largest of the points' values within reach of a place, and 0 where there is none. */
function mostNear([x, y]: Place, cloud: Float64Array, values: Float64Array, reach: number): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const [dx, dy] = [(cloud[2 * i] ?? NaN) - x, (cloud[2 * i + 1] ?? NaN) - y];
    const value = values[i] ?? 0;
    if (value > most && dx * dx + dy * dy <= reach * reach) most = value;
  }
  return most;
}

/** Runs to the end. */
export async function solveRobustClassification(
  device: Device,
  problem: ClassificationProblem,
  options: MultimarginalOptions,
): Promise<RobustClassification> {
  const steps = robustClassification(device, problem, options);
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value;
}

/** Calls `visit` for every entry, in order. */
async function forEntries(
  { shape: [rows, columns, depth] }: MergeTable,
  turn: () => Promise<void>,
  visit: (at: number, i: number, j: number, k: number) => void,
): Promise<void> {
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      await turn();
      for (let k = 0; k < depth; k++) visit(at++, i, j, k);
    }
  }
}

/** Potentials made feasible: 0 on the dummies, at most 1 over every group that can be merged, then as large as that allows. */
async function confidenceOf(
  potentials: readonly Float64Array[],
  table: MergeTable,
  turn: () => Promise<void>,
): Promise<Float64Array[]> {
  // A dummy at the end of each axis stays at 0.
  const confidence = table.shape.map((length, axis) => {
    const own = potentials[axis] ?? new Float64Array(1);
    return Float64Array.from({ length }, (_, i) => Math.max(0, (own[i] ?? 0) - (own[length - 1] ?? 0)));
  });
  const [first, second, third] = confidence as [Float64Array, Float64Array, Float64Array];
  const { cost } = table;
  let largest = 1;
  await forEntries(table, turn, (at, i, j, k) => {
    if (cost[at] !== 1) return;
    largest = Math.max(largest, (first[i] ?? 0) + (second[j] ?? 0) + (third[k] ?? 0));
  });
  confidence.forEach((values) => values.forEach((q, i) => (values[i] = q / largest)));
  for (const [label, values] of confidence.entries()) {
    const room = new Float64Array(values.length).fill(1);
    await forEntries(table, turn, (at, i, j, k) => {
      if (cost[at] !== 1) return;
      const own = label === 0 ? i : label === 1 ? j : k;
      const others = (first[i] ?? 0) + (second[j] ?? 0) + (third[k] ?? 0) - (values[own] ?? 0);
      if (1 - others < (room[own] ?? 1)) room[own] = Math.max(0, 1 - others);
    });
    room[room.length - 1] = 0;
    values.set(room);
  }
  return confidence.slice(0, potentials.length).map((values) => values.slice(0, -1));
}

/** The plan of some potentials. */
async function planOf(
  potentials: readonly Float64Array[],
  table: MergeTable,
  epsilon: number,
  turn: () => Promise<void>,
): Promise<Float64Array> {
  const [f, g, h] = [0, 1, 2].map((axis) => potentials[axis] ?? new Float64Array(1)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const plan = new Float64Array(table.cost.length);
  await forEntries(table, turn, (at, i, j, k) => {
    plan[at] = Math.exp(((f[i] ?? NaN) + (g[j] ?? NaN) + (h[k] ?? NaN) - (table.cost[at] ?? NaN)) / epsilon);
  });
  return plan;
}

/** The cost of a plan with the right marginals near this one: scaled down where it is too much, the rest at the dearest cost. */
async function feasibleCost(
  table: MergeTable,
  marginals: readonly (readonly number[])[],
  plan: Float64Array,
  turn: () => Promise<void>,
): Promise<number> {
  const scaled = plan.slice();
  for (const [axis, marginal] of marginals.entries()) {
    const sums = new Float64Array(marginal.length);
    await forEntries(table, turn, (at, i, j, k) => {
      const own = axis === 0 ? i : axis === 1 ? j : k;
      sums[own] = (sums[own] ?? 0) + (scaled[at] ?? 0);
    });
    const factors = sums.map((sum, own) => Math.min(1, (marginal[own] ?? 0) / sum));
    await forEntries(table, turn, (at, i, j, k) => {
      scaled[at] = (scaled[at] ?? 0) * (factors[axis === 0 ? i : axis === 1 ? j : k] ?? 1);
    });
  }
  let [total, left, dearest] = [0, 1, 0];
  await forEntries(table, turn, (at) => {
    const [mass, cost] = [scaled[at] ?? 0, table.cost[at] ?? 0];
    total += mass * cost;
    left -= mass;
    dearest = Math.max(dearest, cost);
  });
  return total + Math.max(0, left) * dearest;
}

async function movesOf(
  table: MergeTable,
  plan: Float64Array,
  least: number,
  turn: () => Promise<void>,
): Promise<AdversaryMove[]> {
  const moves: AdversaryMove[] = [];
  await forEntries(table, turn, (at, i, j, k) => {
    const mass = plan[at] ?? 0;
    if (mass < least) return;
    const entry = [i, j, k] as const;
    for (const group of table.groupsOf(entry)) {
      const points = group.map((label) => placeOf(table.clouds[label] ?? new Float64Array(), entry[label] ?? 0));
      const { center } = smallestCircle(points);
      group.forEach((label, member) => moves.push({ label, from: points[member] ?? center, to: center, mass }));
    }
  });
  return moves;
}

function checkedClouds({ classes, budget }: ClassificationProblem): Float64Array[] {
  if (!(budget >= 0 && Number.isFinite(budget))) {
    throw new InvalidInputError('The budget must be zero or a positive number.', { field: 'budget' });
  }
  if (classes.length !== 2 && classes.length !== 3) {
    throw new InvalidInputError(`There must be two or three classes, not ${String(classes.length)}.`, {
      field: 'classes',
    });
  }
  return classes.map((values, label) => {
    const numbers = Float64Array.from(values);
    if (numbers.length === 0 || numbers.length % 2 !== 0 || !numbers.every((value) => Math.abs(value) <= 1e15)) {
      const message = `Class ${String(label + 1)} must be points of two finite numbers each, at least one.`;
      throw new InvalidInputError(message, { field: 'classes', index: label });
    }
    return numbers;
  });
}
