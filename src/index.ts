/** The library: open a device, make tensors, call kernels and algorithms. */
export * from './device';
