/** One honest timing of recorded work, for races over sizes where repeating would take too long. */
import type { Device } from '../device/device';

/** Milliseconds that recorded work takes, after `warm` has compiled its pipelines. */
export async function timeOnce(device: Device, warm: () => void, record: () => void): Promise<number> {
  using _scope = device.scope();
  warm();
  await device.finish();
  const startMs = performance.now();
  record();
  await device.finish();
  return performance.now() - startMs;
}
