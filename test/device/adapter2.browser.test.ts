import { expect, it } from 'vitest';
import { openTestDevice, openReference } from '../support/device';
it('opens', async () => {
  const gpu = await openTestDevice();
  expect(gpu.info.kind).toBe('webgpu');
  const t = gpu.tensor([1, 2, 3], [3]);
  expect([...(await t.read())]).toEqual([1, 2, 3]);
  expect(openReference().kind).toBe('reference');
});
