/** Patches of images: exactly the reference, edges repeated, rows filled up with zeros. */
import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import type { Device } from '../../src/device/device';
import { patches, type PatchOptions } from '../../src/kernels/patches';
import { Philox } from '../../src/kernels/random';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

async function patchesOn(device: Device, shape: readonly number[], options: PatchOptions): Promise<number[]> {
  using scope = device.scope();
  const random = new Philox(3);
  const size = shape.reduce((a, b) => a * b, 1);
  const image = device.tensor(
    Float32Array.from({ length: size }, () => random.uniform()),
    shape,
  );
  return Array.from(await device.read(scope.keep(patches(image, options))));
}

describe('patches', () => {
  test.each([
    [[1, 1, 1], { patchSize: 1 }],
    [[1, 1, 3], { patchSize: 9 }],
    [[7, 5, 3], { patchSize: 3 }],
    [[7, 5, 3], { patchSize: 5, heads: 3 }],
    [[13, 1, 2], { patchSize: 3, heads: 2 }],
    [[2, 31, 4], { patchSize: 7 }],
    // More than 65,535 workgroups of 256.
    [[300, 311, 3], { patchSize: 9 }],
  ] as const)('of an image %j, %j', async (shape, options) => {
    const [expected, result] = await Promise.all([patchesOn(cpu, shape, options), patchesOn(gpu, shape, options)]);
    expect(result.length).toBe(expected.length);
    let differences = 0;
    for (let i = 0; i < expected.length; i++) if (result[i] !== expected[i]) differences += 1;
    expect(differences).toBe(0);
  });

  test('run over lines, columns and channels, with zeros behind', async () => {
    using scope = gpu.scope();
    const image = gpu.tensor([1, 2, 3, 4, 5, 6], [2, 3, 1]);
    const result = await gpu.read(scope.keep(patches(image, { patchSize: 3 })));
    expect(Array.from(result.subarray(0, 12))).toEqual([1, 1, 2, 1, 1, 2, 4, 4, 5, 0, 0, 0]);
  });

  test.each([
    [[4, 4], { patchSize: 3 }],
    [[4, 4, 3], { patchSize: 2 }],
    [[4, 4, 3], { patchSize: 0 }],
    [[4, 4, 3], { patchSize: 3, heads: 2 }],
  ])('refuses an image %j with %j', (shape, options) => {
    expect(() => patches(gpu.empty(shape), options)).toThrow(InvalidInputError);
  });
});
