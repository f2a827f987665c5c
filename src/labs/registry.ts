/** All labs, found by a glob and loaded when asked for: a new lab is a new file `src/labs/<family>/<id>.ts`, nothing else. */
import { EngineError, InvalidInputError } from '../device/errors';
import type { AnyLab } from './define';
import { nearestName } from './validate';

/** Where the engine takes labs from. */
export interface LabSource {
  /** Names of all labs. */
  readonly ids: readonly string[];
  /** Throws `InvalidInputError` for a lab that does not exist, naming those that do. */
  load(id: string): Promise<AnyLab>;
}

/** Makes a source of modules by path (`./family/id.ts`), each with the lab as its default export. */
export function labSource(modules: Readonly<Record<string, () => Promise<unknown>>>): LabSource {
  const byId = new Map<
    string,
    { readonly family: string; readonly path: string; readonly load: () => Promise<unknown> }
  >();
  for (const [path, load] of Object.entries(modules)) {
    const [, family, id] = /([^/]+)\/([^/]+)\.ts$/.exec(path) ?? [];
    if (family === undefined || id === undefined) continue;
    const twin = byId.get(id);
    if (twin !== undefined) throw new EngineError(`Two labs have the name ${id}: ${twin.path} and ${path}.`);
    byId.set(id, { family, path, load });
  }
  const ids = [...byId.keys()].sort();
  return {
    ids,
    async load(id) {
      const entry = byId.get(id);
      if (entry === undefined) throw noSuchLab(id, ids);
      const module = await entry.load();
      const lab = typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
      if (!isLab(lab))
        throw new EngineError(`${entry.path} must export a lab by default: export default defineLab({ ... }).`);
      if (lab.id !== id || lab.family !== entry.family) {
        throw new EngineError(
          `${entry.path} must declare the id "${id}" and the family "${entry.family}", as its file is named.`,
        );
      }
      return lab;
    },
  };
}

/** The labs under `src/labs`. */
export const registry: LabSource = labSource(import.meta.glob('./*/*.ts'));

function isLab(value: unknown): value is AnyLab {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    'family' in value &&
    'run' in value &&
    'claims' in value
  );
}

function noSuchLab(id: string, ids: readonly string[]): InvalidInputError {
  const nearest = nearestName(id, ids);
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  return new InvalidInputError(`There is no lab "${id}".${hint} There are: ${ids.join(', ')}.`, {
    field: 'lab',
    nearest: nearest ?? null,
  });
}
