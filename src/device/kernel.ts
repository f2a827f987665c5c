/** A kernel: one operation with two implementations under one name, WGSL and a short float64 reference, and a cost. */
import type { Cost, Device } from './device';
import { InvalidInputError } from './errors';
import type { ReferenceDevice, ReferenceTensor } from './reference-device';
import type { Tensor } from './tensor';
import type { GpuTensor, WebGpuDevice } from './webgpu-device';

/** The same arguments with every tensor in them known to be of one device's kind. */
export type Placed<Argument, Placement extends Tensor> = Argument extends Tensor
  ? Placement
  : Argument extends Device | ((...args: never[]) => unknown) | ArrayBufferView
    ? Argument
    : Argument extends object
      ? { [Key in keyof Argument]: Placed<Argument[Key], Placement> }
      : Argument;

/** How a kernel is declared. */
export interface KernelDefinition<Arguments extends unknown[], Result> {
  /** Unique; errors, timings and the kernel viewer use it. */
  readonly name: string;
  /** One sentence with shapes, for the kernel viewer. */
  readonly summary: string;
  /** The WGSL files it dispatches, as `folder/file` under `shaders/`. */
  readonly shaders: readonly string[];
  /** What one call costs. Its parameter types are the kernel's signature. */
  cost(...args: Arguments): Cost;
  /** Checks shapes, picks a variant, records dispatches; returns at once. */
  webgpu(
    gpu: WebGpuDevice,
    ...args: Placed<Arguments, GpuTensor> extends infer Tuple extends unknown[] ? Tuple : never
  ): Result;
  /** Says in float64 what the operation means. */
  reference(
    cpu: ReferenceDevice,
    ...args: Placed<Arguments, ReferenceTensor> extends infer Tuple extends unknown[] ? Tuple : never
  ): Result;
}

/** A kernel is called like a function; its definition stays readable. */
export interface Kernel<Arguments extends unknown[] = never[], Result = unknown> {
  (...args: Arguments): Result;
  readonly definition: KernelDefinition<Arguments, Result>;
}

/** Makes a callable kernel. The device is taken from the tensors (or from a device given as an argument). */
export function defineKernel<Arguments extends unknown[], Result>(
  definition: KernelDefinition<Arguments, Result>,
): Kernel<Arguments, Result> {
  const call = (...args: Arguments): Result => {
    const device = deviceOf(args, definition.name);
    return device.runKernel(definition, args);
  };
  return Object.assign(call, { definition });
}

/** The device that the arguments live on. All of them must live on the same one. */
function deviceOf(args: readonly unknown[], name: string): WebGpuDevice | ReferenceDevice {
  let found: Device | undefined;
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || depth > 2) return;
    const device = isDevice(value) ? value : isTensor(value) ? value.device : undefined;
    if (device === undefined) {
      for (const inner of Object.values(value)) visit(inner, depth + 1);
      return;
    }
    if (found !== undefined && found !== device) {
      throw new InvalidInputError(`${name} was given tensors of two devices: make all of them on the same one.`);
    }
    found = device;
  };
  for (const arg of args) visit(arg, 0);
  if (found === undefined)
    throw new InvalidInputError(`${name} was given no tensor and no device: it cannot tell where to run.`);
  return found as WebGpuDevice | ReferenceDevice;
}

function isDevice(value: object): value is Device {
  return 'kind' in value && 'runKernel' in value;
}

function isTensor(value: object): value is Tensor {
  return 'device' in value && 'shape' in value && 'size' in value;
}
