/**
 * What this device can do at most, measured: how fast it copies and how fast it multiplies and adds. The roofline
 * (Williams, Waterman, Patterson 2009) is the lower of the two for a given kernel.
 */
import { InvalidInputError } from '../device/errors';
import type { Cost, Device } from '../device/device';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { measure } from '../device/timing';
import { f32, u32 } from '../device/uniforms';
import { WebGpuDevice } from '../device/webgpu-device';

/** What was measured on one adapter. */
export interface Roofline {
  /** Bytes read and bytes written, together, per second of a plain copy. */
  readonly copyBytesPerSecond: number;
  /** Multiplications and additions per second in independent chains. */
  readonly flopsPerSecond: number;
}

/** Copies x into out, which has as many elements (a multiple of 4), in steps of 16 bytes. */
export const copy = defineKernel({
  name: 'copy',
  summary: 'Copies a tensor in steps of 16 bytes: what memory can deliver.',
  shaders: ['elementwise/copy'],
  cost: (x: Tensor, out: Tensor) => {
    if (x.size % 4 !== 0 || out.size !== x.size || out === x) {
      throw new InvalidInputError('copy needs two tensors of the same number of elements, a multiple of 4.');
    }
    return { flops: 0, bytes: 8 * x.size };
  },
  webgpu(gpu, x, out): Tensor {
    gpu.dispatch({
      shader: 'elementwise/copy',
      uniforms: { quads: u32(x.size / 4) },
      reads: [x],
      writes: [out],
      workgroups: [Math.ceil(x.size / 1024)],
    });
    return out;
  },
  reference(_, x, out): Tensor {
    out.data.set(x.data);
    return out;
  },
});

/** How much arithmetic `multiplyAddChains` does. */
export interface ChainOptions {
  /** A multiple of 64. */
  readonly invocations: number;
  readonly iterations: number;
}

const chains = 8;
const width = 4;
const factor = 0.75;
const addend = 0.5;

/** Runs eight independent chains of four-wide v = v * 0.75 + 0.5 in each invocation and returns their sums: [invocations]. */
export const multiplyAddChains = defineKernel({
  name: 'multiplyAddChains',
  summary: 'Independent chains of multiply-adds in registers: what arithmetic can deliver.',
  shaders: ['elementwise/multiply_add_chains'],
  cost: (_device: Device, { invocations, iterations }: ChainOptions) => {
    if (invocations % 64 !== 0)
      throw new InvalidInputError('multiplyAddChains needs a multiple of 64 invocations.', { field: 'invocations' });
    return { flops: 2 * chains * width * invocations * iterations, bytes: 4 * invocations };
  },
  webgpu(gpu, _, { invocations, iterations }): Tensor {
    const out = gpu.empty([invocations]);
    gpu.dispatch({
      shader: 'elementwise/multiply_add_chains',
      uniforms: { iterations: u32(iterations), factor: f32(factor), addend: f32(addend) },
      reads: [],
      writes: [out],
      workgroups: [invocations / 64],
    });
    return out;
  },
  reference(cpu, _, { invocations, iterations }): Tensor {
    const out = cpu.empty([invocations]);
    for (let i = 0; i < invocations; i++) {
      const values = Float64Array.from({ length: chains * width }, (_unused, index) => (i % 64) + index);
      for (let step = 0; step < iterations; step++) {
        for (let index = 0; index < values.length; index++) values[index] = (values[index] ?? 0) * factor + addend;
      }
      out.data[i] = values.reduce((sum, value) => sum + value, 0);
    }
    return out;
  },
});

const tuningKey = 'roofline';

/** Measures the roofline of a device; on WebGPU once per adapter, remembered on the device context. About half a second. */
export async function measureRoofline(device: Device): Promise<Roofline> {
  const known = device instanceof WebGpuDevice ? device.tuning.get(tuningKey) : undefined;
  if (known !== undefined) return JSON.parse(known) as Roofline;
  using scope = device.scope();
  const isSmall = device.info.isFallback;
  // Past every cache on a GPU; on a CPU, what a laptop does in some milliseconds.
  const elements = isSmall ? 2 ** 20 : 2 ** 24;
  const from = device.full([elements], 0);
  const to = device.empty([elements]);
  const work: ChainOptions =
    device.kind === 'reference'
      ? { invocations: 64, iterations: 512 }
      : isSmall
        ? { invocations: 4096, iterations: 512 }
        : { invocations: 2 ** 18, iterations: 2048 };
  const options = { samples: 5, maximumMs: 500 };
  const copied = await measure(device, () => void copy(from, to), options);
  const computed = await measure(device, () => void multiplyAddChains(device, work), options);
  const perSecond = (amount: number, milliseconds: number): number => (1000 * amount) / milliseconds;
  const roofline: Roofline = {
    copyBytesPerSecond: perSecond(copy.definition.cost(from, to).bytes, copied.medianMs),
    flopsPerSecond: perSecond(multiplyAddChains.definition.cost(device, work).flops, computed.medianMs),
  };
  if (device instanceof WebGpuDevice) device.tuning.set(tuningKey, JSON.stringify(roofline));
  return roofline;
}

/** The most operations per second that a call of this cost can reach: bound by arithmetic or by memory. */
export function attainableFlops(roofline: Roofline, { flops, bytes }: Cost): number {
  return Math.min(roofline.flopsPerSecond, (roofline.copyBytesPerSecond * flops) / bytes);
}
