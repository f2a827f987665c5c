/** What there is to read about all kernels: loaded when a person wants to. */
import type { KernelDefinition } from '../device/kernel';

/** What there is to read about a kernel. */
export type AnyDefinition = Pick<KernelDefinition<never[], unknown>, 'name' | 'summary' | 'shaders'>;

const modules = import.meta.glob<Readonly<Record<string, unknown>>>('../kernels/**/*.ts', { eager: true });

/** By name. */
export const kernelDefinitions: ReadonlyMap<string, AnyDefinition> = new Map(
  Object.values(modules)
    .flatMap((module) => Object.values(module))
    .flatMap((value) =>
      typeof value === 'function' && 'definition' in value && isDefinition(value.definition)
        ? [[value.definition.name, value.definition] as const]
        : [],
    ),
);

function isDefinition(value: unknown): value is AnyDefinition {
  return typeof value === 'object' && value !== null && 'name' in value && 'summary' in value && 'shaders' in value;
}

/** The WGSL files as they are written, with their comments, by `/shaders/<folder>/<file>.wgsl`. */
export const shaderFiles = import.meta.glob<string>('/shaders/**/*.wgsl', {
  query: '?raw&source',
  import: 'default',
  eager: true,
});
