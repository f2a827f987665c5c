/** What Fourier transforms are recorded as: passes of large radix, the step between real and complex, products, chirps. */
import { f32, u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { isSerial } from './serial';

/** How much of a transform a workgroup takes. */
interface PassSizes {
  /** log2 of the longest transform that one workgroup holds. */
  readonly wholeBits: number;
  /** log2 of the longest ones that longer transforms are made of. */
  readonly partBits: number;
}

/** All 16 KiB of workgroup memory, and 64 bytes side by side. */
const wide: PassSizes = { wholeBits: 11, partBits: 8 };
/** What an invocation holds by itself, and how many of them are a workgroup. */
const alone: PassSizes = { wholeBits: 3, partBits: 3 };
const aloneTogether = 128;

const passSizes = (gpu: WebGpuDevice): PassSizes => (isSerial(gpu) ? alone : wide);

interface Passes {
  readonly x: GpuTensor;
  readonly out: GpuTensor;
  readonly batch: number;
  readonly bits: number;
  readonly inverse: boolean;
  readonly scale: number;
  /** Real numbers in a row of x where zeros are to be put behind it. */
  readonly padded?: number;
  /** Real numbers in a row of `out` where it holds only the first ones. */
  readonly cropped?: number;
}

/** Records the passes of transforms of 2^bits complex numbers; temporaries belong to the open scope. */
export function recordPasses(
  gpu: WebGpuDevice,
  { x, out, batch, bits, inverse, scale, padded, cropped }: Passes,
): void {
  const sizes = passSizes(gpu);
  const parts = radixBits(bits, sizes);
  let source = x;
  let done = 0;
  parts.forEach((radix, pass) => {
    const isLast = pass === parts.length - 1;
    const target = isLast ? out : gpu.empty([batch, 2 ** bits, 2]);
    const transforms = batch * 2 ** (bits - radix);
    // Only transforms of one number or two have a smaller radix.
    const serial = sizes === alone && radix > 1;
    const most = serial ? aloneTogether : 2 ** (sizes.wholeBits - radix);
    const fewest = serial ? 1 : 2 ** Math.max(0, 3 - radix);
    const together = Math.max(fewest, Math.min(most, 2 ** Math.ceil(Math.log2(transforms))));
    const isPadded = pass === 0 && padded !== undefined && padded !== 2 ** (bits + 1);
    const isCropped = isLast && cropped !== undefined && cropped !== 2 ** (bits + 1);
    gpu.dispatch({
      shader: 'fourier/pass',
      conditions: {
        inverse,
        padded: isPadded,
        cropped: isCropped,
        strided: parts.length > 1,
        serial,
        by_2: radix % 3 === 1,
        by_4: radix % 3 === 2,
      },
      constants: {
        RADIX_BITS: radix,
        TRANSFORMS: together,
        INVOCATIONS: serial ? together : (together * 2 ** radix) / 8,
      },
      uniforms: {
        transforms: u32(transforms),
        bits: u32(bits),
        done: u32(done),
        scale: f32(isLast ? scale : 1),
        row: u32((isPadded ? padded : isCropped ? cropped : undefined) ?? 0),
      },
      reads: [source],
      writes: [target],
      workgroups: [Math.ceil(transforms / together)],
      share: 1 / parts.length,
    });
    source = target;
    done += radix;
  });
}

/** How a transform is made of smaller ones: one that fits a workgroup, or as few as possible of about the same size. */
function radixBits(bits: number, { wholeBits, partBits }: PassSizes): readonly number[] {
  if (bits <= wholeBits) return [bits];
  const count = Math.ceil(bits / partBits);
  return Array.from({ length: count }, (_, k) => Math.floor((bits + k) / count));
}

export function recordReal(
  gpu: WebGpuDevice,
  x: GpuTensor,
  out: GpuTensor,
  rows: number,
  bits: number,
  inverse: boolean,
): void {
  gpu.dispatch({
    shader: 'fourier/real',
    conditions: { inverse },
    uniforms: { rows: u32(rows), bits: u32(bits) },
    reads: [x],
    writes: [out],
    workgroups: [Math.ceil((2 ** (bits - 1) + (inverse ? 0 : 1)) / 64), Math.ceil(rows / 4)],
    share: 0.3,
  });
}

export function recordProduct(
  gpu: WebGpuDevice,
  x: GpuTensor,
  y: GpuTensor,
  out: GpuTensor,
  conjugate: boolean,
  scale: number,
): void {
  gpu.dispatch({
    shader: 'fourier/multiply',
    conditions: { conjugate },
    uniforms: { size: u32(x.size / 2), period: u32(y.size / 2), scale: f32(scale) },
    reads: [x, y],
    writes: [out],
    workgroups: [Math.ceil(x.size / 512)],
    share: 0.1,
  });
}

/**
 * k t = (k^2 + t^2 - (k - t)^2) / 2: a transform of any length is a product with a chirp, a convolution with its conjugate,
 * and a product again. The chirp comes from the host, in float64 and with k^2 taken modulo 2 n in integers.
 */
export function recordChirp(gpu: WebGpuDevice, x: GpuTensor, batch: number, n: number, inverse: boolean): GpuTensor {
  const bits = bitsFor(2 * n - 1);
  const size = 2 ** bits;
  const chirp = new Float64Array(2 * n);
  const filter = new Float64Array(2 * size);
  for (let k = 0, square = 0; k < n; k++) {
    const angle = (Math.PI * square) / n;
    chirp.set([Math.cos(angle), (inverse ? 1 : -1) * Math.sin(angle)], 2 * k);
    const conjugate = [Math.cos(angle), (inverse ? -1 : 1) * Math.sin(angle)];
    filter.set(conjugate, 2 * k);
    if (k > 0) filter.set(conjugate, 2 * (size - k));
    square = (square + 2 * k + 1) % (2 * n);
  }
  const [factors, spectrum] = [gpu.tensor(chirp, [n, 2]), gpu.empty([size, 2])];
  const common = { bits, inverse: false, scale: 1 };
  recordPasses(gpu, { ...common, x: gpu.tensor(filter, [size, 2]), out: spectrum, batch: 1 });
  const [product, transformed, filtered] = [
    gpu.empty(x.shape),
    gpu.empty([batch, size, 2]),
    gpu.empty([batch, size, 2]),
  ];
  recordProduct(gpu, x, factors, product, false, 1);
  recordPasses(gpu, { ...common, x: product, out: transformed, batch, padded: 2 * n });
  recordProduct(gpu, transformed, spectrum, filtered, false, 1);
  const back = gpu.empty(x.shape);
  recordPasses(gpu, { x: filtered, out: back, batch, bits, inverse: true, scale: 1 / size, cropped: 2 * n });
  const out = gpu.empty(x.shape);
  recordProduct(gpu, back, factors, out, false, inverse ? 1 / n : 1);
  return out;
}

export const isPowerOfTwo = (n: number): boolean => Number.isInteger(Math.log2(n));
export const bitsFor = (n: number): number => Math.ceil(Math.log2(n));

export function passCost(batch: number, bits: number): { readonly flops: number; readonly bytes: number } {
  const points = batch * 2 ** bits;
  return { flops: 5 * points * Math.max(1, bits), bytes: 16 * points * radixBits(bits, wide).length };
}
