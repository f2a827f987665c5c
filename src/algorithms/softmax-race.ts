/** The ways to a softmax against each other: honest times, bytes by their passes, and errors against float64. */
import { openReferenceDevice } from '../device';
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import type { NumberArray, Tensor } from '../device/tensor';
import { measure, type Measurement } from '../device/timing';
import { affine } from '../kernels/elementwise';
import { randomUniform } from '../kernels/random';
import { softmaxRows, type SoftmaxMethod } from '../kernels/softmax';

/** Logits on the host, row-major, as float32 holds them. */
export interface Logits {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array<ArrayBuffer>;
}

/** Logits uniform on [-range, range), the same on every device. */
async function uniformLogits(
  device: Device,
  rows: number,
  columns: number,
  { range, seed }: { readonly range: number; readonly seed: number },
): Promise<Logits> {
  using _scope = device.scope();
  const uniform = randomUniform(device, [rows, columns], { seed });
  const values = await device.read(affine(uniform, { scale: 2 * range, offset: -range }));
  return { rows, columns, values: Float32Array.from(values) };
}

/** Logits that a person brought, times a scale; a single column is taken as one row. Throws `InvalidInputError` for what float32 cannot hold. */
function givenLogits(
  given: { readonly name: string; readonly rows: number; readonly columns: number; readonly values: ArrayLike<number> },
  scale = 1,
): Logits {
  const values = Float32Array.from(given.values, (value) => scale * value);
  const at = values.findIndex((value) => !(Math.abs(value) <= 1e38));
  if (at >= 0) {
    throw new InvalidInputError(
      `${given.name} has ${String(given.values[at])} in row ${String(Math.floor(at / given.columns) + 1)}, which is no logit: bring finite numbers below 1e38, and -1e30 for what is masked.`,
      { field: 'logits' },
    );
  }
  return given.columns === 1
    ? { rows: 1, columns: given.rows, values }
    : { rows: given.rows, columns: given.columns, values };
}

/** What a race runs on: a person's logits, or random ones at a 64th, a 16th, a quarter and the whole of a length. */
export async function growingLogits(
  device: Device,
  race: {
    readonly logits: Parameters<typeof givenLogits>[0] | undefined;
    readonly scale: number;
    readonly rows: number;
    readonly length: number;
    readonly range: number;
    readonly seed: number;
  },
): Promise<readonly Logits[]> {
  const { logits, rows, length } = race;
  if (logits !== undefined) return [givenLogits(logits, race.scale)];
  const lengths = [64, 16, 4].map((part) => Math.ceil(length / part)).filter((columns) => rows * columns >= 1024);
  const all: Logits[] = [];
  for (const columns of [...lengths, length]) all.push(await uniformLogits(device, rows, columns, race));
  return all;
}

/** How far results are from the exact softmax of the same float32 logits. */
export interface SoftmaxError {
  /** Largest relative error where the exact value is above float32's normal range and the result is a number; at most 1. */
  readonly largest: number;
  /** Results that are not numbers, or 0 where the exact value is normal. */
  readonly lost: number;
  /** How many values were compared. */
  readonly compared: number;
}

const smallestNormal = 2 ** -126;

/** Compares results with float64. */
function softmaxError(results: NumberArray, exact: NumberArray): SoftmaxError {
  let largest = 0;
  let lost = 0;
  let compared = 0;
  for (let i = 0; i < exact.length; i++) {
    const value = exact[i] ?? 0;
    const result = results[i] ?? Number.NaN;
    if (value < smallestNormal && !Number.isNaN(result)) continue;
    compared += 1;
    if (!Number.isFinite(result) || result === 0) lost += 1;
    else largest = Math.max(largest, Math.min(1, Math.abs(result / value - 1)));
  }
  return { largest, lost, compared };
}

/** The exact softmax of float32 logits, in float64. */
async function exactSoftmax({ rows, columns, values }: Logits): Promise<NumberArray> {
  const reference = openReferenceDevice({ budgetBytes: 2 ** 31 });
  try {
    return await softmaxRows(reference.tensor(values, [rows, columns])).read();
  } finally {
    reference.close();
  }
}

/** What one method did. */
export interface SoftmaxResult {
  readonly method: SoftmaxMethod;
  readonly rows: number;
  readonly columns: number;
  readonly timing: Measurement;
  /** What its passes read and write. */
  readonly bytes: number;
  readonly bytesPerSecond: number;
  readonly error: SoftmaxError;
}

/** Times one method on these logits and checks its numbers. */
async function raceMethod(
  x: Tensor,
  exact: NumberArray,
  method: SoftmaxMethod,
  effort: { readonly samples: number; readonly maximumMs: number },
): Promise<SoftmaxResult> {
  const { device } = x;
  using _scope = device.scope();
  const out = device.empty(x.shape);
  const timing = await measure(device, () => void softmaxRows(x, { method, out }), effort);
  const [rows = 1, columns = 1] = x.shape;
  const { bytes } = softmaxRows.definition.cost(x, { method, out });
  const error = softmaxError(await device.read(out), exact);
  return { method, rows, columns, timing, bytes, bytesPerSecond: (1000 * bytes) / timing.medianMs, error };
}

/** Where a race stands: before (`result` is missing) and after each method at each length. */
export interface SoftmaxRaceStep {
  readonly method: SoftmaxMethod;
  readonly result?: SoftmaxResult;
  /** What was measured at this length so far. */
  readonly results: readonly SoftmaxResult[];
  readonly step: number;
  readonly steps: number;
}

/** Times methods one after the other on each of some logits. Returns all results, those of the last logits last. */
export async function* raceSoftmax(
  device: Device,
  all: readonly Logits[],
  methods: readonly SoftmaxMethod[],
  samples: number,
): AsyncGenerator<SoftmaxRaceStep, readonly SoftmaxResult[]> {
  const steps = all.length * methods.length;
  const finished: SoftmaxResult[] = [];
  for (const [index, logits] of all.entries()) {
    using _scope = device.scope();
    const exact = await exactSoftmax(logits);
    const x = device.tensor(logits.values, [logits.rows, logits.columns]);
    const effort = index === all.length - 1 ? { samples, maximumMs: 2000 } : { samples: 3, maximumMs: 150 };
    const results: SoftmaxResult[] = [];
    for (const method of methods) {
      yield { method, results, step: finished.length, steps };
      const result = await raceMethod(x, exact, method, effort);
      results.push(result);
      finished.push(result);
      yield { method, result, results, step: finished.length, steps };
    }
  }
  return finished;
}

/** The error of each method at growing ranges of logits, on a vector of 4,096 of them. */
export async function* sweepRange(
  device: Device,
  methods: readonly SoftmaxMethod[],
  seed: number,
): AsyncGenerator<{ readonly method: SoftmaxMethod; readonly range: number; readonly error: SoftmaxError }> {
  for (const range of [1, 3, 10, 30, 80, 90, 300, 1000, 10_000]) {
    using _scope = device.scope();
    const logits = await uniformLogits(device, 1, 4096, { range, seed });
    const exact = await exactSoftmax(logits);
    const x = device.tensor(logits.values, [1, 4096]);
    for (const method of methods) {
      yield { method, range, error: softmaxError(await device.read(softmaxRows(x, { method })), exact) };
    }
  }
}
