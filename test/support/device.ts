/** The devices that tests run on. Where there is no adapter a test fails: it never skips. */
import { afterAll, beforeAll } from 'vitest';
import {
  openReferenceDevice,
  openWebGpuDevice,
  type ReferenceDevice,
  type WebGpuDevice,
  type WebGpuOptions,
} from '../../src/device';
import { UnsupportedError } from '../../src/device/errors';

const opened = new Map<string, Promise<WebGpuDevice>>();

afterAll(async () => {
  for (const device of await Promise.allSettled(opened.values())) {
    if (device.status === 'fulfilled') device.value.context.gpu.destroy();
  }
  opened.clear();
});

/**
 * A WebGPU device with WebGPU's default limits that cuts every dispatch along every axis, the same one for a whole test file; it is destroyed at the file's end.
 * Throws `UnsupportedError` where the browser has no adapter after three tries: on a busy machine an answer can be null.
 */
export function openTestDevice(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
  const settings = { limits: 'default' as const, cutsEverything: true, ...options };
  const key = JSON.stringify(settings);
  const known = opened.get(key);
  if (known !== undefined) return known;
  const device = openWithRetries(settings, 3);
  opened.set(key, device);
  return device;
}

/** Has the tests of the open `describe` run with a form that another kind of adapter would choose. */
export function tuneTests(device: WebGpuDevice, key: string, value: string): void {
  beforeAll(() => void device.tuning.set(key, value));
  afterAll(() => void device.tuning.delete(key));
}

/** The float64 device that says what the numbers should be. */
export function openReference(): ReferenceDevice {
  return openReferenceDevice();
}

async function openWithRetries(options: WebGpuOptions, tries: number): Promise<WebGpuDevice> {
  try {
    return await openWebGpuDevice(options);
  } catch (error) {
    if (!(error instanceof UnsupportedError) || tries <= 1) throw error;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return openWithRetries(options, tries - 1);
  }
}
