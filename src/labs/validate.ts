/**
 * Makes values from attributes, links, scripts and the panel safe: what is text is read by its parameter's type, what is
 * out of range is clamped, what cannot be used is refused, each in words, and the rest is kept. Page and worker share it.
 */
import type {
  DataChoice,
  DataParameter,
  ParameterDeclaration,
  ParameterDeclarations,
  ParameterValue,
} from './parameters';

/** What was clamped, refused or not known. */
export interface ParameterProblem {
  /** The name as it was given. */
  readonly name: string;
  readonly message: string;
}

export interface ParsedParameters {
  /** A value for every declared parameter. */
  readonly values: Readonly<Record<string, ParameterValue>>;
  readonly problems: readonly ParameterProblem[];
}

/** A value that can be used, with what was changed about it, or why it cannot be used. */
type Reading = { readonly value: ParameterValue; readonly changed?: string } | { readonly refused: string };

const largestSeed = 0xffff_ffff;

/**
 * Reads `raw` by the declarations. A parameter that `raw` leaves out or that is refused keeps its value in `base`, and
 * its declared default where `base` has none either. Never throws.
 */
export function parseParameters(
  declarations: ParameterDeclarations,
  raw: Readonly<Record<string, unknown>>,
  base: Readonly<Record<string, unknown>> = {},
): ParsedParameters {
  const values: Record<string, ParameterValue> = {};
  const problems: ParameterProblem[] = [];
  for (const [name, declaration] of Object.entries(declarations)) {
    values[name] = startingValue(declaration, Object.hasOwn(base, name) ? base[name] : undefined);
    if (!Object.hasOwn(raw, name) || raw[name] === undefined) continue;
    const reading = read(declaration, raw[name]);
    if ('refused' in reading) {
      problems.push({ name, message: `${name}: ${reading.refused}; ${describe(values[name])} was kept.` });
      continue;
    }
    values[name] = reading.value;
    if (reading.changed !== undefined) problems.push({ name, message: `${name}: ${reading.changed}.` });
  }
  for (const name of Object.keys(raw)) {
    if (!Object.hasOwn(declarations, name))
      problems.push({ name, message: unknownName(name, Object.keys(declarations)) });
  }
  return { values, problems };
}

/** The value that a declaration stands for where nothing is set. */
function defaultValue(declaration: ParameterDeclaration): ParameterValue {
  if (declaration.kind !== 'data') return declaration.default;
  return declaration.default === null ? { kind: 'none' } : { kind: 'sample', name: declaration.default };
}

/** The name among `names` that is nearest to a misspelt one, or undefined where none is near. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const folded = fold(name);
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(folded.length / 2));
  for (const candidate of names) {
    const distance = editDistance(folded, fold(candidate));
    if (distance < bestDistance || (distance === bestDistance && best === undefined)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function startingValue(declaration: ParameterDeclaration, given: unknown): ParameterValue {
  if (given === undefined) return defaultValue(declaration);
  const reading = read(declaration, given);
  return 'refused' in reading ? defaultValue(declaration) : reading.value;
}

function read(declaration: ParameterDeclaration, given: unknown): Reading {
  switch (declaration.kind) {
    case 'real':
      return withNumber(given, (number) => clamp(number, declaration.min, declaration.max));
    case 'integer':
      return withNumber(given, (number) => readInteger(number, declaration));
    case 'seed':
      return withNumber(given, (number) => {
        const whole = Math.round(number);
        const rounded =
          whole === number
            ? {}
            : { changed: `${short(number)} is not a whole number; it was rounded to ${short(whole)}` };
        const clamped = clamp(whole, 0, largestSeed);
        return 'changed' in clamped ? clamped : { ...clamped, ...rounded };
      });
    case 'choice':
      return readChoice(Object.keys(declaration.options), given);
    case 'toggle':
      return readToggle(given);
    case 'text':
      return readText(given, declaration.maxLength);
    case 'data':
      return readData(declaration, given);
    default:
      return declaration satisfies never;
  }
}

/** Decimal notation and nothing else: `Number` would read `0x10`, blanks and `true` too. */
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function withNumber(given: unknown, then: (number: number) => Reading): Reading {
  const trimmed = typeof given === 'string' ? given.trim() : given;
  const number = typeof trimmed === 'string' && decimal.test(trimmed) ? Number(trimmed) : trimmed;
  if (typeof number === 'number' && !Number.isNaN(number)) return then(number);
  const comma =
    typeof trimmed === 'string' && decimal.test(trimmed.replace(',', '.'))
      ? ' (write the decimal point as a point)'
      : '';
  return { refused: `${describe(given)} is not a number${comma}` };
}

function clamp(number: number, min: number, max: number): Extract<Reading, { value: ParameterValue }> {
  // `-0` would print and compare oddly in links.
  if (number >= min && number <= max) return { value: number === 0 ? 0 : number };
  const bound = number < min ? min : max;
  return {
    value: bound,
    changed: `${short(number)} is ${number < min ? 'below' : 'above'} the range; it was set to ${short(bound)}`,
  };
}

function readInteger(
  number: number,
  { min, max, step }: { readonly min: number; readonly max: number; readonly step: number },
): Reading {
  const clamped = clamp(number, min, max);
  if (clamped.changed !== undefined) return clamped;
  const steps = Math.round((number - min) / step);
  const last = Math.floor((max - min) / step);
  const value = min + Math.min(steps, last) * step;
  // The top of the range is always reachable, also where the steps do not end on it.
  if (value === number || number === max) return { value: number === 0 ? 0 : number };
  const why = step === 1 ? 'is not a whole number' : `is not ${short(min)} plus a multiple of ${short(step)}`;
  return { value, changed: `${short(number)} ${why}; it was set to ${short(value)}` };
}

function readChoice(options: readonly string[], given: unknown): Reading {
  if (typeof given === 'number' || typeof given === 'string') {
    const text = String(given).trim();
    if (options.includes(text)) return { value: text };
    const folded = options.filter((option) => fold(option) === fold(text));
    if (folded.length === 1 && folded[0] !== undefined) return { value: folded[0] };
  }
  return { refused: `${describe(given)} is not one of ${options.join(', ')}${didYouMean(given, options)}` };
}

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  on: true,
  yes: true,
  '1': true,
  false: false,
  off: false,
  no: false,
  '0': false,
};

function readToggle(given: unknown): Reading {
  if (typeof given === 'boolean') return { value: given };
  const word = typeof given === 'string' || typeof given === 'number' ? String(given).trim().toLowerCase() : undefined;
  const value = word !== undefined && Object.hasOwn(truths, word) ? truths[word] : undefined;
  return value === undefined ? { refused: `${describe(given)} is neither true nor false` } : { value };
}

function readText(given: unknown, maxLength: number): Reading {
  if (typeof given !== 'string' && typeof given !== 'number') return { refused: `${describe(given)} is not a text` };
  const text = String(given);
  const value = wellFormed(text.slice(0, maxLength));
  if (text.length <= maxLength) return { value };
  return {
    value,
    changed: `the text has ${String(text.length)} characters; the first ${String(maxLength)} were kept`,
  };
}

/** Lone halves of a surrogate pair cannot be written into a link. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\u{fffd}');
}

function readData(declaration: DataParameter, given: unknown): Reading {
  const samples = Object.keys(declaration.samples);
  const choice = typeof given === 'string' ? ({ kind: 'sample', name: given.trim() } satisfies DataChoice) : given;
  if (!isDataChoice(choice)) return { refused: `${describe(given)} is neither a sample nor a file` };
  switch (choice.kind) {
    case 'file':
      return { value: choice };
    case 'none':
      if (declaration.default === null) return { value: choice };
      return { refused: 'this cannot be left out' };
    case 'sample':
      if (samples.includes(choice.name) || choice.name === declaration.default) return { value: choice };
      if (samples.length === 0) return { refused: 'there are no samples to choose from, only files of your own' };
      return {
        refused: `there is no sample "${choice.name}"; there are ${samples.join(', ')}${didYouMean(choice.name, samples)}`,
      };
    default:
      return choice satisfies never;
  }
}

function isDataChoice(value: unknown): value is DataChoice {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  if (value.kind === 'none') return true;
  if (!('name' in value) || typeof value.name !== 'string') return false;
  return value.kind === 'sample' || (value.kind === 'file' && 'file' in value && value.file instanceof Blob);
}

function unknownName(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  if (nearest !== undefined) return `There is no parameter "${name}"; did you mean "${nearest}"? It was ignored.`;
  const known = names.length === 0 ? 'There are none here.' : `There are: ${names.join(', ')}.`;
  return `There is no parameter "${name}"; it was ignored. ${known}`;
}

function didYouMean(given: unknown, names: readonly string[]): string {
  const nearest = typeof given === 'string' ? nearestName(given, names) : undefined;
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
}

/** Spellings that people confuse fold to one: case, dashes, underscores and blanks. */
function fold(name: string): string {
  return name.toLowerCase().replace(/[-_\s]/g, '');
}

/** A value in a sentence, cut where it is long. */
function describe(value: unknown): string {
  if (typeof value === 'number') return short(value);
  if (typeof value === 'string') return `"${value.length > 40 ? `${value.slice(0, 39)}…` : value}"`;
  if (typeof value === 'boolean') return String(value);
  if (isDataChoice(value)) return value.kind === 'none' ? 'nothing' : `"${value.name}"`;
  return value === null ? 'null' : `a value of type ${typeof value}`;
}

function short(number: number): string {
  return Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(6)));
}

/** The number of letters to insert, delete or replace (Levenshtein). Long names are not compared to the end. */
function editDistance(a: string, b: string): number {
  const from = a.slice(0, 40);
  const to = b.slice(0, 40);
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
