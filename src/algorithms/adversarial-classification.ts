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
import {
  multimarginalPlan,
  multimarginalSinkhorn,
  type MultimarginalOptions,
  type MultimarginalProblem,
  type MultimarginalResult,
  type MultimarginalStep,
} from './multimarginal';

/** Points in the plane, one cloud per class; all points have the same mass. */
export interface ClassificationProblem {
  /** Two or three clouds, two numbers per point. */
  readonly classes: readonly ArrayLike<number>[];
  /** How far the adversary may move a point. Not negative. */
  readonly budget: number;
}

/** A place in the plane. */
export type Place = readonly [x: number, y: number];

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
  const total = clouds.reduce((sum, { length }) => sum + length, 0);
  const marginals = clouds.map(({ length }) => [...new Array<number>(length).fill(1 / total), 1 - length / total]);
  const cells = cellsOf(clouds, problem.budget);
  const cost = Float64Array.from(cells, ({ groups }) => groups.length);
  const tensor = { cost, marginals };
  const transport = yield* multimarginalSinkhorn(device, tensor, options);
  const confidence = confidenceOf(transport.potentials, clouds, cells);
  const plan = multimarginalPlan(tensor, transport.potentials, options.epsilon);
  const lower = confidence.reduce((sum, values) => sum + values.reduce((part, value) => part + value, 0) / total, 0);
  return {
    transport,
    confidence,
    lower,
    upper: feasibleCost(tensor, plan),
    moves: movesOf(cells, clouds, plan, 1e-3 / total),
    classify: (place) =>
      clouds.map((cloud, label) =>
        cloud.reduce(
          (most, point, i) =>
            distance(point, place) <= problem.budget ? Math.max(most, confidence[label]?.[i] ?? 0) : most,
          0,
        ),
      ),
  };
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

/** One entry of the tensor: its points (undefined for a dummy), and the fewest places that they can be moved to. */
interface Cell {
  readonly indices: readonly number[];
  readonly groups: readonly (readonly number[])[];
}

function cellsOf(clouds: readonly (readonly Place[])[], budget: number): Cell[] {
  let cells: number[][] = [[]];
  for (const { length } of clouds) {
    cells = cells.flatMap((indices) => Array.from({ length: length + 1 }, (_, i) => [...indices, i]));
  }
  return cells.map((indices) => {
    const present = indices.flatMap((i, label) => (i < (clouds[label]?.length ?? 0) ? [label] : []));
    const points = (labels: readonly number[]): Place[] =>
      labels.map((label) => clouds[label]?.[indices[label] ?? 0] ?? [NaN, NaN]);
    const isMergeable = (labels: readonly number[]): boolean => smallestCircle(points(labels)).radius <= budget;
    if (present.length === 0) return { indices, groups: [] };
    if (isMergeable(present)) return { indices, groups: [present] };
    // Of two or three points: one pair together if any can be, the rest alone.
    const apart = present.find(
      (label) => present.length === 3 && isMergeable(present.filter((other) => other !== label)),
    );
    const groups =
      apart === undefined ? present.map((label) => [label]) : [present.filter((other) => other !== apart), [apart]];
    return { indices, groups };
  });
}

/** Potentials made feasible: 0 on the dummies, at most 1 over every group that can be merged, then as large as that allows. */
function confidenceOf(
  potentials: readonly Float64Array[],
  clouds: readonly (readonly Place[])[],
  cells: readonly Cell[],
): Float64Array[] {
  const confidence = clouds.map(({ length }, label) =>
    Float64Array.from({ length }, (_, i) =>
      Math.max(0, (potentials[label]?.[i] ?? 0) - (potentials[label]?.[length] ?? 0)),
    ),
  );
  const value = (label: number, { indices }: Cell): number => confidence[label]?.[indices[label] ?? 0] ?? 0;
  const merged = cells.filter(({ groups }) => groups.length === 1);
  const largest = merged.reduce(
    (most, cell) =>
      Math.max(
        most,
        (cell.groups[0] ?? []).reduce((sum, label) => sum + value(label, cell), 0),
      ),
    1,
  );
  confidence.forEach((values) => values.forEach((q, i) => (values[i] = q / largest)));
  clouds.forEach((_, label) => {
    const room = new Float64Array(confidence[label]?.length ?? 0).fill(1);
    for (const cell of merged) {
      const group = cell.groups[0] ?? [];
      if (!group.includes(label)) continue;
      const others = group.reduce((sum, other) => sum + (other === label ? 0 : value(other, cell)), 0);
      const at = cell.indices[label] ?? 0;
      room[at] = Math.min(room[at] ?? 1, Math.max(0, 1 - others));
    }
    confidence[label]?.set(room);
  });
  return confidence;
}

/** The cost of a plan with the right marginals near this one: scaled down where it is too much, the rest at the dearest cost. */
function feasibleCost({ cost, marginals }: MultimarginalProblem, plan: Float64Array): number {
  const scaled = plan.slice();
  let stride = scaled.length;
  for (const marginal of marginals) {
    stride /= marginal.length;
    const place = (at: number): number => Math.floor(at / stride) % marginal.length;
    const sums = new Float64Array(marginal.length);
    scaled.forEach((mass, at) => (sums[place(at)] = (sums[place(at)] ?? 0) + mass));
    scaled.forEach(
      (mass, at) => (scaled[at] = mass * Math.min(1, (marginal[place(at)] ?? 0) / (sums[place(at)] ?? 1))),
    );
  }
  let [total, left, dearest] = [0, 1, 0];
  scaled.forEach((mass, at) => {
    total += mass * (cost[at] ?? 0);
    left -= mass;
    dearest = Math.max(dearest, cost[at] ?? 0);
  });
  return total + Math.max(0, left) * dearest;
}

function movesOf(
  cells: readonly Cell[],
  clouds: readonly (readonly Place[])[],
  plan: Float64Array,
  least: number,
): AdversaryMove[] {
  return cells.flatMap(({ indices, groups }, at) => {
    const mass = plan[at] ?? 0;
    if (mass < least) return [];
    return groups.flatMap((group) => {
      const points = group.map((label) => clouds[label]?.[indices[label] ?? 0] ?? ([NaN, NaN] as const));
      const { center } = smallestCircle(points);
      return group.map((label, i) => ({ label, from: points[i] ?? center, to: center, mass }));
    });
  });
}

const distance = (p: Place, q: Place): number => Math.hypot(p[0] - q[0], p[1] - q[1]);

/** The smallest circle around one, two or three points. */
export function smallestCircle(points: readonly Place[]): { readonly center: Place; readonly radius: number } {
  const pairs = points.flatMap((p, i) => points.slice(i + 1).map((q) => [p, q] as const));
  const circles = pairs.map(([p, q]) => ({
    center: [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2] as const,
    radius: distance(p, q) / 2,
  }));
  const widest = circles.reduce<{ readonly center: Place; readonly radius: number }>(
    (most, circle) => (circle.radius > most.radius ? circle : most),
    { center: points[0] ?? [0, 0], radius: 0 },
  );
  const [a, b, c] = points;
  if (!a || !b || !c || points.every((point) => distance(point, widest.center) <= widest.radius * (1 + 1e-12)))
    return widest;
  const [bx, by, cx, cy] = [b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]];
  const twice = 2 * (bx * cy - by * cx);
  const x = (cy * (bx * bx + by * by) - by * (cx * cx + cy * cy)) / twice;
  const y = (bx * (cx * cx + cy * cy) - cx * (bx * bx + by * by)) / twice;
  return { center: [a[0] + x, a[1] + y], radius: Math.hypot(x, y) };
}

function checkedClouds({ classes, budget }: ClassificationProblem): Place[][] {
  if (!(budget >= 0 && Number.isFinite(budget))) {
    throw new InvalidInputError('The budget must be zero or a positive number.', { field: 'budget' });
  }
  if (classes.length !== 2 && classes.length !== 3) {
    throw new InvalidInputError(`There must be two or three classes, not ${String(classes.length)}.`, {
      field: 'classes',
    });
  }
  return classes.map((values, label) => {
    const numbers = Array.from(values);
    if (numbers.length === 0 || numbers.length % 2 !== 0 || !numbers.every((value) => Math.abs(value) <= 1e15)) {
      const message = `Class ${String(label + 1)} must be points of two finite numbers each, at least one.`;
      throw new InvalidInputError(message, { field: 'classes', index: label });
    }
    return Array.from(
      { length: numbers.length / 2 },
      (_, i) => [numbers[2 * i] ?? NaN, numbers[2 * i + 1] ?? NaN] as const,
    );
  });
}
