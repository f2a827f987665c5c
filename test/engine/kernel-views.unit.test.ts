/** The kernels on show: every name that a lab lists is a kernel's, with the sources it is made of. */
import { expect, it } from 'vitest';
import { EngineError } from '../../src/device/errors';
import { viewKernels } from '../../src/engine/kernel-views';
import { registry } from '../../src/labs/registry';

it('shows the sources of every kernel that a lab lists, imports included', async () => {
  for (const id of registry.ids) {
    const { kernels } = await registry.load(id);
    expect(kernels.length, id).toBeGreaterThan(0);
    for (const { name, sources, linked, timing } of await viewKernels(kernels, undefined)) {
      expect(sources.length, name).toBeGreaterThan(0);
      const files = sources.map(({ file }) => file);
      expect(new Set(files).size).toBe(files.length);
      for (const { source } of sources) {
        expect(source).not.toBe('');
        for (const [, folder = '', file = ''] of source.matchAll(/import package::(\w+)::(\w+)::/g)) {
          expect(files, name).toContain(`${folder}/${file}.wgsl`);
        }
      }
      expect({ linked, timing }).toEqual({ linked: [], timing: null });
    }
  }
});

it('refuses a name that no kernel has', async () => {
  await expect(viewKernels(['matmull'], undefined)).rejects.toThrow(EngineError);
});
