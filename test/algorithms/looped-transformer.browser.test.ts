/** Hand-built transformers on the GPU: every loop is the written iteration, within rounding. */
import { describe, expect, it } from 'vitest';
import { solveInContext, type RegressionPrompt } from '../../src/algorithms/looped-transformer';
import { buildSolver, type SolverOptions } from '../../src/algorithms/looped-weights';
import { DivergedError, InvalidInputError } from '../../src/device/errors';
import { openTestDevice } from '../support/device';
import { descend, newton, prompt, relative } from '../support/in-context';

const gpu = await openTestDevice();

async function traceOf(task: RegressionPrompt, options: SolverOptions, loops: number): Promise<Float64Array[]> {
  const solver = buildSolver({ examples: task.targets.length, inputs: task.inputs }, options);
  const predictions: Float64Array[] = [];
  for await (const shown of solveInContext(gpu, solver, task, { loops })) predictions.push(shown.predictions);
  return predictions;
}

describe.each([
  [1, 5, 1],
  [3, 23, 4],
  [8, 67, 17],
])('%i inputs, %i examples, %i queries', (inputs, examples, queries) => {
  const task = prompt(inputs, examples, queries, 11);
  const step = 0.4 / inputs;
  // Sums over all tokens, rounded once each, in every loop; those before it are not amplified, as the loop contracts.
  const rounding = (loops: number): number => (loops + 2) * (examples + queries + inputs) * 2 ** -24;

  it('each loop is one step of gradient descent', async () => {
    const trace = await traceOf(task, { method: 'gradient', step }, 8);
    trace.forEach((predictions, loop) => {
      expect(relative(predictions, descend(task, step, loop))).toBeLessThan(rounding(loop));
    });
  });

  it('each loop is one Newton step for the inverse', async () => {
    const trace = await traceOf(task, { method: 'newton', step }, 6);
    // The inverse is as large as 2^loop steps, which is what an error of S is multiplied by.
    trace.forEach((predictions, loop) => {
      expect(relative(predictions, newton(task, step, loop))).toBeLessThan(rounding(loop) * 4);
    });
  });
});

it('softmax heads stay near the linear one', async () => {
  const task = prompt(3, 20, 4, 9, true);
  const trace = await traceOf(task, { method: 'gradient', step: 0.2, heads: { kind: 'softmax', scale: 0.05 } }, 6);
  // In float64 the difference is 2.6e-4; rounding adds 2^-24 / scale a loop.
  expect(relative(trace[6] ?? new Float64Array(), descend(task, 0.2, 6))).toBeLessThan(4e-4);
});

it('refuses bad prompts, and says when it diverges', async () => {
  const task = prompt(2, 8, 3, 1);
  await expect(
    traceOf({ ...task, queries: Float64Array.of(1, NaN) }, { method: 'newton', step: 1 }, 2),
  ).rejects.toThrow(InvalidInputError);
  await expect(traceOf(task, { method: 'newton', step: 50 }, 20)).rejects.toThrow(DivergedError);
});
