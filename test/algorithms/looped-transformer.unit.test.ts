/** Hand-built transformers on the reference device: their forward pass is the written iteration, loop by loop. */
import { describe, expect, it } from 'vitest';
import { solveInContext, type RegressionPrompt } from '../../src/algorithms/looped-transformer';
import { buildSolver, countParameters, type SolverOptions } from '../../src/algorithms/looped-weights';
import { openReferenceDevice } from '../../src/device';
import { DivergedError, InvalidInputError } from '../../src/device/errors';
import { descend, newton, prompt, relative } from '../support/in-context';

const device = openReferenceDevice();

async function traceOf(task: RegressionPrompt, options: SolverOptions, loops: number): Promise<Float64Array[]> {
  const solver = buildSolver({ examples: task.targets.length, inputs: task.inputs }, options);
  const predictions: Float64Array[] = [];
  for await (const shown of solveInContext(device, solver, task, { loops })) predictions.push(shown.predictions);
  return predictions;
}

describe.each([
  [1, 1, 1],
  [2, 7, 3],
  [5, 23, 4],
  [8, 64, 17],
])('%i inputs, %i examples, %i queries', (inputs, examples, queries) => {
  const task = prompt(inputs, examples, queries, 11);
  const step = 0.4 / inputs;

  it('each loop is one step of gradient descent', async () => {
    const trace = await traceOf(task, { method: 'gradient', step }, 12);
    trace.forEach((predictions, loop) => {
      expect(relative(predictions, descend(task, step, loop))).toBeLessThan(1e-13);
    });
    expect(trace).toHaveLength(13);
  });

  it('each loop is one Newton step for the inverse, and doubles the steps of gradient descent', async () => {
    const trace = await traceOf(task, { method: 'newton', step }, 8);
    trace.forEach((predictions, loop) => {
      expect(relative(predictions, newton(task, step, loop))).toBeLessThan(1e-12);
      expect(relative(predictions, descend(task, step, 2 ** loop))).toBeLessThan(1e-11);
    });
  });
});

describe('the pre-block', () => {
  const task = prompt(3, 31, 5, 3);
  const width = 6;
  const matrix = (rows: number, columns: number, seed: number) => ({
    rows,
    columns,
    values: prompt(columns, rows, 1, seed).examples,
  });
  const features = { inward: matrix(3, width, 5), outward: matrix(width, 4, 6) };
  const phi = (inputs: Float64Array): Float64Array => {
    const result = new Float64Array((inputs.length / 3) * 4);
    for (let row = 0; row < inputs.length / 3; row++) {
      for (let unit = 0; unit < width; unit++) {
        let sum = 0;
        for (let k = 0; k < 3; k++)
          sum += (inputs[3 * row + k] ?? NaN) * (features.inward.values[k * width + unit] ?? NaN);
        for (let k = 0; k < 4; k++)
          result[4 * row + k] =
            (result[4 * row + k] ?? NaN) + Math.max(0, sum) * (features.outward.values[4 * unit + k] ?? NaN);
      }
    }
    return result;
  };

  it.each(['gradient', 'newton'] as const)('computes features, on which the %s loop works', async (method) => {
    const mapped = { inputs: 4, examples: phi(task.examples), targets: task.targets, queries: phi(task.queries) };
    const [mappedByBlock, plain] = [
      await traceOf(task, { method, step: 0.01, features }, 5),
      await traceOf(mapped, { method, step: 0.01 }, 5),
    ];
    mappedByBlock.forEach((predictions, loop) => {
      expect(relative(predictions, plain[loop] ?? new Float64Array())).toBeLessThan(1e-12);
    });
  });

  it('refuses features of other inputs', () => {
    const build = () => buildSolver({ examples: 9, inputs: 2 }, { method: 'newton', step: 1, features });
    expect(build).toThrow(InvalidInputError);
  });
});

it('two softmax heads of opposite sign come as close to the linear one as their scale squared', async () => {
  const task = prompt(3, 20, 4, 9, true);
  const exact = await traceOf(task, { method: 'gradient', step: 0.2 }, 6);
  const errors: number[] = [];
  for (const scale of [0.2, 0.1, 0.05]) {
    const near = await traceOf(task, { method: 'gradient', step: 0.2, heads: { kind: 'softmax', scale } }, 6);
    errors.push(relative(near[6] ?? new Float64Array(), exact[6] ?? new Float64Array()));
  }
  const [first = NaN, second = NaN, third = NaN] = errors;
  expect(first / second).toBeGreaterThan(3.2);
  expect(second / third).toBeGreaterThan(3.7);
  expect(third).toBeLessThan(0.01);
});

it('counts its weights', () => {
  // Q [2 d + 1, d], K the same, V [2 d + 1, 1] and O [1, 2 d + 1]; the readout is [2 d + 1, 1].
  const d = 4;
  const counted = countParameters(buildSolver({ examples: 10, inputs: d }, { method: 'gradient', step: 1 }));
  expect(counted).toEqual({ before: 0, loop: (2 * d + 1) * (2 * d + 2), after: 2 * d + 1 });
});

describe('bad inputs', () => {
  const sizes = { examples: 8, inputs: 2 };
  it.each([
    [
      { examples: 0, inputs: 2 },
      { method: 'gradient', step: 1 },
    ],
    [
      { examples: 8, inputs: 1.5 },
      { method: 'gradient', step: 1 },
    ],
    [sizes, { method: 'newton', step: 0 }],
    [sizes, { method: 'newton', step: NaN }],
    [sizes, { method: 'newton', step: 1, heads: { kind: 'softmax', scale: 0.1 } }],
    [sizes, { method: 'gradient', step: 1, heads: { kind: 'softmax', scale: 0 } }],
  ] as const)('are refused when weights are built: %o %o', (shape, options) => {
    expect(() => buildSolver(shape, options)).toThrow(InvalidInputError);
  });

  it('are refused in prompts and loops', async () => {
    const task = prompt(2, 8, 3, 1);
    const solver = buildSolver(sizes, { method: 'gradient', step: 0.1 });
    const first = (given: RegressionPrompt, loops = 2) => solveInContext(device, solver, given, { loops }).next();
    await expect(first(task, 0)).rejects.toThrow(InvalidInputError);
    await expect(first({ ...task, inputs: 1 })).rejects.toThrow(InvalidInputError);
    await expect(first({ ...task, targets: new Float64Array(7) })).rejects.toThrow(InvalidInputError);
    await expect(first({ ...task, queries: new Float64Array(3) })).rejects.toThrow(InvalidInputError);
    await expect(first({ ...task, queries: Float64Array.of(1, NaN) })).rejects.toThrow(InvalidInputError);
  });

  it('a step that is too large diverges and says so', async () => {
    const task = prompt(2, 8, 3, 1);
    await expect(traceOf(task, { method: 'newton', step: 50 }, 20)).rejects.toThrow(DivergedError);
  });
});
