/**
 * Parameters: one declaration gives the panel, the attributes, the permalink, the validation and the documentation.
 * This file imports nothing, because the page and the worker both use it.
 */

interface Common {
  /** What people read beside the control. */
  readonly label: string;
  /** One line of help under the control. */
  readonly help?: string;
  /** True if a change reaches the running loop at its next step; otherwise a change starts the run anew. */
  readonly live?: boolean;
  /** True if the panel does not show it (a picked pixel, say); attributes and permalinks still set it. */
  readonly hidden?: boolean;
}

/** A real number with a range. */
export interface RealParameter extends Common {
  readonly kind: 'real';
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** How the slider runs; `log` needs `min > 0`. */
  readonly scale: 'linear' | 'log';
  readonly unit?: string;
}

/** A whole number with a range. */
export interface IntegerParameter extends Common {
  readonly kind: 'integer';
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** How the slider runs; `log` means powers of two. */
  readonly scale: 'linear' | 'log';
  readonly step: number;
  readonly unit?: string;
}

/** One of a few named options. */
export interface ChoiceParameter<Option extends string = string> extends Common {
  readonly kind: 'choice';
  readonly options: Readonly<Record<Option, string>>;
  readonly default: Option;
}

/** On or off. */
export interface ToggleParameter extends Common {
  readonly kind: 'toggle';
  readonly default: boolean;
}

/** A short text that people type. */
export interface TextParameter extends Common {
  readonly kind: 'text';
  readonly default: string;
  /** The most characters, counted as UTF-16 units. */
  readonly maxLength: number;
}

/** The seed of all randomness in the lab: an unsigned 32-bit integer. */
export interface SeedParameter extends Common {
  readonly kind: 'seed';
  readonly default: number;
}

/** What people can bring: a photograph, a matrix of numbers (.npy, CSV), or named tensors (.safetensors). */
export type DataKind = 'image' | 'matrix' | 'tensors';

/** A sheet that points can be painted on: what its axes span, and the classes that points are of, if they are of any. */
export interface PaintSheet {
  readonly x: readonly [low: number, high: number];
  readonly y: readonly [low: number, high: number];
  /** Names of classes and their CSS colours; a point's class is a third column, counted from 0 in this order. */
  readonly classes?: Readonly<Record<string, string>>;
}

/** Something a person can bring a file for. */
export interface DataParameter<Kind extends DataKind = DataKind> extends Common {
  readonly kind: 'data';
  readonly accepts: Kind;
  /** The name of the sample that stands in, or null where the lab generates its input unless a file is given. */
  readonly default: string | null;
  /** Samples to choose from: name to label. */
  readonly samples: Readonly<Record<string, string>>;
  /** Where points in the plane may also be painted by hand: the sheet. The painting is a CSV file, a point a row. */
  readonly paint?: PaintSheet;
}

export type ParameterDeclaration =
  RealParameter | IntegerParameter | ChoiceParameter | ToggleParameter | TextParameter | SeedParameter | DataParameter;

export type ParameterDeclarations = Readonly<Record<string, ParameterDeclaration>>;

/** What a data parameter is set to: a sample by name, a file, or nothing. */
export type DataChoice =
  | { readonly kind: 'sample'; readonly name: string }
  | { readonly kind: 'file'; readonly file: Blob; readonly name: string }
  | { readonly kind: 'none' };

/** A photograph as the labs get it: 8-bit sRGB with alpha, row by row. */
export interface Photograph {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** RGBA, `4 * width * height` bytes. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** A matrix of numbers as the labs get it, row-major. */
export interface NumericMatrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array<ArrayBuffer>;
  /** What the columns are, where that is known. */
  readonly columnNames?: readonly string[];
}

/** An array of numbers of any number of axes, row-major, in float32. */
export interface NumericTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/** Tensors by their names in a file. */
export interface NamedTensors {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, NumericTensor>;
}

/** The value of a parameter as the page holds it. */
export type ParameterValue = number | string | boolean | DataChoice;

/** Values by name as the page, attributes and permalinks hold them. */
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

interface ResolvedByData {
  image: Photograph;
  matrix: NumericMatrix | undefined;
  tensors: NamedTensors | undefined;
}

/** The value of a parameter as a lab's run gets it: files and samples already read. */
export type Resolved<P extends ParameterDeclaration> = P extends { kind: 'real' | 'integer' | 'seed' }
  ? number
  : P extends ChoiceParameter<infer Option>
    ? Option
    : P extends { kind: 'toggle' }
      ? boolean
      : P extends { kind: 'text' }
        ? string
        : P extends DataParameter<infer Kind>
          ? ResolvedByData[Kind]
          : never;

export type ResolvedValues<P extends ParameterDeclarations> = { readonly [Name in keyof P]: Resolved<P[Name]> };

type Declared<P extends { kind: string }, Optional extends string = never> = Omit<P, 'kind' | Optional> &
  Partial<Pick<P, Extract<Optional, keyof P>>>;

/** A real number; the scale is linear unless said otherwise. */
export function real(options: Declared<RealParameter, 'scale'>): RealParameter {
  return { kind: 'real', scale: 'linear', ...options };
}

/** A whole number; step 1 and a linear scale unless said otherwise. */
export function integer(options: Declared<IntegerParameter, 'scale' | 'step'>): IntegerParameter {
  return { kind: 'integer', scale: 'linear', step: 1, ...options };
}

/** One of a few options, given as `{ value: 'label' }`. */
export function choice<const Option extends string>(
  options: Omit<ChoiceParameter<Option>, 'kind' | 'default'> & { readonly default: NoInfer<Option> },
): ChoiceParameter<Option> {
  return { kind: 'choice', ...options };
}

/** On or off. */
export function toggle(options: Declared<ToggleParameter>): ToggleParameter {
  return { kind: 'toggle', ...options };
}

/** A short text; at most 200 characters unless said otherwise. */
export function text(options: Declared<TextParameter, 'maxLength'>): TextParameter {
  return { kind: 'text', maxLength: 200, ...options };
}

/** The seed of all randomness. */
export function seed(value: number, label = 'seed'): SeedParameter {
  return { kind: 'seed', label, default: value };
}

/** A photograph, a matrix or tensors that a person can replace by a file of their own. */
export function data<Kind extends DataKind>(
  accepts: Kind,
  options: Omit<DataParameter<Kind>, 'kind' | 'accepts' | 'samples'> & {
    readonly samples?: Readonly<Record<string, string>>;
  },
): DataParameter<Kind> {
  return { kind: 'data', accepts, samples: {}, ...options };
}
