/** The matrix product C = A B with either operand transposed, in variants from the textbook's to the fastest. */
import { InvalidInputError } from '../device/errors';
import type { Device } from '../device/device';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { measure, type MeasureOptions, type Measurement } from '../device/timing';
import { u32 } from '../device/uniforms';
import { WebGpuDevice, type GpuTensor } from '../device/webgpu-device';

/**
 * How the product is computed; every variant needs nothing beyond WebGPU's default limits.
 * - `naive`: one output per invocation, operands straight from storage.
 * - `tiled`: one output per invocation, 16 x 16 tiles of A and B in workgroup memory.
 * - `register`: 4 x 4 outputs per invocation in registers, scalar loads, no workgroup memory.
 * - `vec4`: 8 x 8 outputs per invocation in registers, vec4 loads, no workgroup memory.
 * - `wide`: 16 x 16 outputs per invocation, vec4 loads: for adapters that run on a CPU.
 */
export const matmulVariants = ['naive', 'tiled', 'register', 'vec4', 'wide'] as const;
export type MatmulVariant = (typeof matmulVariants)[number];

/** Options of `matmul`. */
export interface MatmulOptions {
  /** A is given as its transpose, [k, m]. Default false. */
  readonly transposeA?: boolean;
  /** B is given as its transpose, [n, k]. Default false. */
  readonly transposeB?: boolean;
  /** `auto` (the default) takes what `tuneMatmul` measured to be fastest for such sizes, or else a fair guess. */
  readonly variant?: MatmulVariant | 'auto';
  /** Where to put the result, [m, n]; a new tensor unless given. It must not be A or B. */
  readonly out?: Tensor;
}

/** The sizes of a product: C is m x n, and k terms are added up for each element. */
export interface ProductSizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** The sizes of `matmul(a, b, options)`. Throws `InvalidInputError` if the shapes do not agree. */
export function productSizes(a: Tensor, b: Tensor, options: MatmulOptions = {}): ProductSizes {
  const [aRows, aColumns] = matrixShape(a, 'a');
  const [bRows, bColumns] = matrixShape(b, 'b');
  const { transposeA = false, transposeB = false, out } = options;
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  if (k !== inner) {
    throw new InvalidInputError(
      `A matrix of ${String(m)} x ${String(k)} cannot be multiplied by one of ${String(inner)} x ${String(n)}: the columns of the first must be as many as the rows of the second.`,
      { field: 'b', columns: k, rows: inner },
    );
  }
  if (out !== undefined) {
    const [rows, columns] = matrixShape(out, 'out');
    if (rows !== m || columns !== n) {
      throw new InvalidInputError(
        `The product is ${String(m)} x ${String(n)}, but out is ${String(rows)} x ${String(columns)}.`,
        { field: 'out' },
      );
    }
    if (out === a || out === b)
      throw new InvalidInputError('The product cannot be written over its own operands: give another out.', {
        field: 'out',
      });
  }
  return { m, n, k };
}

/** C = A B (Dongarra, Du Croz, Hammarling, Duff 1990): a [m, k], b [k, n] -> [m, n]. */
export const matmul = defineKernel({
  name: 'matmul',
  summary: 'Matrix product: [m, k] times [k, n] is [m, n]; either operand may be given transposed.',
  shaders: [
    'matrix/matmul_naive',
    'matrix/matmul_tiled',
    'matrix/matmul_register',
    'matrix/matmul_vec4',
    'matrix/matmul_wide',
    'matrix/pack',
  ],
  cost: (a: Tensor, b: Tensor, options: MatmulOptions = {}) => {
    const { m, n, k } = productSizes(a, b, options);
    return { flops: 2 * m * n * k, bytes: 4 * (m * k + k * n + m * n) };
  },
  webgpu(gpu, a, b, options = {}): Tensor {
    const sizes = productSizes(a, b, options);
    const { transposeA = false, transposeB = false, variant = 'auto' } = options;
    const out = options.out ?? gpu.empty([sizes.m, sizes.n]);
    const product: Product = { a, b, out, transposeA, transposeB, ...sizes };
    const chosen = variant === 'auto' ? chooseVariant(gpu, sizes) : variant;
    if (chosen === 'vec4' || chosen === 'wide') recordVectorised(gpu, product, chosen);
    else recordScalar(gpu, product, chosen);
    return out;
  },
  reference(cpu, a, b, options = {}): Tensor {
    const { m, n, k } = productSizes(a, b, options);
    const { transposeA = false, transposeB = false } = options;
    const out = options.out ?? cpu.empty([m, n]);
    out.data.fill(0);
    for (let i = 0; i < m; i++) {
      for (let l = 0; l < k; l++) {
        const left = a.data[transposeA ? l * m + i : i * k + l] ?? 0;
        for (let j = 0; j < n; j++) {
          out.data[i * n + j] = (out.data[i * n + j] ?? 0) + left * (b.data[transposeB ? j * k + l : l * n + j] ?? 0);
        }
      }
    }
    return out;
  },
});

interface Product extends ProductSizes {
  readonly a: GpuTensor;
  readonly b: GpuTensor;
  readonly out: GpuTensor;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** One entry for all sizes between two powers of four, so that a loop over similar shapes is measured once. */
function tuningKey({ m, n, k }: ProductSizes): string {
  return `matmul ${[m, n, k].map((size) => String(Math.round(Math.log2(size) / 2))).join(' ')}`;
}

/** What was measured, or a guess: thin products starve register tiles; a CPU adapter wants the largest tile. */
function chooseVariant(gpu: WebGpuDevice, sizes: ProductSizes): MatmulVariant {
  const measured = matmulVariants.find((variant) => variant === gpu.tuning.get(tuningKey(sizes)));
  if (measured !== undefined) return measured;
  const thinnest = Math.min(sizes.m, sizes.n);
  if (thinnest < 8) return 'naive';
  if (thinnest < 32) return 'register';
  return gpu.info.isFallback && thinnest >= 64 ? 'wide' : 'vec4';
}

/** Makes `auto` take a variant for such sizes on this adapter; nothing on the reference device. */
export function rememberVariant(device: Device, sizes: ProductSizes, variant: MatmulVariant): void {
  if (device instanceof WebGpuDevice) device.tuning.set(tuningKey(sizes), variant);
}

/**
 * Measures variants of this product on its device and remembers the fastest, which `auto` takes from then on for such sizes.
 * Returns the measurements; on the reference device there is one kind of product, measured once as `naive`.
 */
export async function tuneMatmul(
  a: Tensor,
  b: Tensor,
  options: MatmulOptions & MeasureOptions & { readonly variants?: readonly MatmulVariant[] } = {},
): Promise<ReadonlyMap<MatmulVariant, Measurement>> {
  const sizes = productSizes(a, b, options);
  const device: Device = a.device;
  using scope = device.scope();
  const out = options.out ?? device.empty([sizes.m, sizes.n]);
  const measured = new Map<MatmulVariant, Measurement>();
  for (const variant of device.kind === 'reference' ? (['naive'] as const) : (options.variants ?? matmulVariants)) {
    measured.set(variant, await measure(device, () => void matmul(a, b, { ...options, variant, out }), options));
  }
  const [fastest] = [...measured].sort(([, x], [, y]) => x.medianMs - y.medianMs);
  if (fastest !== undefined) rememberVariant(device, sizes, fastest[0]);
  return measured;
}

/** Variants that address single elements: any strides, so nothing has to be copied. */
function recordScalar(gpu: WebGpuDevice, product: Product, variant: 'naive' | 'tiled' | 'register'): void {
  const { a, b, out, m, n, k, transposeA, transposeB } = product;
  const [width, height] = variant === 'naive' ? naiveWorkgroup(n) : variant === 'tiled' ? [16, 16] : [32, 32];
  gpu.dispatch({
    shader: `matrix/matmul_${variant}`,
    constants: variant === 'naive' ? { WIDTH: width, HEIGHT: height } : {},
    uniforms: {
      m: u32(m),
      n: u32(n),
      k: u32(k),
      aRow: u32(transposeA ? 1 : k),
      aColumn: u32(transposeA ? m : 1),
      bRow: u32(transposeB ? 1 : n),
      bColumn: u32(transposeB ? k : 1),
    },
    reads: [a, b],
    writes: [out],
    workgroups: [Math.ceil(n / width), Math.ceil(m / height)],
  });
}

/** 256 invocations, no wider than the product where that is thin. */
function naiveWorkgroup(n: number): [width: number, height: number] {
  const width = Math.min(16, 2 ** Math.ceil(Math.log2(n)));
  return [width, 256 / width];
}

/** Variants that load vec4s: operands whose rows do not divide into vec4s are packed into ones that do (Goto's packing). */
function recordVectorised(gpu: WebGpuDevice, product: Product, variant: 'vec4' | 'wide'): void {
  const { a, b, out, m, n, k, transposeA, transposeB } = product;
  using scope = gpu.scope();
  const paddedK = roundUp(k);
  const fitsA = k === paddedK && (!transposeA || m % 4 === 0);
  const fitsB = k === paddedK && (transposeB || n % 4 === 0);
  const left = fitsA
    ? a
    : pack(gpu, a, { rows: m, columns: k, isTransposed: transposeA, packedRows: m, packedColumns: paddedK });
  const right = fitsB
    ? b
    : pack(gpu, b, { rows: k, columns: n, isTransposed: transposeB, packedRows: paddedK, packedColumns: roundUp(n) });
  const isLeftTransposed = fitsA && transposeA;
  const isRightTransposed = fitsB && transposeB;
  gpu.dispatch({
    shader: `matrix/matmul_${variant}`,
    conditions: { transposeA: isLeftTransposed, transposeB: isRightTransposed },
    uniforms: {
      m: u32(m),
      n: u32(n),
      k: u32(paddedK),
      aQuads: u32((isLeftTransposed ? m : paddedK) / 4),
      bQuads: u32((isRightTransposed ? paddedK : roundUp(n)) / 4),
    },
    reads: [left, right],
    writes: [out],
    workgroups: [Math.ceil(n / 64), Math.ceil(m / 64)],
  });
}

const roundUp = (size: number): number => 4 * Math.ceil(size / 4);

interface Packing {
  readonly rows: number;
  readonly columns: number;
  readonly isTransposed: boolean;
  readonly packedRows: number;
  readonly packedColumns: number;
}

function pack(gpu: WebGpuDevice, x: GpuTensor, packing: Packing): GpuTensor {
  const { rows, columns, isTransposed, packedRows, packedColumns } = packing;
  const packed = gpu.empty([packedRows, packedColumns]);
  gpu.dispatch({
    shader: 'matrix/pack',
    uniforms: {
      rows: u32(rows),
      columns: u32(columns),
      rowStride: u32(isTransposed ? 1 : columns),
      columnStride: u32(isTransposed ? rows : 1),
      packedRows: u32(packedRows),
      packedColumns: u32(packedColumns),
    },
    reads: [x],
    writes: [packed],
    workgroups: [Math.ceil(packedColumns / 16), Math.ceil(packedRows / 16)],
    share: 0.02,
  });
  return packed;
}
