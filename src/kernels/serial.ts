/**
 * Which form of a kernel an adapter runs. On a GPU the lanes of a workgroup share the work and meet at barriers; a software
 * adapter suspends every lane at each of them, which takes longer than the work itself, so there each lane works alone.
 */
import type { Device } from '../device/device';
import { WebGpuDevice } from '../device/webgpu-device';

/** `true` or `false` under this key of a device's `tuning` overrules what the adapter suggests. */
export const serialTuning = 'serial';

/** Whether lanes work alone on this device. */
export function isSerial(device: Device): boolean {
  const chosen = device instanceof WebGpuDevice ? device.tuning.get(serialTuning) : undefined;
  return chosen === undefined ? device.info.isFallback : chosen === 'true';
}
