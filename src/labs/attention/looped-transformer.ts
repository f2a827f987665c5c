/** Looped transformers with hand-built weights: each loop is a step of gradient descent, or of Newton, on the prompt's examples. */
import { tableSamples } from '../../data/tables';
import { atLeast, atMost } from '../bounds';
import { atStandard, defineLab, follow } from '../define';
import { heatmap, line, logarithmic, quantities, scatter, table } from '../frames';
import { makeTask } from '../in-context';
import * as race from '../loop-race';
import * as report from '../loop-report';
import { choice, data, integer, real, seed, toggle } from '../parameters';

const tasks = { linear: 'linear', nonlinear: 'nonlinear features', table: 'a table' };
const headKinds = { linear: 'linear', softmax: 'pairs of softmax' };

export default defineLab({
  id: 'looped-transformer',
  title: 'Looped transformer',
  family: 'attention',
  summary:
    'One transformer block, run again and again, solves regression for the examples in its prompt. Nothing is trained: the weights are written down so that a loop is one step of gradient descent, or one of Newton, which doubles the steps.',
  papers: ['algoformer-2024', 'transformers-gradient-descent-2023', 'transformers-newton-2024', 'looped-learning-2024'],
  params: {
    task: choice({ label: 'task', options: tasks, default: 'linear' }),
    table: data('matrix', {
      label: 'table',
      help: 'or a CSV of yours: a row for each example',
      default: 'cars',
      samples: tableSamples('cars', 'penguins'),
    }),
    target: integer({ label: 'column to predict', min: 1, max: 33, default: 1 }),
    preBlock: toggle({ label: 'pre-block', help: 'A perceptron computes features first.', default: false }),
    features: integer({ label: 'features', min: 2, max: 32, default: 16 }),
    loops: integer({ label: 'loops', min: 1, max: 4096, scale: 'log', default: 512 }),
    dimension: integer({ label: 'dimension', min: 1, max: 32, default: 8 }),
    examples: integer({ label: 'examples', min: 16, max: 4096, scale: 'log', default: 256 }),
    noise: real({ label: 'noise', help: 'targets have variance 1', min: 0, max: 1, default: 0.1 }),
    condition: real({ label: 'condition number', min: 1, max: 1000, scale: 'log', default: 20 }),
    step: real({ label: 'step', help: 'times the largest eigenvalue', min: 0.05, max: 1.95, default: 1 }),
    heads: choice({ label: 'heads of gradient descent', options: headKinds, default: 'linear' }),
    shown: choice({ label: 'weights of', options: race.loopLabels, default: 'gradient', live: true }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '256 examples in 8 dimensions', params: {} },
    nonlinear: {
      label: 'A task for the pre-block',
      params: { task: 'nonlinear', preBlock: true, dimension: 4, condition: 4, loops: 128 },
    },
    cars: { label: 'Miles per gallon', params: { task: 'table', preBlock: true, examples: 512, loops: 64 } },
    standard: {
      label: '1,024 examples in 16 dimensions',
      params: { examples: 1024, dimension: 16, condition: 100, loops: 4096 },
    },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'error' },
  figures: {
    error: line({ title: 'Error to least squares', x: 'loops', y: 'error', ...logarithmic, span: 'half' }),
    answers: scatter({ title: 'Answers to 64 queries', axes: ['truth', 'prediction'], span: 'half' }),
    compared: heatmap({
      title: 'Q Kᵀ: what is compared',
      rows: 'own column',
      columns: 'other column',
      value: '|weight|',
      span: 'half',
    }),
    written: heatmap({
      title: 'V O: what is written',
      rows: 'read column',
      columns: 'written column',
      value: '|weight|',
      span: 'half',
    }),
    numbers: quantities({ title: 'Numbers', span: 'half' }),
    parameters: table({ title: 'Weights, zeros included', columns: report.parameterColumns, span: 'half' }),
  },
  kernels: ['matmul', 'attention', 'combine', 'affine', 'axpy'],
  memory: {
    bytes: ({ examples, dimension, features }) =>
      400 * (examples + 256) * (2 * dimension + 5 * features + 64) + 2 ** 20,
    lower: 'examples',
  },

  async *run({ device, params, frame, nextChange }) {
    const { loops, step, preBlock, heads } = params;
    const task = makeTask(params);
    const set = race.prepare(task, step, preBlock, heads === 'linear' ? { kind: heads } : { kind: heads, scale: 0.05 });
    const counts = { gradient: loops, newton: race.newtonLoops(set, step, loops) };
    const pictures = () => report.weightPictures(set.solvers[params.shown]);
    yield frame({ ...pictures(), parameters: { rows: report.parameterRows(set, counts) } });

    const outcome = yield* follow(report.watchLoops(device, set, counts), frame);
    const without = preBlock ? await race.answerWithout(device, task, step) : undefined;
    const { shown, heldOut } = report.conclude(set, counts, outcome, without);
    yield frame({ ...shown, numbers: { ...shown.numbers, source: device.info.label } });
    while (await nextChange()) yield frame(pictures());
    return { ...outcome, heldOut };
  },

  claims: [
    {
      id: 'loop-is-a-step',
      paper: 'transformers-gradient-descent-2023',
      says: 'Each loop is one step of gradient descent: largest difference of a prediction from plain gradient descent in float64, over all loops.',
      ...atStandard,
      ...atMost(1e-5),
      measure: ({ differences }) => differences.gradient,
    },
    {
      id: 'newton-doubles',
      paper: 'transformers-newton-2024',
      says: 'Newton is exponentially faster: its loop t is step 2^t of gradient descent. Largest difference of a prediction.',
      ...atStandard,
      ...atMost(1e-4),
      measure: ({ differences }) => differences.newton,
    },
    {
      id: 'newton-needs-few-loops',
      paper: 'algoformer-2024',
      says: 'Newton in the loop reaches least squares, to 1e-5, in far fewer loops: those of gradient descent over its own.',
      ...atStandard,
      ...atLeast(10, 'times'),
      measure: ({ reached, errors }) => (errors.newton <= 1e-5 ? reached.gradient / reached.newton : NaN),
    },
    {
      id: 'better-with-the-same-weights',
      paper: 'algoformer-2024',
      says: 'With as many weights, looping does better than one pass, even one with the best step: error of the pass over that of the loops.',
      ...atStandard,
      ...atLeast(100, 'times'),
      measure: ({ once, errors }) => once.error / errors.gradient,
    },
    {
      id: 'pre-block-represents',
      paper: 'algoformer-2024',
      says: 'The pre-block solves a task with nonlinear features that the loop alone cannot: error of answers without it, over that with it.',
      preset: 'nonlinear',
      ...atLeast(5, 'times'),
      measure: ({ heldOut }) => heldOut.without / heldOut.best,
    },
  ],
});
