/** Opening devices, and what every caller of them needs. */
export * from './errors';
export { matrixShape, sizeOf, type ElementType, type NumberArray, type Shape, type Tensor } from './tensor';
export type { Cost, Device, DeviceInfo, MemoryUse, Scope } from './device';
export { openReferenceDevice, ReferenceDevice, ReferenceTensor } from './reference-device';
export { GpuTensor, openWebGpuDevice, WebGpuDevice, type DispatchRequest } from './webgpu-device';
export type { WebGpuOptions } from './gpu-context';
export { defineKernel, type Kernel, type KernelDefinition } from './kernel';
export { measure, type Measurement, type MeasureOptions } from './timing';
export { f32, i32, u32 } from './uniforms';
