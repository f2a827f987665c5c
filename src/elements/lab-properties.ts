/** Parameters as attributes and properties of a `<tessella-lab>`: what was asked for at the start, and what changes later. */
import type { LabManifest } from '../engine/protocol';
import type { ParameterValue } from '../labs/parameters';
import { attributeName, ownAttributes, readAttributes } from '../share/attributes';
import type { PermalinkText } from '../share/permalink';
import type { LabSession, Wishes } from './lab-session';

/** What a page asked for before the lab was known: attributes, properties by parameter name, and `values`. */
export function startWishes(
  element: HTMLElement & { readonly preset: string | null },
  manifest: LabManifest,
  values: Readonly<Record<string, unknown>>,
  link: PermalinkText | null,
): Wishes {
  const { raw, problems } = readAttributes(element.attributes, manifest.params);
  const properties: Record<string, unknown> = {};
  for (const name of freeNames(element, manifest)) {
    const own = Object.getOwnPropertyDescriptor(element, name);
    if (own !== undefined && 'value' in own) properties[name] = own.value;
  }
  return { preset: element.preset, raw: { ...raw, ...properties, ...values }, link, problems };
}

/** Makes every parameter whose name is free a property: `element.epsilon = 0.02`. */
export function defineProperties(
  element: HTMLElement,
  manifest: LabManifest,
  get: (name: string) => ParameterValue | undefined,
  set: (name: string, value: unknown) => void,
): void {
  for (const name of freeNames(element, manifest)) {
    Object.defineProperty(element, name, {
      configurable: true,
      enumerable: true,
      get: () => get(name),
      set: (value: unknown) => {
        set(name, value);
      },
    });
  }
}

function freeNames(element: HTMLElement, manifest: LabManifest): string[] {
  const prototype: unknown = Object.getPrototypeOf(element);
  if (typeof prototype !== 'object' || prototype === null) return [];
  const own: readonly string[] = ownAttributes;
  return Object.keys(manifest.params).filter((name) => !(name in prototype) && !own.includes(name));
}

/** Brings a session in line with attributes that changed: one that was taken away goes back to the preset's value. */
export function applyAttributes(
  element: HTMLElement & { readonly preset: string | null },
  session: LabSession,
  changed: ReadonlySet<string | null>,
): void {
  const { manifest } = session;
  if (manifest === null) return;
  if (changed.has('preset') && element.preset !== null && Object.hasOwn(manifest.presets, element.preset)) {
    session.choosePreset(element.preset);
  }
  const { raw, problems } = readAttributes(
    [...element.attributes].filter(({ name }) => changed.has(name)),
    manifest.params,
  );
  const gone = Object.keys(manifest.params).filter((name) => {
    const attribute = attributeName(name);
    return changed.has(attribute) && !element.hasAttribute(attribute);
  });
  const initial = Object.fromEntries(gone.map((name) => [name, session.initial[name]]));
  session.notes = [...new Set([...session.notes, ...problems])];
  session.setRaw({ ...initial, ...raw });
}
