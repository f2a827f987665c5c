/**
 * NumPy's .npy files: reads versions 1 to 3 with real dtypes into a matrix, and writes float matrices.
 * The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { InvalidInputError, UnsupportedError } from '../device/errors';
import type { NumericMatrix } from '../labs/parameters';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

interface Header {
  /** Where the numbers begin. */
  readonly offset: number;
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

type ReadNumber = (view: DataView, offset: number, littleEndian: boolean) => number;

const readers: Readonly<Record<string, ReadNumber>> = {
  f4: (view, offset, little) => view.getFloat32(offset, little),
  f8: (view, offset, little) => view.getFloat64(offset, little),
  i1: (view, offset) => view.getInt8(offset),
  i2: (view, offset, little) => view.getInt16(offset, little),
  i4: (view, offset, little) => view.getInt32(offset, little),
  i8: (view, offset, little) => Number(view.getBigInt64(offset, little)),
  u1: (view, offset) => view.getUint8(offset),
  u2: (view, offset, little) => view.getUint16(offset, little),
  u4: (view, offset, little) => view.getUint32(offset, little),
  u8: (view, offset, little) => Number(view.getBigUint64(offset, little)),
  b1: (view, offset) => (view.getUint8(offset) === 0 ? 0 : 1),
};

/** True if the bytes begin as every .npy file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads a .npy file of one or two axes; one axis becomes one column. Integers beyond 2^53 are rounded to float64.
 * Throws `InvalidInputError` for a file that is damaged, empty, of another rank or holds NaN or infinity, and `UnsupportedError`
 * for complex, structured, text and object dtypes.
 */
export function readNpy(bytes: Uint8Array, name: string): NumericMatrix {
  const { offset, descr, fortranOrder, shape } = readHeader(bytes, name);
  const [rows, columns] = matrixSizes(shape, name);
  const { read, itemBytes, littleEndian } = readerOf(descr, name);
  const expected = rows * columns * itemBytes;
  const actual = bytes.byteLength - offset;
  if (actual !== expected) {
    throw new InvalidInputError(
      `${name} promises ${rows} x ${columns} numbers of ${itemBytes} bytes (${expected} bytes) but holds ${actual} bytes: ` +
        `${actual < expected ? 'it was cut off' : 'its header does not belong to its data'}, save it again.`,
      { field: name, expectedBytes: expected, actualBytes: actual },
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, expected);
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const stored = fortranOrder ? column * rows + row : row * columns + column;
      const value = read(view, stored * itemBytes, littleEndian);
      if (!Number.isFinite(value)) {
        throw new InvalidInputError(
          `${name} holds ${String(value)} at row ${row + 1}, column ${column + 1}: replace it by a finite number.`,
          { field: name, row: row + 1, column: column + 1 },
        );
      }
      values[row * columns + column] = value;
    }
  }
  return { name, rows, columns, values };
}

/** Writes a row-major matrix as a version 1 .npy file in C order, as float64 or (`f4`) float32. */
export function writeNpy(
  matrix: { readonly rows: number; readonly columns: number; readonly values: ArrayLike<number> },
  dtype: 'f8' | 'f4' = 'f8',
): Uint8Array<ArrayBuffer> {
  const { rows, columns, values } = matrix;
  if (values.length !== rows * columns) {
    throw new InvalidInputError(
      `A matrix of ${rows} x ${columns} needs ${rows * columns} values, but ${values.length} were given.`,
    );
  }
  const dictionary = `{'descr': '<${dtype}', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  // Magic, version and length take 10 bytes; the data begins at a multiple of 64, and the header ends with a newline.
  const headerBytes = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const itemBytes = dtype === 'f8' ? 8 : 4;
  const file = new Uint8Array(10 + headerBytes + itemBytes * values.length);
  file.set([...MAGIC, 1, 0]);
  const view = new DataView(file.buffer);
  view.setUint16(8, headerBytes, true);
  file.set(new TextEncoder().encode(`${dictionary.padEnd(headerBytes - 1)}\n`), 10);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (dtype === 'f8') view.setFloat64(10 + headerBytes + 8 * i, value, true);
    else view.setFloat32(10 + headerBytes + 4 * i, value, true);
  }
  return file;
}

function readHeader(bytes: Uint8Array, name: string): Header {
  if (!isNpy(bytes)) {
    throw new InvalidInputError(`${name} is not a .npy file: save the array with numpy.save.`, { field: name });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6] ?? 0;
  if (bytes.byteLength >= 8 && (version < 1 || version > 3)) {
    throw new UnsupportedError(
      `${name} is a .npy file of version ${version}; versions 1 to 3 are read: save it again with numpy.save.`,
      {
        field: name,
        version,
      },
    );
  }
  const start = version === 1 ? 10 : 12;
  const length =
    bytes.byteLength < start ? Infinity : version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const offset = start + length;
  if (offset > bytes.byteLength) {
    throw new InvalidInputError(`${name} ends inside its header: it was cut off, save or download it again.`, {
      field: name,
      actualBytes: bytes.byteLength,
    });
  }
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(start, offset));
  return { offset, ...parseDictionary(text, name) };
}

/** Reads the three entries of the header's Python dictionary. */
function parseDictionary(text: string, name: string): Omit<Header, 'offset'> {
  const entry = (key: string, value: string): RegExpExecArray | null =>
    new RegExp(`['"]${key}['"]\\s*:\\s*${value}`).exec(text);
  if (entry('descr', '\\[') !== null) {
    throw new UnsupportedError(`${name} holds records with named fields: save one field as a plain array of numbers.`, {
      field: name,
    });
  }
  const descr = entry('descr', `(?:'([^']*)'|"([^"]*)")`);
  const order = entry('fortran_order', '(True|False)');
  const shape = entry('shape', '\\(([^)]*)\\)');
  const axes = (shape?.[1] ?? '-')
    .split(',')
    .map((axis) => axis.trim())
    .filter((axis, i, all) => axis !== '' || (i > 0 && i < all.length - 1));
  if (descr === null || order === null || !axes.every((axis) => /^\d+L?$/.test(axis))) {
    throw new InvalidInputError(`The header of ${name} cannot be read: save the array again with numpy.save.`, {
      field: name,
    });
  }
  return {
    descr: descr[1] ?? descr[2] ?? '',
    fortranOrder: order[1] === 'True',
    shape: axes.map((axis) => Number.parseInt(axis, 10)),
  };
}

function matrixSizes(shape: readonly number[], name: string): [rows: number, columns: number] {
  const [rows, columns = 1] = shape;
  const written = `(${shape.join(', ')})`;
  if (rows === undefined || shape.length > 2) {
    throw new InvalidInputError(
      `${name} has ${shape.length} axes, shape ${written}: one or two are wanted, reshape it.`,
      {
        field: name,
        axes: shape.length,
      },
    );
  }
  if (rows === 0 || columns === 0) {
    throw new InvalidInputError(`${name} is empty, shape ${written}: give it at least one row and one column.`, {
      field: name,
    });
  }
  if (!Number.isSafeInteger(8 * rows * columns)) {
    throw new InvalidInputError(
      `The header of ${name} states the impossible shape ${written}: save the array again with numpy.save.`,
      {
        field: name,
      },
    );
  }
  return [rows, columns];
}

function readerOf(descr: string, name: string): { read: ReadNumber; itemBytes: number; littleEndian: boolean } {
  const [, order, kind] = /^([<>|=]?)(.+)$/.exec(descr) ?? [];
  const read = kind !== undefined && Object.hasOwn(readers, kind) ? readers[kind] : undefined;
  if (read === undefined || kind === undefined) {
    throw new UnsupportedError(
      `${name} has the dtype '${descr}'${wordFor(kind)}; real numbers are read (f4, f8, i1 to i8, u1 to u8, b1): convert it with .astype('f4').`,
      { field: name, dtype: descr },
    );
  }
  return { read, itemBytes: Number(kind[1]), littleEndian: order !== '>' };
}

function wordFor(kind: string | undefined): string {
  switch (kind?.[0]) {
    case 'c':
      return ' (complex numbers)';
    case 'O':
      return ' (Python objects)';
    case 'S':
    case 'U':
      return ' (text)';
    case 'V':
      return ' (records)';
    case 'f':
      return ' (another float)';
    default:
      return '';
  }
}
