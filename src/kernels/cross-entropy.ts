/** Cross-entropy of logits against whole-number targets, and its gradient, without storing the softmax. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import { checkLogits, recordRowValues, recordStates } from './softmax';

/** Options of `crossEntropyRows`. */
export interface CrossEntropyOptions {
  /** Where to put the losses, [rows]; a new tensor unless given. */
  readonly out?: Tensor;
}

/** Options of `crossEntropyGradient`. */
export interface CrossEntropyGradientOptions {
  /** What the gradient is multiplied by: 1 / rows for the mean of the losses. Default 1. */
  readonly scale?: number;
  /** Where to put the gradient, of the shape of the logits; a new tensor unless given. It must not be the logits. */
  readonly out?: Tensor;
}

/**
 * log sum exp(x) - x[target] of each row, in nats: logits [rows, classes] and targets [rows] (u32) -> [rows]. The loss of a
 * row whose target is not below `classes` is 0: that is how a row is left out. Logits as in `softmaxRows`; the absolute
 * error is below 5e-7 (1 + loss).
 *
 * Throws `InvalidInputError` unless the logits are an f32 matrix and the targets one u32 number a row.
 */
export const crossEntropyRows = defineKernel({
  name: 'crossEntropyRows',
  summary: 'Cross-entropy of each row of logits against its target: [rows, classes] and [rows] become [rows].',
  shaders: ['softmax/reduce', 'softmax/merge', 'softmax/loss'],
  cost: (logits: Tensor, targets: Tensor, { out }: CrossEntropyOptions = {}) => {
    const [rows] = checkTargets('crossEntropyRows', logits, targets);
    if (out !== undefined && (out === logits || out.type !== 'f32' || out.size !== rows)) {
      throw new InvalidInputError(`crossEntropyRows needs another f32 tensor of ${String(rows)} elements as out.`, {
        field: 'out',
      });
    }
    return { flops: 23 * logits.size, bytes: 4 * (logits.size + 2 * rows) };
  },
  webgpu(gpu, logits, targets, options = {}): Tensor {
    const [rows = 1, columns = 1] = logits.shape;
    const out = options.out ?? gpu.empty([rows]);
    using _scope = gpu.scope();
    gpu.dispatch({
      shader: 'softmax/loss',
      uniforms: { rows: u32(rows), columns: u32(columns) },
      reads: [logits, targets, recordStates(gpu, logits, 'online')],
      writes: [out],
      workgroups: [Math.ceil(rows / 256)],
      share: 0.01,
    });
    return out;
  },
  reference(cpu, logits, targets, options = {}): Tensor {
    const [rows, columns] = checkTargets('crossEntropyRows', logits, targets);
    const out = options.out ?? cpu.empty([rows]);
    for (let row = 0; row < rows; row++) {
      const values = logits.data.slice(row * columns, (row + 1) * columns);
      const { largest, sum } = sumOf(values);
      const target = targets.data[row] ?? 0;
      out.data[row] = target < columns ? Math.log(sum) + (largest - (values[target] ?? 0)) : 0;
    }
    return out;
  },
});

/**
 * The gradient of the cross-entropy by the logits, softmax(x) - one-hot(target), times `scale`: logits [rows, classes] and
 * targets [rows] (u32) -> [rows, classes]. Rows whose target is not below `classes` get zeros. Errors as `crossEntropyRows`.
 */
export const crossEntropyGradient = defineKernel({
  name: 'crossEntropyGradient',
  summary: 'Gradient of the cross-entropy: softmax minus one-hot target, [rows, classes].',
  shaders: ['softmax/rows', 'softmax/reduce', 'softmax/merge', 'softmax/write'],
  cost: (logits: Tensor, targets: Tensor, { out }: CrossEntropyGradientOptions = {}) => {
    checkTargets('crossEntropyGradient', logits, targets);
    checkLogits('crossEntropyGradient', logits, out);
    return { flops: 46 * logits.size, bytes: 12 * logits.size };
  },
  webgpu(gpu, logits, targets, { scale = 1, out = gpu.empty(logits.shape) } = {}): Tensor {
    using _scope = gpu.scope();
    recordRowValues(gpu, logits, {
      conditions: { online: true, gradient: true },
      out,
      gradient: { targets, scale },
    });
    return out;
  },
  reference(cpu, logits, targets, { scale = 1, out } = {}): Tensor {
    const [rows, columns] = checkTargets('crossEntropyGradient', logits, targets);
    checkLogits('crossEntropyGradient', logits, out);
    const gradient = out ?? cpu.empty(logits.shape);
    for (let row = 0; row < rows; row++) {
      const values = logits.data.slice(row * columns, (row + 1) * columns);
      const { largest, sum } = sumOf(values);
      const target = targets.data[row] ?? 0;
      values.forEach((value, column) => {
        const slope = Math.exp(value - largest) / sum - (column === target ? 1 : 0);
        gradient.data[row * columns + column] = target < columns ? scale * slope : 0;
      });
    }
    return gradient;
  },
});

function sumOf(values: ArrayLike<number> & Iterable<number>): { readonly largest: number; readonly sum: number } {
  let largest = -Infinity;
  for (const value of values) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of values) sum += Math.exp(value - largest);
  return { largest, sum };
}

function checkTargets(kernel: string, logits: Tensor, targets: Tensor): readonly [rows: number, columns: number] {
  const shape = checkLogits(kernel, logits);
  if (targets.type !== 'u32' || targets.size !== shape[0]) {
    throw new InvalidInputError(
      `${kernel} needs one u32 target for each of the ${String(shape[0])} rows, not ${String(targets.size)} of ${targets.type}.`,
      { field: 'targets' },
    );
  }
  return shape;
}
