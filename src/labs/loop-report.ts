/** What is shown of hand-built transformers on one prompt: how near each loop is, what it answers, and the weights. */
import { countParameters, type LoopedTransformer, type LoopMethod } from '../algorithms/looped-weights';
import type { WeightMatrix } from '../algorithms/transformer';
import type { Device } from '../device/device';
import type { HeatmapFrame, LineFrame, ScatterFrame, StatusFrame } from './frames';
import { relativeError } from './in-context';
import { loopLabels, raceLoops, type Race } from './loop-race';

/** How near counts as solved. */
const close = 1e-5;
/** Errors below this are drawn as this: on a GPU nothing is nearer. */
const floor = 1e-9;

type Counts = Readonly<Record<LoopMethod, number>>;

/** What the loops reached. */
interface Outcome {
  /** Loops until the error is 1e-5; one more than there were where it never was. */
  readonly reached: Counts;
  /** Largest difference of a prediction from plain gradient descent in float64. */
  readonly differences: Counts;
  /** To least squares after the last loop. */
  readonly errors: Counts;
  /** One pass of gradient descent with the best step. */
  readonly once: { readonly scaled: Float64Array; readonly error: number };
  /** Newton's last answers. */
  readonly best: Float64Array;
}

/** What the figures show of a loop. */
interface LoopFrames {
  readonly error: LineFrame[];
  readonly answers: ScatterFrame;
  readonly status: StatusFrame;
}

/** Runs both loops and says how near each is. */
export async function* watchLoops(device: Device, race: Race, counts: Counts): AsyncGenerator<LoopFrames, Outcome> {
  const reached = { gradient: counts.gradient + 1, newton: counts.newton + 1 };
  const differences = { gradient: 0, newton: 0 };
  const errors = { gradient: NaN, newton: NaN };
  const { truth } = race.task;
  let once: Outcome['once'] = { scaled: new Float64Array(truth.length), error: NaN };
  let best = new Float64Array(truth.length);
  for await (const { method, loop, error, difference, predictions } of raceLoops(device, race, counts)) {
    const label = loopLabels[method];
    differences[method] = Math.max(differences[method], difference);
    errors[method] = error;
    if (error <= close) reached[method] = Math.min(reached[method], loop);
    if (method === 'newton') best = new Float64Array(predictions);
    if (loop === 0) continue;
    if (method === 'gradient' && loop === 1) once = bestSinglePass(predictions, race.truth.predictions);
    const lines: { series: string; x: number; y: number }[] = [{ series: label, x: loop, y: Math.max(floor, error) }];
    if (method === 'gradient') lines.push({ series: 'one pass, best step', x: loop, y: Math.max(floor, once.error) });
    yield {
      error: lines,
      answers: answers(label, truth, predictions),
      status: { state: 'running', text: `${label}, loop ${loop}`, step: loop, steps: counts[method] },
    };
  }
  return { reached, differences, errors, once, best };
}

/** Errors of the answers themselves, with and without a pre-block. */
interface HeldOut {
  readonly best: number;
  readonly without: number;
  /** Whether there was a pre-block to leave out. */
  readonly isTried: boolean;
}

/** The end of a run: numbers, the answers of other ways, a sentence. `without` is what a loop without a pre-block answers. */
export function conclude(race: Race, counts: Counts, outcome: Outcome, without?: Float64Array) {
  const { name, truth } = race.task;
  const { best, once, errors } = outcome;
  const heldOut = { best: relativeError(best, truth), without: relativeError(without ?? best, truth) };
  const [gradient, newton] = [errors.gradient.toExponential(1), errors.newton.toExponential(1)];
  const text = `${name}: ${gradient} from least squares after ${counts.gradient} loops, Newton ${newton} after ${counts.newton}`;
  return {
    heldOut,
    shown: {
      numbers: { rows: numberRows(race, counts, outcome, { ...heldOut, isTried: without !== undefined }) },
      answers: [
        answers('one pass, best step', truth, once.scaled),
        ...(without === undefined ? [] : [answers('Newton without the pre-block', truth, without)]),
      ],
      status: { state: 'done', text },
    } as const,
  };
}

/** The table of numbers. */
function numberRows({ task, truth }: Race, counts: Counts, outcome: Outcome, heldOut: HeldOut) {
  const { differences, reached } = outcome;
  const loops = (method: LoopMethod): string | number =>
    reached[method] > counts[method] ? `more than ${counts[method]}` : reached[method];
  const rows: [string, string | number][] = [
    ['examples', task.prompt.targets.length],
    ['condition number', truth.condition],
    ['largest difference from gradient descent in float64', differences.gradient],
    ['the same of Newton, which doubles its steps', differences.newton],
    [`gradient loops to ${close.toExponential()}`, loops('gradient')],
    [`Newton loops to ${close.toExponential()}`, loops('newton')],
    ['error of answers', heldOut.best],
  ];
  if (heldOut.isTried) rows.push(['the same without a pre-block', heldOut.without]);
  return rows.map(([quantity, value]) => ({ quantity, value }));
}

/** The error of one pass whose step is the best there is for these queries: the line through 0 and its predictions. */
function bestSinglePass(predictions: Float64Array, target: Float64Array): { scaled: Float64Array; error: number } {
  let [along, square] = [0, 0];
  predictions.forEach((value, at) => {
    along += value * (target[at] ?? NaN);
    square += value * value;
  });
  const scaled = predictions.map((value) => (value * along) / square);
  return { scaled, error: relativeError(scaled, target) };
}

/** Q K^T or V O of the first head of the loop: which columns of two tokens are compared, and what is written where. */
function weightPicture({ loop, width }: LoopedTransformer, part: 'compared' | 'written'): HeatmapFrame {
  const head = loop[0]?.heads[0];
  const values = new Float32Array(width * width);
  if (head !== undefined) {
    const [left, right] = part === 'compared' ? [head.query, head.key] : [head.value, head.output];
    for (let row = 0; row < width; row++)
      for (let column = 0; column < width; column++)
        for (let k = 0; k < left.columns; k++)
          values[row * width + column] =
            (values[row * width + column] ?? NaN) +
            at(left, row, k) * (part === 'compared' ? at(right, column, k) : at(right, k, column));
  }
  return { rows: width, columns: width, values: values.map(Math.abs) };
}

const at = ({ columns, values }: WeightMatrix, row: number, column: number): number =>
  values[row * columns + column] ?? NaN;

/** Both pictures of a block's weights, without their signs. */
export function weightPictures(transformer: LoopedTransformer) {
  return { compared: weightPicture(transformer, 'compared'), written: weightPicture(transformer, 'written') };
}

/** What should be answered against what is. */
function answers(series: string, truth: Float64Array, predictions: Float64Array): ScatterFrame {
  return {
    series,
    points: Float32Array.from(
      { length: 2 * truth.length },
      (_, i) => (i % 2 === 0 ? truth : predictions)[i >> 1] ?? NaN,
    ),
  };
}

/** Columns of the table of weights. */
export const parameterColumns = {
  loop: 'method',
  before: 'before',
  shared: 'loop',
  after: 'after',
  total: 'all',
  layers: 'not shared',
};

/** Weights by part, and of as many layers without sharing. */
export function parameterRows({ solvers }: Race, counts: Readonly<Record<LoopMethod, number>>) {
  return (['gradient', 'newton'] as const).map((method) => {
    const { before, loop, after } = countParameters(solvers[method]);
    return {
      loop: loopLabels[method],
      before,
      shared: loop,
      after,
      total: before + loop + after,
      layers: before + counts[method] * loop + after,
    };
  });
}
