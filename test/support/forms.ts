/** Both forms that kernels have: that of software adapters, where each lane works alone, and that of GPUs. */
import { afterAll, beforeAll, describe } from 'vitest';
import type { WebGpuDevice } from '../../src/device';
import { serialTuning } from '../../src/kernels/serial';

/** Runs the tests that `body` declares in each of the two forms, whatever the adapter is. */
export function inBothForms(gpu: WebGpuDevice, body: (isSerial: boolean) => void): void {
  describe.each([true, false])('each lane alone: %s', (isSerial) => {
    beforeAll(() => {
      gpu.tuning.set(serialTuning, String(isSerial));
    });
    afterAll(() => {
      gpu.tuning.delete(serialTuning);
    });
    body(isSerial);
  });
}
