/** Seeded operands for attention, what they give on a device, and how far float32 may be from float64. */
import { expect } from 'vitest';
import type { Device } from '../../src/device/device';
import type { Tensor } from '../../src/device/tensor';
import { attention, type AttentionCallOptions } from '../../src/kernels/attention';
import { Philox } from '../../src/kernels/random';

/** WGSL may round to either neighbour: one operation errs by at most this, relatively. */
export const unit = 2 ** -23;

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Standard normal numbers of a stream. */
export function normals(count: number, stream: number, factor = 1): Float32Array {
  const random = new Philox(11, stream);
  return Float32Array.from({ length: count }, () => factor * random.normal());
}

export type Variant = NonNullable<AttentionCallOptions['variant']>;

/** Shapes and options of one call; operands are seeded normal numbers. */
export interface AttentionCase {
  readonly title: string;
  readonly queries: readonly number[];
  readonly keys: readonly number[];
  readonly values: readonly number[];
  readonly options?: Omit<AttentionCallOptions, 'keyBias' | 'bias' | 'mask' | 'sinks'>;
  /** Shapes of what is drawn beside the operands: a bias per key, a bias per pair, a mask that hides every third, sinks. */
  readonly bias?: readonly number[];
  readonly pairs?: readonly number[];
  readonly mask?: readonly number[];
  readonly sinks?: number;
}

/** The operands and options of a case on a device, in the open scope. */
export function operandsOf(
  device: Device,
  { queries, keys, values, options, bias, pairs, mask, sinks }: AttentionCase,
): { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor; readonly options: AttentionCallOptions } {
  const draw = (shape: readonly number[], stream: number): Tensor =>
    device.tensor(normals(sizeOf(shape), stream), shape);
  return {
    q: draw(queries, 1),
    k: draw(keys, 2),
    v: draw(values, 3),
    options: {
      ...options,
      ...(bias && { keyBias: draw(bias, 4) }),
      ...(pairs && { bias: draw(pairs, 6) }),
      ...(mask && {
        mask: device.tensor(
          Array.from({ length: sizeOf(mask) }, (_, index) => (index % 3 === 1 ? 0 : 1)),
          mask,
          'u32',
        ),
      }),
      ...(sinks && { sinks: draw([sinks], 5) }),
    },
  };
}

/** The result of a case on a device. */
export async function run(device: Device, each: AttentionCase, variant: Variant): Promise<Float64Array> {
  using scope = device.scope();
  const { q, k, v, options } = operandsOf(device, each);
  return Float64Array.from(await device.read(attention(q, k, v, { ...options, variant })));
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
export function bound({ queries, keys, options }: AttentionCase): number {
  const heads = keys.length === 3 ? 1 : (options?.heads ?? 1);
  const dimension = (queries.at(-1) ?? 1) / (queries.length === 3 ? 1 : (options?.heads ?? heads));
  const keyCount = keys.at(-2) ?? 1;
  const scale = options?.scale ?? (options?.metric === 'squared-distance' ? 1 : 1 / Math.sqrt(dimension));
  // E|q k| = 2/pi per component for normal numbers, E|q - k|^2 = 2; three times that covers the rows drawn here.
  const logitError = unit * (dimension + 3) * scale * dimension * (options?.metric === 'squared-distance' ? 6 : 2);
  return 5.8 * (2 * logitError + unit * (8 + 2 * keyCount));
}

/** Holds a variant's rows of a case against float64. */
export async function expectReference(gpu: Device, cpu: Device, each: AttentionCase, variant: Variant): Promise<void> {
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
