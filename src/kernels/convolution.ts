/** Long causal convolutions by Fourier transforms. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { inverseRealFft, multiplySpectra, realFft } from './fourier';

/** Options of `convolve`. */
export interface ConvolveOptions {
  /** The transposed map, sum_s k_s x_(t + s), as gradients need it. Default false. */
  readonly adjoint?: boolean;
}

/**
 * The causal convolution y_t = sum_(s <= t) k_s x_(t - s) of each channel: x `[channels, length]`, kernel `[channels, taps]` or
 * one for all, `[taps]`; the result is `[channels, length]`. By Fourier transforms of the next power of two at or above
 * length + taps - 1, at most 2^24: O(n log n). Errors are relative to the largest values of a channel, not to each one.
 * Throws `InvalidInputError` for shapes that do not fit.
 */
export const convolve = defineKernel({
  name: 'convolve',
  summary: 'Causal convolution of each channel with its kernel: x [channels, length], kernel [channels, taps].',
  shaders: ['fourier/pass', 'fourier/real', 'fourier/multiply'],
  cost(x: Tensor, kernel: Tensor, _options: ConvolveOptions = {}) {
    const { channels, size } = convolutionShape(x, kernel);
    const points = channels * size;
    return { flops: 8 * points * Math.log2(size), bytes: 64 * points };
  },
  webgpu(gpu, x, kernel, { adjoint = false } = {}): Tensor {
    const { length, size } = convolutionShape(x, kernel);
    using scope = gpu.scope();
    const product = multiplySpectra(realFft(x, { length: size }), realFft(kernel, { length: size }), {
      conjugate: adjoint,
    });
    return scope.keep(inverseRealFft(product, { keep: length }));
  },
  reference(cpu, x, kernel, { adjoint = false } = {}): Tensor {
    const { channels, length, taps } = convolutionShape(x, kernel);
    const out = cpu.empty(x.shape);
    for (let channel = 0; channel < channels; channel++) {
      const start = kernel.shape.length === 1 ? 0 : channel * taps;
      for (let t = 0; t < length; t++) {
        let sum = 0;
        for (let s = 0; s < Math.min(taps, adjoint ? length - t : t + 1); s++) {
          sum += (kernel.data[start + s] ?? 0) * (x.data[channel * length + (adjoint ? t + s : t - s)] ?? 0);
        }
        out.data[channel * length + t] = sum;
      }
    }
    return out;
  },
});

interface ConvolutionShape {
  readonly channels: number;
  readonly length: number;
  readonly taps: number;
  /** Of the transforms. */
  readonly size: number;
}

function convolutionShape(x: Tensor, kernel: Tensor): ConvolutionShape {
  const [channels, length] = matrixShape(x, 'x');
  const [rows, taps] = kernel.shape.length === 1 ? [channels, kernel.size] : matrixShape(kernel, 'kernel');
  if (rows !== channels || x.type !== 'f32' || kernel.type !== 'f32') {
    throw new InvalidInputError(
      `The kernel, ${kernel.type} of shape [${kernel.shape.join(', ')}], does not fit x, ${x.type} of shape [${x.shape.join(', ')}]: give f32 tensors, and a row for each channel or one vector for all.`,
      { field: 'kernel' },
    );
  }
  const size = Math.max(2, 2 ** Math.ceil(Math.log2(length + taps - 1)));
  if (size > 2 ** 24) {
    throw new InvalidInputError(
      `length + taps - 1 is ${String(length + taps - 1)}, but transforms end at 2^24: cut x into shorter pieces.`,
      { field: 'x' },
    );
  }
  return { channels, length, taps, size };
}
