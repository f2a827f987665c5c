/** A step up the dual of a fit of histograms under entropic transport: the kernel that learns a dictionary. */
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import { requireLength } from './pairs';

/** What a step takes and changes; potentials are over epsilon. */
export interface HistogramAscentTensors<T extends Tensor = Tensor> {
  /** The logarithm of the plans' second marginals without the potentials there, `[count, places]` in all. */
  readonly logSums: T;
  /** What the second marginals should be. */
  readonly wanted: T;
  /** One over the step size of every place: no less than the curvature of the dual there. */
  readonly metric: T;
  /** The potentials at which the gradient is taken. Changed. */
  readonly potential: T;
  /** The potentials after the last step, before its momentum. Changed. */
  readonly previous: T;
  /** Nesterov's sequence of every histogram, `[count]`, ones at the start. Changed. */
  readonly momentum: T;
  /** How far the second marginals are from what they should be, in L1, `[count]`. Written. */
  readonly residual: T;
}

/**
 * One step of accelerated gradient ascent (Nesterov 1983) for each histogram, with a step size for each place; a histogram
 * whose step goes against its gradient starts its momentum anew (O'Donoghue and Candes 2015). Returns the residuals.
 */
export const histogramAscent = defineKernel({
  name: 'histogramAscent',
  summary: 'One accelerated step of the potentials of many histograms, [count, places], towards the wanted marginals.',
  shaders: ['transport/histogram_ascent'],
  cost: (tensors: HistogramAscentTensors) => {
    checkShapes(tensors);
    return { flops: 50 * tensors.potential.size, bytes: 28 * tensors.potential.size };
  },
  webgpu(gpu, tensors): Tensor {
    const [count, places] = checkShapes(tensors);
    const { logSums, wanted, metric, potential, previous, momentum, residual } = tensors;
    gpu.dispatch({
      shader: 'transport/histogram_ascent',
      uniforms: { places: u32(places) },
      reads: [logSums, wanted, metric],
      writes: [potential, previous, momentum, residual],
      workgroups: [count],
    });
    return residual;
  },
  reference(_cpu, tensors) {
    const [count, places] = checkShapes(tensors);
    const { logSums, wanted, metric, potential, previous, momentum, residual } = tensors;
    for (let histogram = 0; histogram < count; histogram++) {
      const steps = Array.from({ length: places }, (_, j) => {
        const at = histogram * places + j;
        const gradient = (wanted.data[at] ?? 0) - Math.exp((potential.data[at] ?? 0) + (logSums.data[at] ?? 0));
        const next = (potential.data[at] ?? 0) + gradient / (metric.data[at] ?? 1);
        return { at, gradient, next, step: next - (previous.data[at] ?? 0) };
      });
      const isForward = steps.reduce((sum, { gradient, step }) => sum + gradient * step, 0) >= 0;
      const before = isForward ? (momentum.data[histogram] ?? 1) : 1;
      const after = (1 + Math.sqrt(1 + 4 * before * before)) / 2;
      momentum.data[histogram] = after;
      residual.data[histogram] = steps.reduce((sum, { gradient }) => sum + Math.abs(gradient), 0);
      for (const { at, next, step } of steps) {
        potential.data[at] = next + ((before - 1) / after) * step;
        previous.data[at] = next;
      }
    }
    return residual;
  },
});

function checkShapes(tensors: HistogramAscentTensors): [count: number, places: number] {
  const { logSums, wanted, metric, potential, previous, momentum, residual } = tensors;
  const count = momentum.size;
  for (const [name, tensor] of Object.entries({ logSums, wanted, metric, previous }))
    requireLength(tensor, potential.size, name);
  requireLength(residual, count, 'residual');
  requireLength(potential, count * Math.floor(potential.size / count), 'potential');
  return [count, potential.size / count];
}
