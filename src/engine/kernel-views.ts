/** What the Kernels tab shows: sources as written, WGSL as linked so far, cost and last timing. */
import type { Device } from '../device/device';
import { EngineError } from '../device/errors';
import { WebGpuDevice } from '../device/webgpu-device';
import type { AnyDefinition } from './kernel-texts';
import type { KernelView } from './protocol';

/** Views of kernels by name; `device` says what was compiled and measured. Rejects with `EngineError` for a name that no kernel has. */
export async function viewKernels(
  names: readonly string[],
  device: Device | undefined,
): Promise<readonly KernelView[]> {
  const { kernelDefinitions, shaderFiles } = await import('./kernel-texts');
  return names.map((name) => {
    const definition = kernelDefinitions.get(name);
    if (definition === undefined)
      throw new EngineError(`There is no kernel "${name}": correct the lab's list of kernels.`, { kernel: name });
    return view(definition, shaderFiles, device);
  });
}

/** WGSL files by path. */
type Files = Readonly<Record<string, string>>;

function view({ name, summary, shaders }: AnyDefinition, files: Files, device: Device | undefined): KernelView {
  const context = device instanceof WebGpuDevice ? device.context : undefined;
  const timing = context?.timings.get(name);
  return {
    name,
    summary,
    sources: withImports(
      files,
      shaders.map((shader) => `${shader}.wgsl`),
    ),
    linked: [...(context?.linked.get(name) ?? [])].map(([label, wgsl]) => ({ label, wgsl })),
    timing:
      timing === undefined
        ? null
        : {
            milliseconds: timing.milliseconds,
            source: timing.source,
            flops: timing.cost.flops,
            bytes: timing.cost.bytes,
          },
  };
}

/** The named files and those that they import, each once, importers first. */
function withImports(files: Files, names: readonly string[]): KernelView['sources'] {
  const found = new Map<string, string>();
  const visit = (file: string): void => {
    const source = files[`/shaders/${file}`];
    if (source === undefined || found.has(file)) return;
    found.set(file, source);
    for (const [, path = ''] of source.matchAll(/^\s*import\s+package::((?:\w+::)*\w+)/gm)) {
      // The last part may be an item of the file or the file itself.
      const parts = path.split('::');
      visit(`${parts.join('/')}.wgsl`);
      visit(`${parts.slice(0, -1).join('/')}.wgsl`);
    }
  };
  names.forEach(visit);
  return Array.from(found, ([file, source]) => ({ file, source }));
}
