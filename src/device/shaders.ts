/** The WGSL files under `shaders/`, linked at run time: imports, conditions and injected constants, no string templates. */
import {
  createConstantsResolver,
  composeResolvers,
  linkWithResolver,
  RecordResolver,
  type LinkedWesl,
} from 'wesl/core';
import { ShaderError } from './errors';

const files = import.meta.glob<string>('/shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true });

/** File text by its path under `shaders/`, as `matrix/transpose.wgsl`. */
const shaderSources: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(files).map(([path, source]) => [path.replace(/^\/shaders\//, ''), source]),
);

/** Which specialisation of a file is wanted. */
export interface ShaderRequest {
  /** `folder/file` under `shaders/`, without the ending. */
  readonly shader: string;
  readonly conditions?: Readonly<Record<string, boolean>>;
  readonly constants?: Readonly<Record<string, number>>;
}

/** A shader as the browser gets it. */
export interface LinkedShader {
  readonly wgsl: string;
  /** Which file, line and column (from 1) a position in `wgsl` (from 1) came from. */
  locate(line: number, column: number): { readonly file: string; readonly line: number; readonly column: number };
}

// Parsed files are immutable and shared by every link. Sources can be replaced (a shader under edit, one that does not compile).
let sources: Readonly<Record<string, string>> = shaderSources;
let resolver = new RecordResolver({ ...sources });

/** Adds or replaces sources, by path under `shaders/`. What was compiled before stays compiled. */
export function overrideShaderSources(replacements: Readonly<Record<string, string>>): void {
  sources = { ...shaderSources, ...replacements };
  resolver = new RecordResolver({ ...sources });
}

/** Text that tells one specialisation from another. */
export function shaderKey({ shader, conditions = {}, constants = {} }: ShaderRequest): string {
  const flags = Object.entries(conditions)
    .filter(([, on]) => on)
    .map(([name]) => name)
    .sort();
  const numbers = Object.entries(constants)
    .map(([name, value]) => `${name}=${String(value)}`)
    .sort();
  return [shader, ...flags, ...numbers].join(' ');
}

/** Links one specialisation. Throws `ShaderError` with file and line for what does not parse or resolve. */
export async function linkShader(request: ShaderRequest): Promise<LinkedShader> {
  const { shader, conditions = {}, constants = {} } = request;
  if (!(`${shader}.wgsl` in sources)) {
    throw new ShaderError(`There is no shader ${shader}.wgsl under shaders/: check the name that the kernel gives.`, {
      file: `${shader}.wgsl`,
    });
  }
  let linked: LinkedWesl;
  try {
    linked = await linkWithResolver({
      resolver: composeResolvers(resolver, createConstantsResolver({ ...constants }, 'package')),
      rootModuleName: `package::${shader.replaceAll('/', '::')}`,
      conditions: { ...conditions },
    });
  } catch (cause) {
    // The linker calls every file .wesl; ours end in .wgsl.
    const message = (cause instanceof Error ? cause.message : String(cause)).replaceAll('.wesl', '.wgsl');
    const place = /(?:^|\s)(?:\.\/)?(\S+\.wgsl):(\d+):(\d+)/.exec(message);
    throw new ShaderError(`${shader}.wgsl does not link: ${message}`, {
      file: place?.[1] ?? `${shader}.wgsl`,
      line: Number(place?.[2] ?? 1),
      column: Number(place?.[3] ?? 1),
    });
  }
  return { wgsl: linked.dest, locate: (line, column) => locate(linked, shader, line, column) };
}

function locate(linked: LinkedWesl, shader: string, line: number, column: number): ReturnType<LinkedShader['locate']> {
  const lines = linked.dest.split('\n');
  const offset = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + Math.max(0, column - 1);
  const { src, position } = linked.sourceMap.destToSrc(offset);
  const before = src.text.slice(0, position).split('\n');
  return {
    file: (src.path ?? `${shader}.wgsl`).replace(/^\.?\/+/, '').replace(/\.wesl$/, '.wgsl'),
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
  };
}
