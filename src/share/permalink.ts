/**
 * Permalinks: a lab, its preset, and the parameters that differ from it, in the part of the address after `#`.
 * `#/lab/sinkhorn?v=1&preset=alps&seed=7&epsilon=0.02`. Reading one never throws; what cannot be used is said in words.
 */
import type { LabManifest } from '../engine/protocol';
import type { ParameterDeclarations, ParameterValues } from '../labs/parameters';
import { parseParameters } from '../labs/validate';
import { differences, valueText } from './attributes';

/** The version of the form below; it grows when a link of the same text would come to mean something else. */
export const permalinkVersion = 1;

/** What a permalink needs to know of a lab. */
export type LabSchema = Pick<LabManifest, 'id' | 'params' | 'presets'>;

/** A permalink's text taken apart, before anything is known about the lab. */
export interface PermalinkText {
  readonly lab: string;
  /** Null where the link does not say; then it is read as the newest version. */
  readonly version: number | null;
  readonly preset: string | null;
  readonly entries: Readonly<Record<string, string>>;
}

/** What a link or attributes ask for, made safe. */
export interface Setting {
  /** A preset of the lab, or null for the defaults. */
  readonly preset: string | null;
  /** A value for every parameter. */
  readonly values: ParameterValues;
  /** What was clamped, refused or not known, in words. */
  readonly problems: readonly string[];
}

/** Turns entries of version `n` into entries of version `n + 1`; listed under `n`. */
export type Migrations = Readonly<
  Record<number, (lab: string, entries: Readonly<Record<string, string>>) => Readonly<Record<string, string>>>
>;

const noMigrations: Migrations = {};

/** The values that a preset (or, with null, no preset) stands for, one for every parameter. */
export function presetValues(schema: LabSchema, preset: string | null): ParameterValues {
  const patch = preset !== null && Object.hasOwn(schema.presets, preset) ? schema.presets[preset]?.params : undefined;
  return parseParameters(schema.params, {}, patch ?? {}).values;
}

/** The link to a lab in a certain setting. Only what differs from the preset is written, and always the seed. */
export function formatPermalink(schema: LabSchema, setting: Pick<Setting, 'preset' | 'values'>): string {
  const query = new URLSearchParams({ v: String(permalinkVersion) });
  if (setting.preset !== null) query.set('preset', setting.preset);
  const changed = new Set(differences(schema.params, presetValues(schema, setting.preset), setting.values));
  for (const [name, declaration] of Object.entries(schema.params)) {
    if (declaration.kind !== 'seed' && !changed.has(name)) continue;
    const value = setting.values[name];
    const text = value === undefined ? null : valueText(value);
    if (text !== null) query.set(`${reserved.has(name) ? '.' : ''}${name}`, text);
  }
  return `#/lab/${encodeURIComponent(schema.id)}?${query.toString()}`;
}

/** Parameters that carry the name of one of the link's own entries get a dot before it. */
const reserved = new Set(['v', 'preset']);

/** Takes a link's text apart. Null if it is not a link to a lab. */
export function readPermalink(hash: string): PermalinkText | null {
  const match = /^#?\/lab\/([^/?#]+)\/?(?:\?(.*))?$/s.exec(hash);
  const name = match?.[1];
  if (name === undefined) return null;
  const entries: Record<string, string> = {};
  let version: number | null = null;
  let preset: string | null = null;
  for (const [key, value] of new URLSearchParams(match?.[2] ?? '')) {
    if (key === 'v') version = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN;
    else if (key === 'preset') preset = value;
    else if (key !== '') {
      const plain = key.startsWith('.') ? key.slice(1) : key;
      // Defined rather than assigned, so that a link cannot reach `__proto__`.
      Object.defineProperty(entries, plain, { value, enumerable: true, configurable: true, writable: true });
    }
  }
  return { lab: decode(name), version, preset, entries };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Makes a link's wishes safe for its lab: older versions are brought up to date, the rest is clamped or refused in words.
 * What the link does not say keeps its value in `base`, which is the preset's where it is left out.
 */
export function resolvePermalink(
  link: PermalinkText,
  schema: LabSchema,
  base?: ParameterValues,
  migrations: Migrations = noMigrations,
): Setting {
  const problems: string[] = [];
  let entries = link.entries;
  const version = link.version ?? permalinkVersion;
  if (Number.isNaN(version)) {
    problems.push('The link does not say which version it is; it was read as the newest.');
  } else if (version > permalinkVersion) {
    problems.push('The link was made by a newer version of this page; what this one knows of it was kept.');
  } else {
    if (version < permalinkVersion) problems.push('The link is of an older version; it was brought up to date.');
    for (let step = version; step < permalinkVersion; step += 1)
      entries = migrations[step]?.(link.lab, entries) ?? entries;
  }
  const setting = resolveSetting(schema, link.preset, entries, base);
  return { ...setting, problems: [...problems, ...setting.problems] };
}

/** The setting that a preset and raw values (text from attributes or a link, or values from a script) ask for. */
export function resolveSetting(
  schema: LabSchema,
  wantedPreset: string | null,
  raw: Readonly<Record<string, unknown>>,
  base?: ParameterValues,
): Setting {
  const problems: string[] = [];
  let preset = wantedPreset;
  if (preset !== null && !Object.hasOwn(schema.presets, preset)) {
    problems.push(
      `There is no preset "${preset}"; there are: ${Object.keys(schema.presets).join(', ')}. The defaults were kept.`,
    );
    preset = null;
  }
  const parsed = parseRaw(schema.params, raw, base ?? presetValues(schema, preset));
  return { preset, values: parsed.values, problems: [...problems, ...parsed.problems] };
}

/**
 * `parseParameters` for text: empty text stands for no data, as `valueText` writes it. What is missing or refused keeps
 * its value in `base`.
 */
export function parseRaw(
  declarations: ParameterDeclarations,
  raw: Readonly<Record<string, unknown>>,
  base: ParameterValues,
): { readonly values: ParameterValues; readonly problems: readonly string[] } {
  const read = Object.entries(raw).map(([name, value]): [string, unknown] => {
    const declaration = Object.hasOwn(declarations, name) ? declarations[name] : undefined;
    const nothing = value === '' && declaration?.kind === 'data' && declaration.default === null;
    return [name, nothing ? { kind: 'none' } : value];
  });
  const { values, problems } = parseParameters(declarations, Object.fromEntries(read), base);
  return { values, problems: problems.map(({ message }) => message) };
}
