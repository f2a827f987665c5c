/** Seeded operands for attention, what they give on a device, and how far float32 may be from float64. */
import { expect } from 'vitest';
import type { Device } from '../../src/device/device';
import { attention, type AttentionCallOptions } from '../../src/kernels/attention';
import { Philox } from '../../src/kernels/random';

/** WGSL may round to either neighbour: one operation errs by at most this, relatively. */
export const unit = 2 ** -23;

/** Standard normal numbers of a stream. */
export function normals(count: number, stream: number, factor = 1): Float32Array {
  const random = new Philox(11, stream);
  return Float32Array.from({ length: count }, () => factor * random.normal());
}

/** Shapes and options of one call; operands are seeded normal numbers. */
export interface AttentionCase {
  readonly title: string;
  readonly queries: readonly number[];
  readonly keys: readonly number[];
  readonly values: readonly number[];
  readonly options?: Omit<AttentionCallOptions, 'keyBias'>;
  readonly bias?: readonly number[];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The result of a case on a device. */
export async function run(
  device: Device,
  { queries, keys, values, options, bias }: AttentionCase,
  variant: 'flash' | 'naive',
): Promise<Float64Array> {
  using scope = device.scope();
  const result = attention(
    device.tensor(normals(sizeOf(queries), 1), queries),
    device.tensor(normals(sizeOf(keys), 2), keys),
    device.tensor(normals(sizeOf(values), 3), values),
    { ...options, variant, ...(bias === undefined ? {} : { keyBias: device.tensor(normals(sizeOf(bias), 4), bias) }) },
  );
  return Float64Array.from(await device.read(result));
}

/** The largest difference of two results; infinite where one is NaN or their sizes differ. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/**
 * What float32 may lose: a logit sums d products of magnitude below 5.8^2 (the largest normal number drawn), weights inherit the
 * logit's absolute error relatively, exp adds 3 units, and numerator and denominator sum one term per key.
 */
function bound({ queries, keys, options }: AttentionCase): number {
  const heads = keys.length === 3 ? 1 : (options?.heads ?? 1);
  const dimension = (queries.at(-1) ?? 1) / heads;
  const keyCount = keys.at(-2) ?? 1;
  const scale = options?.scale ?? (options?.metric === 'squared-distance' ? 1 : 1 / Math.sqrt(dimension));
  // E|q k| = 2/pi per component for normal numbers, E|q - k|^2 = 2; three times that covers the rows drawn here.
  const logitError = unit * (dimension + 3) * scale * dimension * (options?.metric === 'squared-distance' ? 6 : 2);
  return 5.8 * (2 * logitError + unit * (8 + 2 * keyCount));
}

/** Holds a variant's rows of a case against float64. */
export async function expectReference(
  gpu: Device,
  cpu: Device,
  each: AttentionCase,
  variant: 'flash' | 'naive',
): Promise<void> {
  const [expected, result] = await Promise.all([run(cpu, each, variant), run(gpu, each, variant)]);
  const rowCount = each.queries.at(-2) ?? 1;
  const [start, end] = each.options?.rows ?? [0, rowCount];
  const heads = each.queries.length === 3 ? (each.queries[0] ?? 1) : 1;
  const rowSize = expected.length / heads / rowCount;
  for (let head = 0; head < heads; head++) {
    const from = (head * expected.length) / heads + start * rowSize;
    const to = (head * expected.length) / heads + end * rowSize;
    expect(largestDifference(result.subarray(from, to), expected.subarray(from, to))).toBeLessThanOrEqual(bound(each));
  }
}
