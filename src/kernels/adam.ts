/** Adam (Kingma and Ba 2015): one step of all parameters in one dispatch; the moments stay on the device. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';

/** What a step needs to know. */
export interface AdamOptions {
  readonly learningRate: number;
  /** Counted from 1: what the moments' bias is corrected by. */
  readonly step: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Keeps the division finite. Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Moves `parameters` against `gradient`, both of one size, and updates `moments`, `[size, 2]`: first and second moment side by
 * side, zeros before the first step. Both are changed in place.
 */
export const adamStep = defineKernel({
  name: 'adamStep',
  summary: 'One step of Adam, in place: parameters and their two moments [size, 2] from a gradient.',
  shaders: ['optimize/adam'],
  cost: (parameters: Tensor, gradient: Tensor, moments: Tensor, options: AdamOptions) => {
    if (gradient.size !== parameters.size || moments.size !== 2 * parameters.size)
      throw new InvalidInputError('Adam needs a gradient and two moments for each parameter.', { field: 'gradient' });
    if (!(Number.isInteger(options.step) && options.step >= 1))
      throw new InvalidInputError('Steps are counted from 1.', { field: 'step' });
    return { flops: 14 * parameters.size, bytes: 28 * parameters.size };
  },
  webgpu(gpu, parameters, gradient, moments, { learningRate, step, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }): void {
    gpu.dispatch({
      shader: 'optimize/adam',
      uniforms: {
        size: u32(parameters.size),
        rate: f32(learningRate),
        beta1: f32(beta1),
        beta2: f32(beta2),
        epsilon: f32(epsilon),
        correction1: f32(1 / (1 - beta1 ** step)),
        correction2: f32(1 / (1 - beta2 ** step)),
      },
      reads: [gradient],
      writes: [parameters, moments],
      workgroups: [Math.ceil(parameters.size / 64)],
    });
  },
  reference(
    _cpu,
    parameters,
    gradient,
    moments,
    { learningRate, step, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 },
  ): void {
    gradient.data.forEach((slope, i) => {
      const first = beta1 * (moments.data[2 * i] ?? 0) + (1 - beta1) * slope;
      const second = beta2 * (moments.data[2 * i + 1] ?? 0) + (1 - beta2) * slope * slope;
      moments.data[2 * i] = first;
      moments.data[2 * i + 1] = second;
      const root = Math.sqrt(second / (1 - beta2 ** step));
      parameters.data[i] = (parameters.data[i] ?? 0) - (learningRate * first) / (1 - beta1 ** step) / (root + epsilon);
    });
  },
});
