/** Hand-built transformers on one prompt: gradient descent and Newton in the loop, one pass only, and a loop without a pre-block. */
import { solveInContext, type RegressionPrompt } from '../algorithms/looped-transformer';
import { buildSolver, type LoopedTransformer, type LoopMethod } from '../algorithms/looped-weights';
import type { HeadKind } from '../algorithms/transformer';
import type { Device } from '../device/device';
import { applyFeatures, leastSquares, plainDescent, relativeError, withConstant, type Task } from './in-context';

/** What the loops are called in figures. */
export const loopLabels = { gradient: 'gradient descent', newton: 'Newton' } as const;

/** A task with the transformers for it. */
export interface Race {
  readonly task: Task;
  /** What the transformers read: inputs end with a constant where there is a pre-block. */
  readonly given: RegressionPrompt;
  /** What the loop sees: features where there is a pre-block. */
  readonly solved: RegressionPrompt;
  readonly truth: ReturnType<typeof leastSquares>;
  readonly step: number;
  readonly solvers: Readonly<Record<LoopMethod, LoopedTransformer>>;
}

/** Builds the weights; `step` is in units of 1 / (largest eigenvalue of X^T X / N). */
export function prepare(task: Task, step: number, hasPreBlock: boolean, heads: HeadKind): Race {
  const { prompt, features } = task;
  const over = (change: (values: Float64Array) => Float64Array, inputs: number): RegressionPrompt => ({
    inputs,
    targets: prompt.targets,
    examples: change(prompt.examples),
    queries: change(prompt.queries),
  });
  const given = hasPreBlock ? over((values) => withConstant(values, prompt.inputs), prompt.inputs + 1) : prompt;
  const solved = hasPreBlock
    ? over((values) => applyFeatures(values, prompt.inputs, features), features.outward.columns)
    : prompt;
  const truth = leastSquares(solved);
  const [sizes, rate] = [{ examples: prompt.targets.length, inputs: given.inputs }, step / truth.largest];
  const chosen = { step: rate, ...(hasPreBlock && { features }) };
  return {
    task,
    given,
    solved,
    truth,
    step: rate,
    solvers: {
      gradient: buildSolver(sizes, { method: 'gradient', heads, ...chosen }),
      newton: buildSolver(sizes, { method: 'newton', ...chosen }),
    },
  };
}

/** A loop that was looked at. */
export interface RaceLoop {
  readonly method: LoopMethod;
  readonly loop: number;
  /** To least squares, over the queries. */
  readonly error: number;
  /** Largest difference from gradient descent in float64 after as many steps (2^loop for Newton), over the largest prediction. */
  readonly difference: number;
  readonly predictions: Float64Array;
}

/** Loops that Newton needs for eight digits where gradient descent needs kappa ln(1e8) / step, and two more. */
export function newtonLoops({ truth }: Race, step: number, loops: number): number {
  const steps = (truth.condition * Math.log(1e8)) / step;
  return Math.max(1, Math.min(loops, Math.ceil(Math.log2(steps)) + 2));
}

/** Runs both loops, one after the other; of many loops some are looked at, ever fewer. */
export async function* raceLoops(
  device: Device,
  race: Race,
  counts: Readonly<Record<LoopMethod, number>>,
): AsyncGenerator<RaceLoop> {
  const plain = plainDescent(race.solved, race.step, counts.gradient);
  const isShown = (loop: number): boolean =>
    loop <= 16 || Math.floor(12 * Math.log2(loop)) > Math.floor(12 * Math.log2(loop - 1));
  for (const method of ['newton', 'gradient'] as const) {
    const loops = counts[method];
    for await (const { loop, predictions } of solveInContext(device, race.solvers[method], race.given, {
      loops,
      isShown,
    })) {
      const steps = method === 'newton' ? 2 ** loop : loop;
      const expected = plain(steps);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const apart = predictions.reduce((most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? NaN))), 0);
      const difference = steps > counts.gradient ? 0 : apart / Math.max(largest, 1e-30);
      yield { method, loop, error: relativeError(predictions, race.truth.predictions), difference, predictions };
    }
  }
}

/** What a Newton loop without a pre-block answers, whatever the task. */
export async function answerWithout(device: Device, task: Task, step: number): Promise<Float64Array> {
  const race = prepare(task, step, false, { kind: 'linear' });
  const loops = newtonLoops(race, step, 64);
  const steps = solveInContext(device, race.solvers.newton, race.given, { loops, isShown: () => false });
  let next = await steps.next();
  while (next.done !== true) next = await steps.next();
  return next.value.predictions;
}
