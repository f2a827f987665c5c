/** From what a person chose to what a lab gets: tells files apart by their first bytes, reads them, remembers the last few. */
import { InvalidInputError, UnsupportedError } from '../device/errors';
import type { DataChoice, DataKind, NamedTensors, NumericMatrix, Photograph } from '../labs/parameters';
import { decodeImage } from './images';
import { isNpy, readNpy } from './npy';
import { loadSample, samples } from './samples';
import { loadTable } from './tables';

interface ValueOfKind {
  image: Photograph;
  matrix: NumericMatrix;
  tensors: NamedTensors;
}

/** What was read, and what a person should know about it (that a picture was scaled down, say). */
export interface ReadData<Kind extends DataKind> {
  /** A copy of its own: its buffer may be transferred. Undefined where nothing was chosen. */
  readonly value: ValueOfKind[Kind] | undefined;
  readonly notes: readonly string[];
}

type AnyData = ReadData<'image'> | ReadData<'matrix'> | ReadData<'tensors'>;

interface CachedFile {
  readonly accepts: DataKind;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly data: Promise<AnyData>;
}

/** A run restarts with every slider, so decoding the same picture again would be most of its time. */
const REMEMBERED_FILES = 4;
const cachedSamples = new Map<string, Promise<AnyData>>();
let cachedFiles: readonly CachedFile[] = [];

/**
 * Reads a sample or a file as an image, a matrix or named tensors. Files are told apart by content, not by name. Throws `InvalidInputError` or
 * `UnsupportedError` as the readers do, and for a matrix where an image is wanted or the other way round.
 */
export async function readData<Kind extends DataKind>(choice: DataChoice, accepts: Kind): Promise<ReadData<Kind>> {
  const data = await (choice.kind === 'none'
    ? { value: undefined, notes: [] }
    : choice.kind === 'sample'
      ? readSample(choice.name, accepts)
      : readFile(choice.file, choice.name, accepts));
  // `accepts` decided which reader ran, which the type system cannot follow.
  return { ...data, value: copyOf(data.value) } as ReadData<Kind>;
}

async function readSample(name: string, accepts: DataKind): Promise<AnyData> {
  if (accepts === 'matrix' && Object.hasOwn(samples, name)) {
    throw new InvalidInputError(
      `The sample "${name}" is a photograph, but a matrix is wanted: choose a table, or a .npy or CSV file.`,
      { field: name },
    );
  }
  let data = cachedSamples.get(name);
  if (data === undefined) {
    data =
      accepts === 'matrix'
        ? loadTable(name).then((value) => ({ value, notes: [] }))
        : loadSample(name).then((value) => ({ value, notes: [] }));
    cachedSamples.set(name, data);
    data.catch(() => cachedSamples.delete(name));
  }
  return data;
}

async function readFile(file: Blob, name: string, accepts: DataKind): Promise<AnyData> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidInputError(`${name} can no longer be read (${reason}): choose it again.`, { field: name });
  }
  // A file that was posted to the worker again is another object, so it is known by what it holds.
  const known = cachedFiles.find(
    (cached) => cached.accepts === accepts && cached.name === name && areEqual(cached.bytes, bytes),
  );
  if (known !== undefined) return known.data;
  const data = readAs(accepts, bytes, file, name);
  const entry: CachedFile = { accepts, name, bytes, data };
  cachedFiles = [entry, ...cachedFiles].slice(0, REMEMBERED_FILES);
  data.catch(() => {
    cachedFiles = cachedFiles.filter((cached) => cached !== entry);
  });
  return data;
}

async function readAs(accepts: DataKind, bytes: Uint8Array, file: Blob, name: string): Promise<AnyData> {
  switch (accepts) {
    case 'image':
      return readImage(bytes, file, name);
    case 'matrix':
      return readMatrix(bytes, name);
    case 'tensors': {
      const { readSafetensors } = await import('./safetensors');
      return { value: readSafetensors(bytes, name), notes: [] };
    }
    default:
      return accepts satisfies never;
  }
}

async function readImage(bytes: Uint8Array, file: Blob, name: string): Promise<AnyData> {
  if (isNpy(bytes)) {
    throw new InvalidInputError(`${name} is a matrix, but a photograph is wanted: give a JPEG or PNG file.`, {
      field: name,
    });
  }
  const { photograph, note } = await decodeImage(file, name);
  return { value: photograph, notes: note === null ? [] : [note] };
}

async function readMatrix(bytes: Uint8Array, name: string): Promise<ReadData<'matrix'>> {
  if (isNpy(bytes)) return { value: readNpy(bytes, name), notes: [] };
  if (startsWith(bytes, [0x50, 0x4b, 0x03, 0x04])) {
    throw new UnsupportedError(
      `${name} is an archive (.npz or a spreadsheet): save one array as .npy or one sheet as CSV.`,
      { field: name },
    );
  }
  if (imageSignatures.some((signature) => startsWith(bytes, signature))) {
    throw new InvalidInputError(`${name} is an image, but a matrix is wanted: give a .npy or CSV file.`, {
      field: name,
    });
  }
  const { readCsv } = await import('./csv');
  return { value: readCsv(bytes, name), notes: [] };
}

/** JPEG, PNG, GIF, RIFF (WebP). */
const imageSignatures: readonly (readonly number[])[] = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
  [0x47, 0x49, 0x46, 0x38],
  [0x52, 0x49, 0x46, 0x46],
];

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function copyOf(value: ValueOfKind[DataKind] | undefined): ValueOfKind[DataKind] | undefined {
  if (value === undefined) return undefined;
  if ('tensors' in value) {
    const copies = [...value.tensors].map(
      ([name, { shape, values }]) => [name, { shape, values: values.slice() }] as const,
    );
    return { ...value, tensors: new Map(copies) };
  }
  return 'pixels' in value ? { ...value, pixels: value.pixels.slice() } : { ...value, values: value.values.slice() };
}
