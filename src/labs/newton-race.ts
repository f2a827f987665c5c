/** The race of plain Sinkhorn against sparse Newton steps: its problems, its lines, its table and its pictures. */
import { sinkhorn, type SinkhornOptions } from '../algorithms/sinkhorn';
import {
  solveSinkhornNewton,
  type SinkhornNewtonOptions,
  type SinkhornNewtonResult,
  type SinkhornNewtonStep,
} from '../algorithms/sinkhorn-newton';
import { placeProblem, type PlacedProblem, type TransportProblem } from '../algorithms/transport-problem';
import { digitSide, loadDigit } from '../data/digits';
import type { Device } from '../device/device';
import type { SparsePlan } from '../kernels/sparse';
import { Philox } from '../kernels/random';
import type { HeatmapFrame, LineFrame } from './frames';

/** What is solved: a random assignment, or one digit moved onto another under a cost. */
export const raceProblems = {
  assignment: 'random assignment',
  'digits-l2': 'digits, squared L2',
  'digits-l1': 'digits, L1',
} as const;
export type RaceProblem = keyof typeof raceProblems;

/** Which entries Newton keeps, and when it begins: our way, and the published one. */
export const rules = { mass: 'by mass', count: 'by count (published)' } as const;
export const switches = { error: 'at a marginal error', count: 'after a count (published)' } as const;

/** The parameters that say how Newton goes about it. */
export interface RaceParameters {
  readonly problem: RaceProblem;
  readonly size: number;
  readonly eta: number;
  readonly rule: keyof typeof rules;
  /** Entries per point, where they are kept by count. */
  readonly kept: number;
  readonly switching: keyof typeof switches;
  readonly warmUp: number;
  readonly tolerance: number;
}

/** The lab's parameters as the algorithm takes them. */
export function optionsOf(params: RaceParameters): SinkhornNewtonOptions {
  const { problem, size, eta, rule, kept, switching, warmUp, tolerance } = params;
  return {
    epsilon: 1 / eta,
    tolerance,
    sparsification:
      rule === 'mass' ? { by: 'mass', fraction: 0.05 } : { by: 'count', lambda: kept / pointsOf(problem, size) },
    ...(switching === 'count' ? { warmUp: { iterations: warmUp } } : {}),
  };
}

/** What a digit's paper weighs, of its blackest ink: every pixel must carry some mass. */
const paperWeight = 0.01;

/** The points of a problem of about this size: for digits a whole square, of at most 784. */
export function pointsOf(problem: RaceProblem, size: number): number {
  return problem === 'assignment' ? size : Math.min(digitSide, Math.round(Math.sqrt(size))) ** 2;
}

/** The problem, its largest cost 1 (up to chance in the random one). */
export async function makeProblem(problem: RaceProblem, size: number, seed: number): Promise<TransportProblem> {
  const points = pointsOf(problem, size);
  if (problem === 'assignment') {
    const random = new Philox(seed, 0);
    const matrix = Float32Array.from({ length: points * points }, () => random.uniform());
    return { matrix, rows: points, columns: points };
  }
  const side = Math.sqrt(points);
  const isManhattan = problem === 'digits-l1';
  const scale = 1 / ((isManhattan ? 2 : Math.SQRT2) * (side - 1));
  const grid = Float32Array.from({ length: 2 * points }, (_, at) => {
    const pixel = at >> 1;
    return scale * (at % 2 === 0 ? pixel % side : Math.floor(pixel / side));
  });
  const index = seed % 20;
  const [from, to] = await Promise.all([loadDigit(3, index), loadDigit(8, index)]);
  return {
    x: grid,
    y: grid,
    dimension: 2,
    cost: isManhattan ? 'manhattan' : 'squared-euclidean',
    rowWeights: inkOf(from, side),
    columnWeights: inkOf(to, side),
  };
}

/** Ink and paper at another size (each pixel the mean of what it covers), summing to one. */
function inkOf(picture: Float64Array, side: number): Float64Array {
  const ink = new Float64Array(side * side);
  // Samples four times finer than the larger grid: exact enough for means of squares.
  const fine = 4 * digitSide;
  for (let y = 0; y < fine; y++) {
    for (let x = 0; x < fine; x++) {
      const at = Math.floor((y * side) / fine) * side + Math.floor((x * side) / fine);
      ink[at] = (ink[at] ?? 0) + (picture[(y >> 2) * digitSide + (x >> 2)] ?? 0);
    }
  }
  const blackest = ink.reduce((largest, value) => Math.max(largest, value), 0);
  const masses = ink.map((value) => value / blackest + paperWeight);
  const total = masses.reduce((sum, value) => sum + value, 0);
  return masses.map((value) => value / total);
}

/** Places the problem, and runs one step of everything so that neither side of the race waits for its shaders. */
export async function prepareRace(device: Device, problem: TransportProblem): Promise<PlacedProblem> {
  const placed = await placeProblem(device, problem);
  using _scope = device.scope();
  await solveSinkhornNewton(device, placed, {
    epsilon: 1,
    epsilonUnit: 'largest-cost',
    tolerance: 1e-30,
    warmUp: { iterations: 1 },
    maximumIterations: 2,
    maximumNewtonSteps: 1,
    maximumGradientSteps: 1,
  });
  await device.finish();
  return placed;
}

/** The error of a step against iterations and against time. */
export function linesOf({ iteration, errors, elapsedMs }: SinkhornNewtonStep): { error: LineFrame; time: LineFrame } {
  const first = iteration - errors.length + 1;
  const series = 'Sinkhorn, then Newton';
  const last = errors.at(-1) ?? NaN;
  return {
    error: { series, x: errors.map((_, at) => first + at), y: errors },
    time: { series, x: elapsedMs / 1000, y: last },
  };
}

/** How plain Sinkhorn did. */
export interface PlainRun {
  readonly iterations: number;
  readonly marginalError: number;
  readonly elapsedMs: number;
  readonly isConverged: boolean;
}

/** Plain Sinkhorn on the same problem, its error looked at as rarely as the method allows. */
export async function* plainRun(
  device: Device,
  problem: PlacedProblem,
  options: SinkhornOptions,
): AsyncGenerator<{ error: LineFrame; time: LineFrame; iteration: number }, PlainRun> {
  const startMs = performance.now();
  let elapsedMs = 0;
  const steps = sinkhorn(device, problem, { ...options, checkEvery: 50 });
  let next = await steps.next();
  for (; next.done !== true; next = await steps.next()) {
    const { iteration, marginalError, rowErrors } = next.value;
    elapsedMs = performance.now() - startMs;
    const first = iteration - rowErrors.length + 1;
    const x = rowErrors.map((_, at) => first + at);
    yield {
      iteration,
      error: { series: 'plain Sinkhorn', x, y: rowErrors },
      time: { series: 'plain Sinkhorn', x: elapsedMs / 1000, y: marginalError },
    };
  }
  const { iterations, marginalError, status } = next.value;
  return { iterations, marginalError, elapsedMs, isConverged: status === 'converged' };
}

/** All Sinkhorn iterations of a run: before Newton, in its place where it stalled, and those that corrected its steps. */
function sinkhornIterationsOf(result: SinkhornNewtonResult): number {
  return result.sinkhornIterations + result.fallbackIterations + result.correctionIterations;
}

/** Newton steps of a run that converged with at most so many Sinkhorn iterations in all; else infinite. */
export function newtonStepsWithin(result: SinkhornNewtonResult, mostIterations: number): number {
  return result.status === 'converged' && sinkhornIterationsOf(result) <= mostIterations
    ? result.newtonSteps
    : Infinity;
}

/** How many times as many iterations plain Sinkhorn took, or had taken when it was stopped; 0 where Newton failed. */
export function iterationRatio(result: SinkhornNewtonResult, plain: PlainRun): number {
  return result.status === 'converged' ? plain.iterations / (sinkhornIterationsOf(result) + result.newtonSteps) : 0;
}

/** What is known second-hand of the paper's own runs at 500 points and eta = 1200, to machine accuracy on a CPU. */
const published: Readonly<Record<RaceProblem, readonly [newton: string, plain: string]>> = {
  assignment: ['20 + 9', '56,199'],
  'digits-l2': ['20 + 33', '2,041'],
  'digits-l1': ['700 + 77', '5,748'],
};

/** Iterations, conjugate gradient steps and time of both, with the published counts beside them. */
export function raceRows(
  problem: RaceProblem,
  newton: SinkhornNewtonResult,
  plain: PlainRun,
): readonly Readonly<Record<string, string | number>>[] {
  const [newtonCounts, plainCount] = published[problem];
  const { stalls } = newton;
  return [
    {
      method: stalls > 0 ? `sparse Newton (stalled ${String(stalls)} times)` : 'sparse Newton',
      sinkhorn: sinkhornIterationsOf(newton),
      newton: newton.newtonSteps,
      cg: newton.gradientSteps,
      kept: newton.nonzeros,
      seconds: newton.elapsedMs / 1000,
      error: newton.marginalError,
      published: newtonCounts,
    },
    {
      method: plain.isConverged ? 'plain Sinkhorn' : 'plain Sinkhorn, stopped',
      sinkhorn: plain.iterations,
      newton: 0,
      cg: 0,
      kept: '–',
      seconds: plain.elapsedMs / 1000,
      error: plain.marginalError,
      published: plainCount,
    },
  ];
}

/** Which entries a Newton system kept: 1 where a pixel holds one, 0 elsewhere. */
export async function keptPicture({ rows, columns, offsets, indices }: SparsePlan, most = 256): Promise<HeatmapFrame> {
  const [starts, at] = [await offsets.read(), await indices.read()];
  const [height, width] = [Math.min(most, rows), Math.min(most, columns)];
  const values = new Float32Array(height * width);
  for (let row = 0; row < rows; row++) {
    for (let k = starts[row] ?? 0; k < (starts[row + 1] ?? 0); k++) {
      const column = (at[k] ?? rows) - rows;
      values[Math.floor((row * height) / rows) * width + Math.floor((column * width) / columns)] = 1;
    }
  }
  return { rows: height, columns: width, values, of: [rows, columns], pooling: 'max' };
}
