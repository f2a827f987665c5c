/** Parameters as attributes of `<tessella-lab>`: kebab-case names, text values, and which attributes are not parameters. */
import type { DataChoice, ParameterDeclarations, ParameterValue, ParameterValues } from '../labs/parameters';

/** The element's own attributes; every other one that is not HTML's names a parameter. */
export const ownAttributes = ['lab', 'preset', 'theme', 'hide', 'autostart', 'permalink'] as const;

const globalAttributes = new Set(
  `accesskey autocapitalize autofocus class contenteditable dir draggable enterkeyhint exportparts hidden id inert
   inputmode is itemid itemprop itemref itemscope itemtype lang nonce part popover role slot spellcheck style tabindex
   title translate`.split(/\s+/),
);

/** `colourSpace` as `colour-space`. */
export function attributeName(parameter: string): string {
  return parameter.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** True for attributes that HTML, ARIA, a framework or the element itself gives a meaning to. */
export function isReservedAttribute(name: string): boolean {
  return (
    globalAttributes.has(name) ||
    (ownAttributes as readonly string[]).includes(name) ||
    /^(?:data-|aria-|on|xml|_|[^a-z])/.test(name) ||
    /[^a-z0-9-]/.test(name)
  );
}

/** What the attributes say about parameters: raw text by parameter name, and a sentence for each that names none. */
export interface ParameterAttributes {
  readonly raw: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
}

/** Sorts an element's attributes into parameters and problems. A parameter wins over an HTML attribute of its name. */
export function readAttributes(
  attributes: Iterable<{ readonly name: string; readonly value: string }>,
  declarations: ParameterDeclarations,
): ParameterAttributes {
  const byAttribute = new Map(Object.keys(declarations).map((name) => [attributeName(name), name]));
  const raw: Record<string, string> = {};
  const problems: string[] = [];
  for (const { name, value } of attributes) {
    const parameter = byAttribute.get(name);
    const own = (ownAttributes as readonly string[]).includes(name);
    if (parameter !== undefined && !own) {
      // A toggle is set by its attribute alone, as HTML's own booleans are.
      raw[parameter] = value === '' && declarations[parameter]?.kind === 'toggle' ? 'true' : value;
    } else if (!isReservedAttribute(name)) {
      problems.push(
        `There is no parameter "${name}" here; the attribute was ignored. There are: ${[...byAttribute.keys()].join(', ')}.`,
      );
    }
  }
  return { raw, problems };
}

/** A value as text for an attribute or a link; empty for no data. Null for what text cannot hold: a person's own file. */
export function valueText(value: ParameterValue): string | null {
  if (typeof value !== 'object') return String(value);
  switch (value.kind) {
    case 'sample':
      return value.name;
    case 'none':
      return '';
    case 'file':
      return null;
    default:
      return value satisfies never;
  }
}

/** True if both values mean the same; two files are the same only if they are one object. */
export function sameValue(a: ParameterValue | undefined, b: ParameterValue | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return Object.is(a, b);
  return a.kind === b.kind && sameData(a, b);
}

function sameData(a: DataChoice, b: DataChoice): boolean {
  if (a.kind === 'file' && b.kind === 'file') return a.file === b.file;
  if (a.kind === 'sample' && b.kind === 'sample') return a.name === b.name;
  return a.kind === b.kind;
}

/** The names of the parameters whose values differ, in the order they are declared. */
export function differences(declarations: ParameterDeclarations, a: ParameterValues, b: ParameterValues): string[] {
  return Object.keys(declarations).filter((name) => !sameValue(a[name], b[name]));
}
