/** The README's five lines of library, run as they are written there. */
import { expect, it } from 'vitest';
import { matmul, openReferenceDevice, openWebGpuDevice } from '../src';

it('multiplies as the README says, on the GPU and on the reference', async () => {
  const device = await openWebGpuDevice();
  for (const each of [device, openReferenceDevice()]) {
    const a = each.tensor([1, 2, 3, 4], [2, 2]);
    const product = matmul(a, a);
    expect(Array.from(await product.read())).toEqual([7, 10, 15, 22]);
  }
  device.destroy();
});
