/** Variants of the matrix product against each other: operands, honest times phase by phase, and the error on sampled entries. */
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import type { Tensor } from '../device/tensor';
import { measure, type Measurement } from '../device/timing';
import { affine } from '../kernels/elementwise';
import { matmul, rememberVariant, type MatmulVariant, type ProductSizes } from '../kernels/matmul';
import { Philox, randomUniform } from '../kernels/random';

/** A dense matrix on the host, row-major, of numbers that float32 holds. */
export interface HostMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array<ArrayBuffer>;
}

/** A matrix of uniform numbers on [-1, 1), the same on every device. */
async function randomMatrix(
  device: Device,
  rows: number,
  columns: number,
  seed: number,
  stream: number,
): Promise<HostMatrix> {
  using scope = device.scope();
  const uniform = randomUniform(device, [rows, columns], { seed, stream });
  const values = await device.read(affine(uniform, { scale: 2, offset: -1 }));
  return { rows, columns, values: Float32Array.from(values) };
}

/** A matrix that a person brought, row-major. */
export interface GivenMatrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly values: ArrayLike<number>;
}

/** The same in float32. Throws `InvalidInputError` for one that float32 cannot hold. */
function hostMatrix(given: GivenMatrix): HostMatrix {
  const { name, rows, columns } = given;
  const values = Float32Array.from(given.values);
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    throw new InvalidInputError(
      `${name} has ${String(given.values[at])} in row ${String(Math.floor(at / columns) + 1)}, column ${String((at % columns) + 1)}, which float32 cannot hold: leave such rows out or scale them.`,
      { field: name },
    );
  }
  return { rows, columns, values };
}

/** Two operands on a device, and what it took to get them there. */
export interface Operands {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly left: HostMatrix;
  readonly right: HostMatrix;
  readonly sizes: ProductSizes;
  readonly uploadMs: number;
}

/** Puts both operands on the device. They belong to the scope that is open. Throws `InvalidInputError` if their shapes do not agree. */
async function upload(device: Device, left: HostMatrix, right: HostMatrix): Promise<Operands> {
  if (left.columns !== right.rows) {
    throw new InvalidInputError(
      `A is ${String(left.rows)} x ${String(left.columns)} and B is ${String(right.rows)} x ${String(right.columns)}: A needs as many columns as B has rows. Bring a matrix of ${String(left.columns)} rows as B, or only one of the two.`,
      // No field: each of the two files is good by itself, so neither is to be dropped.
      { columnsOfA: left.columns, rowsOfB: right.rows },
    );
  }
  await device.finish();
  const start = performance.now();
  const a = device.tensor(left.values, [left.rows, left.columns]);
  const b = device.tensor(right.values, [right.rows, right.columns]);
  await device.finish();
  return {
    a,
    b,
    left,
    right,
    sizes: { m: left.rows, n: right.columns, k: left.columns },
    uploadMs: performance.now() - start,
  };
}

/** The BLAS-3 ratio |C - C'| / (u |A||B|), u = 2^-24, at the crossings of sampled rows and columns. */
export interface SampledError {
  readonly rows: number;
  readonly columns: number;
  /** Row-major, `rows * columns`. */
  readonly ratios: Float32Array<ArrayBuffer>;
  readonly largest: number;
}

/** Compares a product with float64 at `side` sampled rows times `side` sampled columns, at most all of them. */
export function sampleError(
  product: ArrayLike<number>,
  { left, right, sizes }: Operands,
  side: number,
  seed: number,
): SampledError {
  const rows = sample(sizes.m, side, new Philox(seed, 100));
  const columns = sample(sizes.n, side, new Philox(seed, 101));
  const ratios = new Float32Array(rows.length * columns.length);
  let largest = 0;
  rows.forEach((row, i) => {
    columns.forEach((column, j) => {
      let exact = 0;
      let magnitude = 0;
      for (let k = 0; k < sizes.k; k++) {
        const term = (left.values[row * sizes.k + k] ?? 0) * (right.values[k * sizes.n + column] ?? 0);
        exact += term;
        magnitude += Math.abs(term);
      }
      const error = Math.abs((product[row * sizes.n + column] ?? 0) - exact);
      const ratio = error === 0 ? 0 : Math.min(error / (2 ** -24 * magnitude), 3e38);
      ratios[i * columns.length + j] = Number.isNaN(ratio) ? 3e38 : ratio;
      largest = Math.max(largest, ratios[i * columns.length + j] ?? 0);
    });
  });
  return { rows: rows.length, columns: columns.length, ratios, largest };
}

/** One index from each of `side` equal parts of a range; all of it where it is smaller. */
function sample(length: number, side: number, random: Philox): number[] {
  const count = Math.min(length, side);
  return Array.from({ length: count }, (_, part) => {
    const first = Math.floor((part * length) / count);
    return first + random.integer(Math.floor(((part + 1) * length) / count) - first);
  });
}

/** What one variant did. */
export interface VariantResult {
  readonly variant: MatmulVariant;
  readonly sizes: ProductSizes;
  readonly timing: Measurement;
  /** Linking and compiling, the longest at any size of this race so far; zero where an earlier run had done it. */
  readonly compileMs: number;
  /** One product by the clock, from the call to the end of the work on the device. */
  readonly computeMs: number;
  /** Copying the whole product to the host. */
  readonly readBackMs: number;
  readonly flopsPerSecond: number;
  /** Bytes that have to be moved at least, per second. */
  readonly bytesPerSecond: number;
  readonly error: SampledError;
}

/** How to measure a variant. */
interface RaceOptions {
  readonly samples: number;
  readonly maximumMs: number;
  /** Sampled rows and columns for the error. */
  readonly side: number;
  readonly seed: number;
}

/** Times one variant on these operands and checks its numbers. */
async function raceVariant(operands: Operands, variant: MatmulVariant, options: RaceOptions): Promise<VariantResult> {
  const { a, b, sizes } = operands;
  const { device } = a;
  using scope = device.scope();
  const out = device.empty([sizes.m, sizes.n]);
  const record = (): void => void matmul(a, b, { variant, out });
  const timing = await measure(device, record, options);
  const start = performance.now();
  record();
  await device.finish();
  const computed = performance.now();
  const product = await device.read(out);
  const read = performance.now();
  const { flops, bytes } = matmul.definition.cost(a, b);
  return {
    variant,
    sizes,
    timing,
    compileMs: timing.compileMs,
    computeMs: computed - start,
    readBackMs: read - computed,
    flopsPerSecond: (1000 * flops) / timing.medianMs,
    bytesPerSecond: (1000 * bytes) / timing.medianMs,
    error: sampleError(product, operands, options.side, options.seed),
  };
}

/** The fastest of some results. */
export function fastestOf(results: readonly VariantResult[]): VariantResult | undefined {
  return [...results].sort((x, y) => x.timing.medianMs - y.timing.medianMs)[0];
}

/** A race: which product, which variants, how thoroughly. A matrix that a person brought sets its sizes. */
export interface Race extends ProductSizes, Omit<RaceOptions, 'maximumMs'> {
  readonly a: GivenMatrix | undefined;
  readonly b: GivenMatrix | undefined;
  readonly variants: readonly MatmulVariant[];
}

/** Where a race stands: before (`result` is missing) and after each variant at each size. */
export interface RaceStep {
  readonly operands: Operands;
  readonly variant: MatmulVariant;
  readonly result?: VariantResult;
  /** What was measured at this size so far. */
  readonly results: readonly VariantResult[];
  readonly step: number;
  readonly steps: number;
}

/**
 * Times variants one after the other. A generated product is timed at an eighth, a quarter and a half of its size as well,
 * if that leaves at least 16. Returns all results, the largest size last.
 */
export async function* raceProduct(device: Device, race: Race): AsyncGenerator<RaceStep, readonly VariantResult[]> {
  const { a, b, seed, variants } = race;
  const isGrowing = a === undefined && b === undefined && Math.min(race.m, race.n, race.k) >= 128;
  const divisors = isGrowing ? [8, 4, 2, 1] : [1];
  const steps = divisors.length * variants.length;
  const all: VariantResult[] = [];
  for (const divisor of divisors) {
    using scope = device.scope();
    const part = (size: number): number => Math.ceil(size / divisor);
    const k = a?.columns ?? b?.rows ?? part(race.k);
    const left = a === undefined ? await randomMatrix(device, part(race.m), k, seed, 0) : hostMatrix(a);
    const right = b === undefined ? await randomMatrix(device, k, part(race.n), seed, 1) : hostMatrix(b);
    const operands = await upload(device, left, right);
    const effort = divisor === 1 ? { ...race, maximumMs: 2000 } : { ...race, samples: 3, maximumMs: 200 };
    const results: VariantResult[] = [];
    for (const variant of variants) {
      yield { operands, variant, results, step: all.length, steps };
      const measured = await raceVariant(operands, variant, effort);
      const compileMs = Math.max(
        measured.compileMs,
        ...all.filter((earlier) => earlier.variant === variant).map((earlier) => earlier.compileMs),
      );
      const result = { ...measured, compileMs };
      results.push(result);
      all.push(result);
      yield { operands, variant, result, results, step: all.length, steps };
    }
    const fastest = fastestOf(results);
    if (fastest !== undefined) rememberVariant(device, fastest.sizes, fastest.variant);
  }
  return all;
}
