/** Looped transformers solve least squares for the examples in their prompt: the prompt as tokens, and the loop run over them. */
import type { Device } from '../device/device';
import { DivergedError, InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { affine } from '../kernels/elementwise';
import { matmul } from '../kernels/matmul';
import { requireCount, type LoopedTransformer } from './looped-weights';
import { passThrough, placeLayers } from './transformer';

/** Examples to learn from and points to predict at, row-major. */
export interface RegressionPrompt {
  /** Numbers in an input. */
  readonly inputs: number;
  /** `[count, inputs]`. */
  readonly examples: Float64Array;
  /** `[count]`. */
  readonly targets: Float64Array;
  /** `[queries, inputs]`. */
  readonly queries: Float64Array;
}

/** Where the loop is. */
export interface LoopStep {
  /** Loops done so far; 0 is the state after the pre-block. */
  readonly loop: number;
  /** The post-block's answer for each query, as if this were the last loop. */
  readonly predictions: Float64Array;
}

/** How far to loop, and when to look. */
export interface LoopOptions {
  readonly loops: number;
  /** Whether to yield after a loop; the last one is always shown. Default: after each. */
  readonly isShown?: (loop: number) => boolean;
}

/**
 * Runs the pre-block, the looped block `loops` times, and the post-block at each look. Throws `InvalidInputError` for a prompt that
 * does not fit, `DivergedError` where a prediction is no longer a number.
 */
export async function* solveInContext(
  device: Device,
  transformer: LoopedTransformer,
  prompt: RegressionPrompt,
  { loops, isShown = () => true }: LoopOptions,
): AsyncGenerator<LoopStep, LoopStep> {
  requireCount(loops, 'loops');
  const { values, tokens, firstQuery } = writeTokens(transformer, prompt);
  using _scope = device.scope();
  const { width, heads } = transformer;
  const parts = [transformer.before, transformer.loop, transformer.after].map((part) => placeLayers(device, part));
  const [before = [], block = [], after = []] = parts;
  const readout = device.tensor(transformer.readout.values, [width, 1]);
  const written = device.tensor(values, [tokens, width]);
  const look = async (state: Tensor, loop: number): Promise<LoopStep> => {
    using _look = device.scope();
    const all = await matmul(passThrough(state, after, heads), readout).read();
    const predictions = Float64Array.from(all).subarray(firstQuery);
    if (!predictions.every(Number.isFinite)) {
      throw new DivergedError(`The predictions are no numbers after ${String(loop)} loops: make the step smaller.`, {
        parameter: 'step',
        iteration: loop,
      });
    }
    return { loop, predictions };
  };

  const state = passThrough(written, before, heads);
  let shown = await look(state, 0);
  yield shown;
  for (let loop = 1; loop <= loops; loop++) {
    {
      using _loop = device.scope();
      affine(passThrough(state, block, heads), { out: state });
    }
    if (loop < loops && !isShown(loop)) continue;
    shown = await look(state, loop);
    yield shown;
  }
  return shown;
}

/** The prompt as tokens: examples, then tokens for the rows of matrices, then queries. */
function writeTokens(
  { layout, width, matrixTokens }: LoopedTransformer,
  { inputs, examples, targets, queries }: RegressionPrompt,
): { readonly values: Float64Array; readonly tokens: number; readonly firstQuery: number } {
  const [count, asked] = [targets.length, queries.length / inputs];
  const takes = layout.get('input')?.[1] ?? layout.get('example')?.[1];
  if (takes !== inputs || examples.length !== count * inputs || !Number.isInteger(asked) || asked < 1 || count < 1) {
    throw new InvalidInputError(
      `A prompt needs ${String(takes)} numbers for each example and query, and a target for each example.`,
      { field: 'prompt' },
    );
  }
  if (![examples, targets, queries].every((numbers) => numbers.every(Number.isFinite)))
    throw new InvalidInputError('The prompt must hold numbers of ordinary size only.', { field: 'prompt' });
  const firstQuery = count + matrixTokens;
  const tokens = firstQuery + asked;
  const values = new Float64Array(tokens * width);
  const at = (...names: string[]): number =>
    names.map((name) => layout.get(name)?.[0]).find((c) => c !== undefined) ?? NaN;
  const [example, query] = [at('input', 'example'), at('query input', 'query')];
  const target = at('residual', 'target');
  for (let token = 0; token < count; token++) {
    values.set(examples.subarray(token * inputs, (token + 1) * inputs), token * width + example);
    values[token * width + target] = targets[token] ?? NaN;
  }
  for (let row = 0; row < matrixTokens; row++) values[(count + row) * width + at('unit') + row] = 1;
  for (let token = 0; token < asked; token++)
    values.set(queries.subarray(token * inputs, (token + 1) * inputs), (firstQuery + token) * width + query);
  return { values, tokens, firstQuery };
}
