/** Kernels of entropic barycenters on a grid: separable Gaussian sums in the log domain, and the step over all plans. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import { requireLength } from './pairs';

/** Along which axis sums run. */
export type GridAxis = 'rows' | 'columns';

/** The grid that histograms live on, where their tensor does not say. */
export interface GridSize {
  readonly height: number;
  readonly width: number;
}

/**
 * Gaussian sums along one axis of histograms on a grid, in the log domain: with i the place along the axis,
 * `log sum_j exp(x_j - sharpness (i - j)^2)`. `[count, height, width]` stays as it is; `rows` sums within each row.
 * One axis after the other sums with the kernel of the squared Euclidean cost, without its matrix. Given `grid`, x may also
 * be a matrix with one histogram in each row, `[count, height * width]`.
 */
export const logGaussianSums = defineKernel({
  name: 'logGaussianSums',
  summary: 'Gaussian sums along one axis of a stack of images, in the log domain: [count, height, width].',
  shaders: ['transport/gaussian_sums'],
  cost: (x: Tensor, axis: GridAxis, _sharpness: number, grid?: GridSize) => ({
    flops: 25 * x.size * gridShape(x, grid)[axis === 'rows' ? 2 : 1],
    bytes: 8 * x.size,
  }),
  webgpu(gpu, x, axis, sharpness, grid): Tensor {
    const [, height, width] = gridShape(x, grid);
    const out = gpu.empty(x.shape);
    gpu.dispatch({
      shader: 'transport/gaussian_sums',
      uniforms: {
        size: u32(x.size),
        length: u32(axis === 'rows' ? width : height),
        stride: u32(axis === 'rows' ? 1 : width),
        sharpness: f32(sharpness),
      },
      reads: [x],
      writes: [out],
      workgroups: [Math.ceil(x.size / 64)],
    });
    return out;
  },
  reference(cpu, x, axis, sharpness, grid) {
    const [, height, width] = gridShape(x, grid);
    const [length, stride] = axis === 'rows' ? [width, 1] : [height, width];
    const out = cpu.empty(x.shape);
    const exponents = new Float64Array(length);
    for (let i = 0; i < x.size; i++) {
      const place = Math.floor(i / stride) % length;
      const start = i - place * stride;
      for (let j = 0; j < length; j++) exponents[j] = (x.data[start + j * stride] ?? 0) - sharpness * (place - j) ** 2;
      const maximum = exponents.reduce((most, value) => Math.max(most, value), -Infinity);
      out.data[i] = maximum + Math.log(exponents.reduce((sum, value) => sum + Math.exp(value - maximum), 0));
    }
    return out;
  },
});

/** What a barycenter's step takes and gives. */
export interface BarycenterTensors<T extends Tensor = Tensor> {
  /** The log-sums of all plans towards the barycenter, without their potentials there: `[count, size]` in all. */
  readonly logSums: T;
  /** Weights of the plans, `[count]`, summing to one. */
  readonly weights: T;
  /** Added to the logarithm of the barycenter: 0 for the entropic one. `[size]` */
  readonly prior: T;
  /** The potentials over epsilon on the barycenter's side, `[count, size]` in all. Written. */
  readonly potentials: T;
  /** The logarithm of the barycenter, `[size]`. Written. */
  readonly barycenter: T;
}

/** One step of iterative Bregman projections (Benamou, Carlier, Cuturi, Nenna and Peyre 2015) for all plans. Returns the log-barycenter. */
export const barycenterStep = defineKernel({
  name: 'barycenterStep',
  summary: 'The weighted mean of the plans’ log-sums, and the potentials that give every plan this marginal.',
  shaders: ['transport/barycenter_step'],
  cost: ({ logSums }: BarycenterTensors) => ({ flops: 3 * logSums.size, bytes: 12 * logSums.size }),
  webgpu(gpu, tensors): Tensor {
    const { logSums, weights, prior, potentials, barycenter } = tensors;
    const [count, size] = stackShape(tensors);
    gpu.dispatch({
      shader: 'transport/barycenter_step',
      uniforms: { size: u32(size), count: u32(count) },
      reads: [logSums, weights, prior],
      writes: [potentials, barycenter],
      workgroups: [Math.ceil(size / 64)],
    });
    return barycenter;
  },
  reference(_cpu, tensors) {
    const { logSums, weights, prior, potentials, barycenter } = tensors;
    const [count, size] = stackShape(tensors);
    for (let i = 0; i < size; i++) {
      let mean = prior.data[i] ?? 0;
      for (let k = 0; k < count; k++) mean += (weights.data[k] ?? 0) * (logSums.data[k * size + i] ?? 0);
      for (let k = 0; k < count; k++) potentials.data[k * size + i] = mean - (logSums.data[k * size + i] ?? 0);
      barycenter.data[i] = mean;
    }
    return barycenter;
  },
});

function gridShape(x: Tensor, grid?: GridSize): [count: number, height: number, width: number] {
  const isMatrix = grid !== undefined && x.shape.length === 2 && x.shape[1] === grid.height * grid.width;
  const shape = isMatrix ? [x.shape[0], grid.height, grid.width] : x.shape;
  const [count, height, width] = shape;
  if (shape.length !== 3 || count === undefined || height === undefined || width === undefined) {
    throw new InvalidInputError(`A stack of histograms must be [count, height, width], not [${x.shape.join(', ')}].`, {
      field: 'x',
    });
  }
  return [count, height, width];
}

function stackShape({ logSums, weights, prior, potentials, barycenter }: BarycenterTensors): [number, number] {
  const [count, size] = [weights.size, barycenter.size];
  requireLength(logSums, count * size, 'logSums');
  requireLength(potentials, count * size, 'potentials');
  requireLength(prior, size, 'prior');
  return [count, size];
}
