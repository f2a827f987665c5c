/** What the Kernels tab shows: sources as written, WGSL as linked so far, cost and last timing. */
import type { Device } from '../device/device';
import { EngineError } from '../device/errors';
import type { KernelDefinition } from '../device/kernel';
import { WebGpuDevice } from '../device/webgpu-device';
import type { KernelView } from './protocol';

type AnyDefinition = Pick<KernelDefinition<never[], unknown>, 'name' | 'summary' | 'shaders'>;

const modules = import.meta.glob('../kernels/**/*.ts');
/** The files as they are written, with their comments; loaded when a person wants to read them. */
const sourceLoaders = import.meta.glob<string>('/shaders/**/*.wgsl', { query: '?raw&source', import: 'default' });
let definitions: Promise<ReadonlyMap<string, AnyDefinition>> | undefined;

/** Views of kernels by name; `device` says what was compiled and measured. Rejects with `EngineError` for a name that no kernel has. */
export async function viewKernels(
  names: readonly string[],
  device: Device | undefined,
): Promise<readonly KernelView[]> {
  definitions ??= loadDefinitions().catch((error: unknown) => {
    // A part of the page that did not load may load the next time.
    definitions = undefined;
    throw error;
  });
  const known = await definitions;
  return Promise.all(
    names.map((name) => {
      const definition = known.get(name);
      if (definition === undefined)
        throw new EngineError(`There is no kernel "${name}": correct the lab's list of kernels.`, { kernel: name });
      return view(definition, device);
    }),
  );
}

async function view({ name, summary, shaders }: AnyDefinition, device: Device | undefined): Promise<KernelView> {
  const context = device instanceof WebGpuDevice ? device.context : undefined;
  const timing = context?.timings.get(name);
  return {
    name,
    summary,
    sources: await withImports(shaders.map((shader) => `${shader}.wgsl`)),
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

/** The files and those that they import, each once, importers first. */
async function withImports(files: readonly string[]): Promise<KernelView['sources']> {
  const found = new Map<string, string>();
  const visit = async (file: string): Promise<void> => {
    const load = sourceLoaders[`/shaders/${file}`];
    if (load === undefined || found.has(file)) return;
    const source = await load();
    found.set(file, source);
    for (const [, path = ''] of source.matchAll(/^\s*import\s+package::((?:\w+::)*\w+)/gm)) {
      // The last part may be an item of the file or the file itself.
      const parts = path.split('::');
      await visit(`${parts.join('/')}.wgsl`);
      await visit(`${parts.slice(0, -1).join('/')}.wgsl`);
    }
  };
  for (const file of files) await visit(file);
  return Array.from(found, ([file, source]) => ({ file, source }));
}

async function loadDefinitions(): Promise<ReadonlyMap<string, AnyDefinition>> {
  const found = new Map<string, AnyDefinition>();
  for (const module of await Promise.all(Object.values(modules).map((load) => load()))) {
    for (const value of Object.values(module as Readonly<Record<string, unknown>>)) {
      if (typeof value === 'function' && 'definition' in value && isDefinition(value.definition)) {
        found.set(value.definition.name, value.definition);
      }
    }
  }
  return found;
}

function isDefinition(value: unknown): value is AnyDefinition {
  return typeof value === 'object' && value !== null && 'name' in value && 'summary' in value && 'shaders' in value;
}
