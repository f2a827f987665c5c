/**
 * Discrete Fourier transforms of complex and of real numbers. Complex numbers lie side by side, real part first, in a last
 * axis of 2. Conventions as in NumPy: X_k = sum_t x_t exp(-2 pi i k t / n), and 1 / n with the inverse.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import {
  bitsFor,
  isPowerOfTwo,
  passCost,
  recordChirp,
  recordPasses,
  recordProduct,
  recordReal,
} from './fourier-passes';
import { discreteTransform } from './fourier-reference';

/** Options of `fft`. */
export interface FourierOptions {
  /** The inverse transform, with its factor 1 / n. Default false. */
  readonly inverse?: boolean;
}

/** The longest transform: its complex numbers fill the 128 MiB that WebGPU binds by default. */
const mostBits = 24;

/**
 * The discrete Fourier transform of each row: `[n, 2]` or `[batch, n, 2]`, in the same shape. Powers of two up to 2^24 by
 * Stockham passes with radix 8 in workgroup memory; any other n as a convolution of powers of two (Bluestein 1970), at about
 * six times the work, up to 2^23. Roots of unity are good to about an ULP: the relative error grows with log2(n).
 * Throws `InvalidInputError` for other shapes and longer rows.
 */
export const fft = defineKernel({
  name: 'fft',
  summary: 'The discrete Fourier transform of each row of complex numbers: [batch, n, 2] stays [batch, n, 2].',
  shaders: ['fourier/pass', 'fourier/multiply'],
  cost(x: Tensor, _options: FourierOptions = {}) {
    const { batch, n } = complexShape(x);
    const bits = bitsFor(n);
    return isPowerOfTwo(n) ? passCost(batch, bits) : scaled(passCost(batch, bits + 1), 2, 5 * x.size);
  },
  webgpu(gpu, x, { inverse = false } = {}): Tensor {
    const { batch, n } = complexShape(x);
    using scope = gpu.scope();
    const scale = inverse ? 1 / n : 1;
    if (!isPowerOfTwo(n)) return scope.keep(recordChirp(gpu, x, batch, n, inverse));
    const out = scope.keep(gpu.empty(x.shape));
    recordPasses(gpu, { x, out, batch, bits: bitsFor(n), inverse, scale });
    return out;
  },
  reference(cpu, x, { inverse = false } = {}): Tensor {
    const { batch, n } = complexShape(x);
    const out = cpu.empty(x.shape);
    for (let row = 0; row < batch; row++) {
      const values = Float64Array.from(x.data.subarray(2 * row * n, 2 * (row + 1) * n));
      const transformed = discreteTransform(values, inverse ? 1 : -1);
      out.data.set(inverse ? transformed.map((value) => value / n) : transformed, 2 * row * n);
    }
    return out;
  },
});

/** Options of `realFft`. */
export interface RealFourierOptions {
  /** Numbers of a row after zeros were put behind it: a power of two from 2 on. Default: as long as it is. */
  readonly length?: number;
}

/**
 * The first n / 2 + 1 values of the Fourier transform of each row of real numbers, `[n]` or `[batch, n]`: `[n / 2 + 1, 2]` or
 * `[batch, n / 2 + 1, 2]`; the others are their conjugates. n, or `length`, is a power of two from 2 to 2^24. Throws
 * `InvalidInputError` for others, naming the next one.
 */
export const realFft = defineKernel({
  name: 'realFft',
  summary:
    'The Fourier transform of rows of real numbers [batch, n]: its first n / 2 + 1 values, [batch, n / 2 + 1, 2].',
  shaders: ['fourier/real', 'fourier/pass'],
  cost(x: Tensor, options: RealFourierOptions = {}) {
    const { batch, bits } = realShape(x, options);
    const points = batch * 2 ** (bits - 1);
    return scaled(passCost(batch, bits - 1), 1, 12 * points, 16 * points);
  },
  webgpu(gpu, x, options = {}): Tensor {
    const { batch, n, bits } = realShape(x, options);
    using scope = gpu.scope();
    const half = 2 ** (bits - 1);
    const out = scope.keep(gpu.empty([...x.shape.slice(0, -1), half + 1, 2]));
    const pairs = gpu.empty([batch, half, 2]);
    recordPasses(gpu, { x, out: pairs, batch, bits: bits - 1, inverse: false, scale: 1, padded: n });
    recordReal(gpu, pairs, out, batch, bits, false);
    return out;
  },
  reference(cpu, x, options = {}): Tensor {
    const { batch, n, bits } = realShape(x, options);
    const count = 2 ** (bits - 1) + 1;
    const out = cpu.empty([...x.shape.slice(0, -1), count, 2]);
    for (let row = 0; row < batch; row++) {
      const values = new Float64Array(2 * 2 ** bits);
      for (let t = 0; t < n; t++) values[2 * t] = x.data[row * n + t] ?? 0;
      out.data.set(discreteTransform(values, -1).subarray(0, 2 * count), 2 * row * count);
    }
    return out;
  },
});

/** Options of `inverseRealFft`. */
export interface InverseRealFourierOptions {
  /** How many numbers of each row are wanted, from its beginning. Default: all n. */
  readonly keep?: number;
}

/**
 * The real numbers whose transform begins with the given n / 2 + 1 values: `[n / 2 + 1, 2]` or `[batch, n / 2 + 1, 2]` becomes
 * `[n]` or `[batch, n]`, n a power of two from 2 to 2^24. Imaginary parts of the first and the last value do not count. Throws
 * `InvalidInputError` for other shapes.
 */
export const inverseRealFft = defineKernel({
  name: 'inverseRealFft',
  summary: 'Rows of real numbers [batch, n] from the first n / 2 + 1 values of their Fourier transforms.',
  shaders: ['fourier/real', 'fourier/pass'],
  cost(x: Tensor, options: InverseRealFourierOptions = {}) {
    const { batch, bits } = spectrumShape(x, options);
    const points = batch * 2 ** (bits - 1);
    return scaled(passCost(batch, bits - 1), 1, 12 * points, 16 * points);
  },
  webgpu(gpu, x, options = {}): Tensor {
    const { batch, bits, keep } = spectrumShape(x, options);
    using scope = gpu.scope();
    const out = scope.keep(gpu.empty([...x.shape.slice(0, -2), keep]));
    const pairs = gpu.empty([batch, 2 ** (bits - 1), 2]);
    recordReal(gpu, x, pairs, batch, bits, true);
    recordPasses(gpu, { x: pairs, out, batch, bits: bits - 1, inverse: true, scale: 2 ** -bits, cropped: keep });
    return out;
  },
  reference(cpu, x, options = {}): Tensor {
    const { batch, bits, keep } = spectrumShape(x, options);
    const n = 2 ** bits;
    const out = cpu.empty([...x.shape.slice(0, -2), keep]);
    for (let row = 0; row < batch; row++) {
      const spectrum = x.data.subarray(row * (n + 2), (row + 1) * (n + 2));
      const values = new Float64Array(2 * n);
      for (let k = 0; k < n; k++) {
        const from = Math.min(k, n - k);
        const imaginary = from === 0 || from === n / 2 ? 0 : (spectrum[2 * from + 1] ?? 0);
        values.set([spectrum[2 * from] ?? 0, k < n / 2 ? imaginary : -imaginary], 2 * k);
      }
      const transformed = discreteTransform(values, 1);
      for (let t = 0; t < keep; t++) out.data[row * keep + t] = (transformed[2 * t] ?? 0) / n;
    }
    return out;
  },
});

/** Options of `multiplySpectra`. */
export interface SpectrumOptions {
  /** Takes the conjugates of y. Default false. */
  readonly conjugate?: boolean;
  /** Multiplies all of it. Default 1. */
  readonly scale?: number;
}

/** Products of complex numbers, element by element: x `[..., n, 2]` times y of the same shape, or of one row `[n, 2]` for all. */
export const multiplySpectra = defineKernel({
  name: 'multiplySpectra',
  summary: 'Products of complex numbers, element by element; y may be one row for all rows of x.',
  shaders: ['fourier/multiply'],
  cost(x: Tensor, y: Tensor, _options: SpectrumOptions = {}) {
    checkProduct(x, y);
    return { flops: 4 * x.size, bytes: 8 * x.size + 4 * y.size };
  },
  webgpu(gpu, x, y, { conjugate = false, scale = 1 } = {}): Tensor {
    const out = gpu.empty(x.shape);
    recordProduct(gpu, x, y, out, conjugate, scale);
    return out;
  },
  reference(cpu, x, y, { conjugate = false, scale = 1 } = {}): Tensor {
    checkProduct(x, y);
    const out = cpu.empty(x.shape);
    for (let at = 0; at < x.size; at += 2) {
      const [re = 0, im = 0] = x.data.subarray(at, at + 2);
      const [factorRe = 0, given = 0] = y.data.subarray(at % y.size, (at % y.size) + 2);
      const factorIm = conjugate ? -given : given;
      out.data.set([scale * (re * factorRe - im * factorIm), scale * (re * factorIm + im * factorRe)], at);
    }
    return out;
  },
});

function scaled(
  { flops, bytes }: { readonly flops: number; readonly bytes: number },
  times: number,
  moreFlops: number,
  moreBytes = 4 * moreFlops,
): { readonly flops: number; readonly bytes: number } {
  return { flops: times * flops + moreFlops, bytes: times * bytes + moreBytes };
}

function complexShape(x: Tensor): { readonly batch: number; readonly n: number } {
  const [batch = 1, n = 1, pair] = x.shape.length === 2 ? [1, ...x.shape] : x.shape;
  if (x.type !== 'f32' || pair !== 2 || x.shape.length > 3) {
    throw new InvalidInputError(
      `Complex numbers are f32 tensors of shape [n, 2] or [batch, n, 2], but this one is ${x.type} of shape [${x.shape.join(', ')}].`,
      { field: 'x' },
    );
  }
  const most = isPowerOfTwo(n) ? 2 ** mostBits : 2 ** (mostBits - 1);
  if (n > most) {
    throw new InvalidInputError(`A transform of ${String(n)} numbers is too long: give it at most ${String(most)}.`, {
      field: 'x',
    });
  }
  return { batch, n };
}

function realShape(x: Tensor, { length }: RealFourierOptions): { batch: number; n: number; bits: number } {
  const [batch = 1, n = 1] = x.shape.length === 1 ? [1, x.size] : x.shape;
  if (x.type !== 'f32' || x.shape.length > 2) {
    throw new InvalidInputError(
      `realFft takes f32 tensors of shape [n] or [batch, n], but this one is ${x.type} of shape [${x.shape.join(', ')}].`,
      { field: 'x' },
    );
  }
  const whole = length ?? n;
  const next = Math.max(2, 2 ** bitsFor(Math.max(whole, n)));
  if (whole !== next || next > 2 ** mostBits) {
    throw new InvalidInputError(
      `realFft works on powers of two from 2 to 2^24 that hold the row, and ${String(whole)} is none: give length ${String(next)} to put zeros behind the ${String(n)} numbers.`,
      { field: 'length', next },
    );
  }
  return { batch, n, bits: bitsFor(whole) };
}

function spectrumShape(x: Tensor, { keep }: InverseRealFourierOptions): { batch: number; bits: number; keep: number } {
  const { batch, n: values } = complexShape(x);
  const n = 2 * (values - 1);
  if (values < 2 || !isPowerOfTwo(n)) {
    throw new InvalidInputError(
      `A transform of real numbers has n / 2 + 1 values for a power of two n, but these are ${String(values)}.`,
      { field: 'x' },
    );
  }
  const kept = keep ?? n;
  if (!Number.isInteger(kept) || kept < 1 || kept > n) {
    throw new InvalidInputError(`keep must be an integer from 1 to ${String(n)}, but is ${String(kept)}.`, {
      field: 'keep',
    });
  }
  return { batch, bits: bitsFor(n), keep: kept };
}

function checkProduct(x: Tensor, y: Tensor): void {
  const { n } = complexShape(x);
  complexShape(y);
  if (y.shape.join() !== x.shape.join() && y.size !== 2 * n) {
    throw new InvalidInputError(
      `y has the shape [${y.shape.join(', ')}]: give it that of x, [${x.shape.join(', ')}], or one row of ${String(n)} complex numbers.`,
      { field: 'y' },
    );
  }
}
